/**
 * The hard customer of the Replicas port: deltas that lose nothing, between real peers, with late joiners, gaps and
 * restarts
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createCodec } from '../../src/codec/codec.ts'
import { absoluteReplicas } from '../../src/codec/absolute-replicas.ts'
import { parameterVectors, refusal } from '../../src/contracts/codec.ts'
import { until } from '../../src/contracts/helpers.ts'
import { replicasContract } from '../../src/contracts/replicas.ts'
import { createNode, deltaReplicas, parseFederation } from '../../src/index.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { MemoryHub } from '../round/memory-network.ts'
import { changed, DeltaMesh, federation, toyTrainer } from './delta-peers.ts'
import { exactDelta } from './exact-delta.ts'
import type { NodeParts, OwnReplica, Replicas } from '../../src/index.ts'
import type { DeltaPeer } from './delta-peers.ts'

const codec = createCodec('float32')

for (const keyframeEvery of [1, 3, 1_000]) {
  replicasContract(`exact deltas with a keyframe every ${keyframeEvery}`, (parameterCount) => deltaReplicas({ codec, delta: exactDelta, parameterCount, keyframeEvery }))
}
replicasContract('exact deltas between keyframes of int8', (parameterCount) => deltaReplicas({ codec: createCodec('int8'), delta: exactDelta, parameterCount }))

describe('the exact delta', () => {
  it('gives back every bit, of whatever vector on whatever other', () => {
    fc.assert(fc.property(parameterVectors(300), parameterVectors(300), (now, before) => {
      const base = Float32Array.from(now, (_, i) => before[i % before.length]!)
      const again = exactDelta.decode(exactDelta.encode(now, base), base)
      expect(Buffer.from(again.buffer).equals(Buffer.from(now.buffer, now.byteOffset, now.byteLength))).toBe(true)
    }))
  })

  it('refuses what inflates to more than a model, without inflating it', () => {
    const bomb = deflateRawSync(new Uint8Array(64_000_000))
    const before = process.memoryUsage().arrayBuffers
    expect(refusal(() => exactDelta.decode(bomb, new Float32Array(100)))).toBe('codec')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })
})

describe('a federation in one process', () => {
  /** sha-256 of the last models of three peers, by their store */
  async function modelsOf (replicas: NodeParts['replicas'], document = federation): Promise<{ hashes: string[], kinds: Set<number> }> {
    const hub = new MemoryHub()
    const kinds = new Set<number>()
    const nodes = [0, 1, 2].map((index) => {
      const database = new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' })
      return createNode({ home: '/nowhere', federation: document, data: { kind: 'digits', seed: 1, trainExamples: 100, testExamples: 10 }, rounds: 6, minMembers: 3 }, {
        makeHome: async () => {},
        identity: async () => generateKeyPair('Ed25519'),
        store: ({ clock, trace }) => createLevelStore({ location: 'memory', clock, trace, createDatabase: () => database as never }),
        trainer: () => toyTrainer(index),
        replicas,
        network: async (init) => {
          const network = hub.join(`peer-${index}`, init.replicas)
          network.addEventListener('update', ({ detail }) => { kinds.add(detail.kind ?? 1) })
          return Object.assign(network, { newestOwn: async () => ({ answers: 2 }) })
        }
      })
    })
    for (const node of nodes) {
      await node.start()
    }
    await Promise.all(nodes.map(async (node) => node.stopped()))
    const versions = await Promise.all(nodes.map(async (node) => node.version('latest')))
    return { hashes: versions.map((found) => found!.version.parametersHash), kinds }
  }

  it('comes to the same models as with float32, bit for bit', async () => {
    const document = parseFederation({ ...federation, round: { ...federation.round, staleness: 0 } })
    const plain = await modelsOf(absoluteReplicas, document)
    const delta = await modelsOf((init) => deltaReplicas({ ...init, delta: exactDelta, keyframeEvery: 4 }), document)
    expect([...plain.kinds]).toEqual([1])
    expect([...delta.kinds].sort()).toEqual([1, 2])
    expect(delta.hashes).toEqual(plain.hashes)
  })
})

const mesh = new DeltaMesh()
afterEach(async () => mesh.end())

/** True when each of these mixed with all others in each of its last few rounds, since it had `from` reports */
function mixFrom (peers: readonly DeltaPeer[], from: readonly number[], rounds = 4): boolean {
  return peers.every(({ reports }, index) => {
    const since = reports.slice(from[index])
    return since.length >= rounds && since.slice(-rounds).every(({ accepted }) => accepted === peers.length - 1)
  })
}

/** Everybody mixes with everybody, from now on */
async function mixing (...peers: DeltaPeer[]): Promise<void> {
  const from = peers.map(({ reports }) => reports.length)
  await until(() => mixFrom(peers, from))
}

/** What each made of the others' updates is what they meant */
function expectSameReplicas (peers: readonly DeltaPeer[]): void {
  const pairs = peers.flatMap((author) => [...author.own].flatMap(([round, meant]) => peers.map(({ made }) => [meant, made.get(`${author.id}/${round}`)])))
  const compared = pairs.filter(([, made]) => made !== undefined)
  expect(compared.length).toBeGreaterThan(10)
  expect(compared.filter(([meant, made]) => meant !== made)).toEqual([])
}

async function three (): Promise<[DeltaPeer, DeltaPeer, DeltaPeer]> {
  const peers = [await mesh.start(0), await mesh.start(1), await mesh.start(2)] as const
  await mixing(...peers)
  return [...peers]
}

describe('exact deltas between peers over TCP', () => {
  it('are all that is sent after the first update, and each is what its author means', async () => {
    const peers = await three()
    expectSameReplicas(peers)
    for (const { kinds } of peers) {
      expect(kinds.slice(1).every((kind) => kind === 2)).toBe(true)
    }
    expect(peers.flatMap(({ refused }) => refused)).toEqual([])
  })

  it('reach a late joiner: one keyframe of each author, then deltas', async () => {
    const early = [await mesh.start(0), await mesh.start(1)]
    await mixing(...early)
    const late = await mesh.start(2)
    await mixing(...early, late)
    expect(late.jumps).toBeGreaterThan(0)
    expect(late.reports[0]!.round).toBeGreaterThan(4)
    expectSameReplicas(mesh.peers)
    for (const { id } of early) {
      const asked = late.asked.filter(({ author }) => author === id)
      expect(asked.length).toBeGreaterThanOrEqual(1)
      expect(asked.length).toBeLessThanOrEqual(2)
    }
  })

  it('go on after a gap, with one keyframe for each author that was missed', async () => {
    const peers = await three()
    const [first, second, deaf] = peers
    const before = deaf.asked.length
    const lost = new Set<string>()
    // two updates of each are lost on the way, as in a short partition
    const heard = new Map<string, number>()
    deaf.loses = ({ author, updateId }) => {
      heard.set(author, (heard.get(author) ?? 0) + 1)
      const isLost = heard.get(author)! <= 2
      isLost && lost.add(updateId)
      return isLost
    }
    await until(() => [first, second].every(({ id }) => (heard.get(id) ?? 0) > 2))
    await mixing(...peers)
    expect(lost.size).toBe(4)
    expectSameReplicas(peers)
    const asked = deaf.asked.slice(before)
    expect(new Set(asked.map(({ author }) => author))).toEqual(new Set([first.id, second.id]))
    expect(asked.length).toBeLessThanOrEqual(4)
    expect(first.asked.length + second.asked.length).toBeLessThanOrEqual(4)
  })

  it('hold up no round beyond its deadline while a keyframe is on its way', async () => {
    const peers = await three()
    const [first, , deaf] = peers
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = deaf.asked.length
    deaf.blocked = promise
    let lost = 0
    deaf.loses = ({ author }) => author === first.id && lost++ === 0
    await until(() => lost > 1)
    const from = deaf.reports.length
    await until(() => deaf.reports.slice(from).filter(({ accepted }) => accepted === 1).length >= 2)
    expect(deaf.reports.slice(from).filter(({ durationMs }) => durationMs > federation.round.deadlineMs)).toEqual([])
    // however many of its deltas came meanwhile
    expect(deaf.asked.slice(before).filter(({ author }) => author === first.id)).toHaveLength(1)
    resolve()
    await mixing(...peers)
    expectSameReplicas(peers)
  })

  it('go on after a restart on either side', async () => {
    const [first, second, third] = await three()
    await third.node.stop({ force: true })
    const again = await mesh.start(2)
    expect(again.id).toBe(third.id)
    const before = [first, second].map(({ asked }) => asked.length)
    await mixing(first, second, again)
    expectSameReplicas([first, second, again])
    // its own stream begins anew, so that nobody needs a keyframe of it; it needs one of each
    expect(again.kinds[0]).toBe(1)
    expect([first, second].map(({ asked }) => asked.length)).toEqual(before)
    expect(new Set(again.asked.map(({ author }) => author))).toEqual(new Set([first.id, second.id]))
    expect(again.asked.length).toBeLessThanOrEqual(4)
  })

  it('that do not lead to the replica that their author signed are refused and scored, and its next ones taken again', async () => {
    let lies = 0
    const lying = (replicas: Replicas): Replicas => changed(replicas, {
      own: (parameters: Float32Array): OwnReplica => {
        const own = replicas.own(parameters)
        const { replicaHash } = own
        if (lies === 0 || replicaHash === undefined) {
          return own
        }
        lies--
        return Object.assign(own, { replicaHash: replicaHash.map((byte) => byte ^ 1) })
      }
    })
    const honest = [await mesh.start(0), await mesh.start(1)] as const
    const liar = await mesh.start(2, lying)
    const peers = [...honest, liar]
    await mixing(...peers)
    lies = 1
    await until(() => honest.every(({ refused }) => refused.length > 0))
    await mixing(...peers)
    for (const { refused, asked } of honest) {
      expect(refused).toEqual([{ peer: liar.id, reason: 'codec' }])
      // its next delta stands on what nobody has but itself
      expect(asked.filter(({ author }) => author === liar.id).length).toBeLessThanOrEqual(3)
    }
    expect(liar.refused).toEqual([])
  })

  it('whose keyframe is wrong cost who sent it, and another has it', async () => {
    const wrong = (replicas: Replicas): Replicas => changed(replicas, {
      keyframe: (replicaHash: Uint8Array) => {
        const held = replicas.keyframe(replicaHash)
        return held === undefined ? undefined : { ...held, encode: () => held.encode().map((byte, index) => index === 100 ? byte ^ 1 : byte) }
      }
    })
    const liar = await mesh.start(0, wrong)
    const honest = await mesh.start(1)
    await mixing(liar, honest)
    const late = await mesh.start(2)
    await mixing(liar, honest, late)
    expect(late.refused.length).toBeGreaterThan(0)
    expect(new Set(late.refused.map(({ peer, reason }) => `${peer} ${reason}`))).toEqual(new Set([`${liar.id} payload-hash`]))
    expectSameReplicas([liar, honest, late])
  })
})

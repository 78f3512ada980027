import assert from 'node:assert'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_CONTROL_BYTES } from '../../src/network/members/control-messages.ts'
import { GossipMeter } from '../../src/network/host/gossip-meter.ts'
import { MAX_GOSSIP_FRAME_BYTES } from '../../src/network/host/gossip-settings.ts'
import { readProof } from '../../src/network/signed/equivocation.ts'
import { encodeSigned, signFields, signHeader } from '../../src/network/signed/update-header.ts'
import { EquivocationProof } from '../../src/network/wire/membership.ts'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { FEDERATION, MemoryBans, Stage } from './nodes.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Host } from '../../src/network/host/host.ts'
import type { SignedHeader } from '../../src/network/signed/update-header.ts'
import type { TestNetwork } from './nodes.ts'

const stage = new Stage()

afterEach(async () => {
  vi.restoreAllMocks()
  await stage.strike()
})

/** A frame: its length as a varint of three bytes, then its content */
function prefixed (content: Uint8Array): Uint8Array {
  const { byteLength } = content
  return Buffer.concat([Uint8Array.of(byteLength & 0x7f | 0x80, byteLength >> 7 & 0x7f | 0x80, byteLength >> 14), content])
}

const topicOf = (author: string): string => `/grapevine/2/${FEDERATION}/updates/${author}`

interface Scene {
  /** Honest peer that follows the author */
  victim: TestNetwork
  /** Honest peer that follows the author, too, but is connected only to the victim: gets what the victim passes on */
  witness: TestNetwork
  attacker: Host
  /** The key of an author that both follow */
  author: PrivateKey
  authorName: string
  sign: (fields?: Partial<Parameters<typeof signHeader>[1]>, payload?: Uint8Array, key?: PrivateKey) => Promise<SignedHeader>
  send: (data: Uint8Array) => Promise<void>
}

/** @param own - The attacker is the author itself */
async function scene (own: boolean, bans = new MemoryBans()): Promise<Scene> {
  const author = await generateKeyPair('Ed25519')
  const sign: Scene['sign'] = async (fields = {}, payload = bytes(100), key = author) => signHeader(key, {
    federation: FEDERATION, round: 1, sequence: 1, codec: 'float32', degree: 3, ...fields
  }, payload)
  const { author: authorName } = await sign()
  const [victim, witness] = await Promise.all([stage.network({ store: bans }), stage.network()])
  const attacker = await stage.startedHost(own ? { privateKey: author } : {})
  await Promise.all([victim.start(), witness.start()])
  victim.neighbourhood.set([authorName, witness.self].sort())
  witness.neighbourhood.set([authorName, victim.self].sort())
  await attacker.libp2p.dial(victim.host.libp2p.getMultiaddrs())
  await witness.connect(victim)
  await until(() => attacker.pubsub.getSubscribers(topicOf(authorName)).length === 1 && victim.host.pubsub.getMeshPeers(topicOf(authorName)).includes(witness.self))
  return { victim, witness, attacker, author, authorName, sign, send: async (data) => { await attacker.pubsub.publish(topicOf(authorName), data) } }
}

describe('a hostile sender', () => {
  it.each<[string, string, (s: Scene) => Promise<Uint8Array>]>([
    ['garbage', 'malformed', async () => bytes(500)],
    ['a truncated message', 'malformed', async (s) => encodeSigned(await s.sign(), bytes(100)).subarray(0, 150)],
    ['a message that is too long', 'oversized', async () => bytes(80_000)],
    ['an update that announces too much', 'oversized', async (s) => encodeSigned(await s.sign({}, bytes(5_000_000)))],
    ['another federation', 'wrong-federation', async (s) => encodeSigned(await s.sign({ federation: 'bafyother' }), bytes(100))],
    ['an update under another author’s topic', 'wrong-author', async (s) => encodeSigned(await s.sign({}, bytes(100), await generateKeyPair('Ed25519')), bytes(100))],
    ['a signature of another key', 'bad-signature', async (s) => encodeSigned({ ...await s.sign(), signature: bytes(64) }, bytes(100))],
    ['a flipped bit in the header', 'bad-signature', async (s) => {
      const signed = await s.sign({ round: 5 })
      const changed = await s.sign({ round: 6 })
      return encodeSigned({ ...changed, signature: signed.signature }, bytes(100))
    }],
    ['a flipped bit in the payload', 'payload-hash', async (s) => {
      const payload = bytes(100)
      payload[50]! ^= 1
      return encodeSigned(await s.sign(), payload)
    }]
  ])('gains nothing with %s: counted, scored, not passed on', async (_, reason, make) => {
    const s = await scene(false)
    await s.send(await make(s))
    await until(() => s.victim.rejected.length === 1)

    expect(s.victim.rejected).toEqual([{ peer: s.attacker.self, author: s.authorName, reason }])
    await until(() => s.victim.host.pubsub.getScore(s.attacker.self) < 0)
    // the genuine update still gets through, to the witness as well
    await s.send(encodeSigned(await s.sign(), bytes(100)))
    await until(() => s.victim.updates.length === 1 && s.witness.updates.length === 1)
    expect(s.witness.rejected).toEqual([])
  })

  it('is banned when it goes on, cannot come back, and is still banned after a restart', async () => {
    const bans = new MemoryBans()
    const s = await scene(false, bans)
    for (let i = 0; i < 5; i++) {
      await s.send(encodeSigned({ ...await s.sign({ round: i + 1 }), signature: bytes(64, i) }, bytes(100)))
    }
    await until(() => !s.victim.connections().some(({ peer }) => peer === s.attacker.self))
    expect(bans.list).toMatchObject([{ peer: s.attacker.self, reason: 'bad-signature' }])
    expect(bans.list[0]!.until).toBeGreaterThan(Date.now() + 60_000)

    await s.attacker.libp2p.dial(s.victim.host.libp2p.getMultiaddrs()).catch(() => {})
    await until(() => s.attacker.libp2p.getConnections().length === 0)

    const restarted = await stage.network({ store: bans })
    await restarted.start()
    await s.attacker.libp2p.dial(restarted.host.libp2p.getMultiaddrs()).catch(() => {})
    await until(() => s.attacker.libp2p.getConnections().length === 0)
    expect(restarted.connections()).toEqual([])
  })

  it.each<[string, string, (s: Scene) => Promise<SignedHeader>]>([
    ['an exchange with one receiver', 'unsupported', async (s) => signFields(s.author, { ...(await s.sign()).header, receiver: (await s.sign()).header.author })],
    ['a second exchange of a round', 'unsupported', async (s) => signFields(s.author, { ...(await s.sign()).header, step: 1 })],
    ['a delta', 'unsupported', async (s) => signFields(s.author, { ...(await s.sign()).header, kind: 2 })],
    ['a second vector, too long for this version', 'unsupported', async (s) => signFields(s.author, { ...(await s.sign({}, bytes(5_000_000))).header, vector: 1 })],
    ['another incarnation', 'unsupported', async (s) => s.sign({ incarnation: 1 })],
    ['a header of a later version', 'unsupported', async (s) => signFields(s.author, { ...(await s.sign()).header, version: 3 })],
    ['an update under another document', 'wrong-epoch', async (s) => s.sign({ epoch: 1 })]
  ])('does not hurt the peer that passes on %s: it is left alone, and what is understood still comes', async (_, reason, make) => {
    const charged = vi.spyOn(GossipMeter.prototype, 'chargeReplay')
    const s = await scene(false)
    await s.send(encodeSigned(await make(s), bytes(100)))
    await until(() => s.victim.rejected.length === 1)
    expect(s.victim.rejected).toEqual([{ peer: s.attacker.self, author: s.authorName, reason }])
    // read a little more slowly, and no more than that
    expect(charged.mock.calls).toEqual([[s.attacker.self]])
    expect(s.victim.host.pubsub.getScore(s.attacker.self)).toBe(0)
    await s.send(encodeSigned(await s.sign({ round: 2, sequence: 2 }), bytes(100)))
    await until(() => s.victim.updates.length === 1 && s.witness.updates.length === 1)
    expect(s.witness.rejected).toEqual([])
  })

  it('does not hurt the peer that passes on an old message', async () => {
    const s = await scene(false)
    await s.send(encodeSigned(await s.sign({ sequence: 100, round: 100 }), bytes(100)))
    await until(() => s.victim.updates.length === 1)
    // the first only came late: that is nobody's fault, and nothing was refused
    for (const sequence of [99, 4]) {
      await s.send(encodeSigned(await s.sign({ sequence, round: sequence }), bytes(100)))
    }
    await until(() => s.victim.rejected.length > 0)
    expect(s.victim.rejected).toEqual([{ peer: s.attacker.self, author: s.authorName, reason: 'replay' }])
    expect(s.victim.host.pubsub.getScore(s.attacker.self)).toBe(0)
  })
})

describe('a hostile author', () => {
  it('that signs two updates for one round is banned, and the proof kept and told', async () => {
    const bans = new MemoryBans()
    const s = await scene(true, bans)
    await s.send(encodeSigned(await s.sign({ sequence: 1 }), bytes(100)))
    await until(() => s.victim.updates.length === 1)
    await s.send(encodeSigned(await s.sign({ sequence: 2 }, bytes(100, 7)), bytes(100, 7)))
    await until(() => s.victim.rejected.length === 1)

    expect(s.victim.rejected[0]).toMatchObject({ author: s.authorName, reason: 'equivocation' })
    expect(s.victim.equivocations()).toMatchObject([{ author: s.authorName, round: 1 }])
    await until(() => !s.victim.connections().some(({ peer }) => peer === s.attacker.self))
    expect(s.victim.banned()).toEqual([s.authorName])

    // what it tells the others convinces one that saw nothing, and what it stored convinces anyone
    const [proof] = s.victim.neighbourhood.told
    expect(s.witness.banned()).toEqual([])
    s.witness.neighbourhood.dispatchEvent(new CustomEvent('equivocation', { detail: proof! }))
    expect(s.witness.banned()).toEqual([s.authorName])
    expect(s.witness.rejected.at(-1)).toMatchObject({ author: s.authorName, reason: 'equivocation' })
    const [ban] = bans.list
    const stored = readProof(EquivocationProof.decode(Buffer.from(ban!.evidence!, 'hex')), FEDERATION)
    assert(typeof stored === 'object')
    expect(stored.verify()).toBe(true)
    expect(stored.proof).toMatchObject({ author: s.authorName, round: 1 })
  })

  it('cannot pull everyone to an absurd round', async () => {
    const s = await scene(true)
    s.victim.setRound(50)
    await s.send(encodeSigned(await s.sign({ round: 2_000_000 }), bytes(100)))
    await until(() => s.victim.rejected.length === 1)

    expect(s.victim.rejected[0]).toMatchObject({ reason: 'round-window' })
  })

  it('that floods is cut off after its burst, and the flood is not passed on without end', async () => {
    const s = await scene(true)
    let sent = 0
    while (s.victim.connections().some(({ peer }) => peer === s.attacker.self) && sent < 3_000) {
      sent++
      await s.send(encodeSigned(await s.sign({ round: sent, sequence: sent }), bytes(100))).catch(() => {})
    }
    await until(() => !s.victim.connections().some(({ peer }) => peer === s.attacker.self))

    expect(s.victim.rejected.some(({ reason }) => reason === 'rate')).toBe(true)
    expect(s.witness.updates.length).toBeLessThan(2_000)
    expect(s.victim.connections().map(({ peer }) => peer)).toEqual([s.witness.self])
  })
})

describe('a hostile stream', () => {
  async function gossipStream (s: Scene): Promise<Awaited<ReturnType<ReturnType<Host['libp2p']['getConnections']>[0]['newStream']>>> {
    return s.attacker.libp2p.getConnections()[0]!.newStream(['/meshsub/1.2.0'])
  }

  it('of undecodable frames is counted, and its sender banned', async () => {
    const s = await scene(false)
    const stream = await gossipStream(s)
    for (let i = 0; i < 10; i++) {
      stream.send(prefixed(bytes(60_000, i)))
    }
    await until(() => !s.victim.connections().some(({ peer }) => peer === s.attacker.self))
    expect(s.victim.rejected[0]).toEqual({ peer: s.attacker.self, author: undefined, reason: 'malformed' })
  })

  it('with a frame beyond the limit is counted and holds no memory', async () => {
    const s = await scene(false)
    const stream = await gossipStream(s)
    const before = process.memoryUsage().rss
    stream.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f))
    await until(() => s.victim.rejected.length > 0)
    for (let i = 0; i < 400 && stream.status === 'open'; i++) {
      if (!stream.send(bytes(65_536, i))) {
        await stream.onDrain({ signal: AbortSignal.timeout(1_000) }).catch(() => {})
      }
    }
    expect(s.victim.rejected[0]).toEqual({ peer: s.attacker.self, author: undefined, reason: 'oversized' })
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
    // the honest pair is not disturbed
    await s.witness.publishRound(1, bytes(100))
    await until(() => s.victim.updates.length === 1)
  })

  it('whose frame never ends holds no more than one frame', async () => {
    const s = await scene(false)
    const stream = await gossipStream(s)
    stream.send(prefixed(new Uint8Array(MAX_GOSSIP_FRAME_BYTES)).subarray(0, MAX_GOSSIP_FRAME_BYTES - 10))
    await s.witness.publishRound(1, bytes(100))
    await until(() => s.victim.updates.length === 1)
    expect(s.victim.rejected.filter(({ reason }) => reason !== 'malformed')).toEqual([])
  })
})

describe('a control message', () => {
  it('is too long above one bound, and counted as that', async () => {
    const s = await scene(false)
    const control = `/grapevine/2/${FEDERATION}/control`
    await until(() => s.attacker.pubsub.getSubscribers(control).length === 1)
    await s.attacker.pubsub.publish(control, bytes(MAX_CONTROL_BYTES))
    await s.attacker.pubsub.publish(control, bytes(MAX_CONTROL_BYTES + 1))
    await until(() => s.victim.rejected.length === 1)
    expect(s.victim.rejected).toEqual([{ peer: s.attacker.self, author: undefined, reason: 'oversized' }])
  })
})

describe('a throwing listener', () => {
  it('does not end the process, whatever event it listens to', async () => {
    const uncaught: unknown[] = []
    const onUncaught = (err: unknown): void => { uncaught.push(err) }
    process.on('uncaughtException', onUncaught)
    process.on('unhandledRejection', onUncaught)
    try {
      const s = await scene(false)
      s.victim.addEventListener('update', () => { throw new TypeError('listener') })
      const rejecting: (event: unknown) => unknown = async () => { throw new TypeError('async listener') }
      s.victim.addEventListener('update', rejecting)
      s.victim.addEventListener('update:rejected', () => { throw new TypeError('listener') })
      s.victim.neighbourhood.onControl = () => { throw new TypeError('control') }
      await s.attacker.pubsub.publish(`/grapevine/2/${FEDERATION}/control`, bytes(10))
      await s.send(bytes(100))
      await s.send(encodeSigned(await s.sign(), bytes(100)))
      await until(() => s.victim.updates.length === 1 && s.victim.rejected.length === 1 && s.witness.updates.length === 1)
      await new Promise((resolve) => setImmediate(resolve))
      expect(uncaught).toEqual([])
    } finally {
      process.off('uncaughtException', onUncaught)
      process.off('unhandledRejection', onUncaught)
    }
  })
})

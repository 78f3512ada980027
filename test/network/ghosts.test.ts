/**
 * Made-up members against real nodes on TCP: records that one stranger signed with keys of its own, of peers that do
 * not exist
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pbStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createHost } from '../../src/network/host/host.ts'
import { MEMBERS_PROTOCOL } from '../../src/network/members/member-exchange.ts'
import { signRecord } from '../../src/network/members/member-record.ts'
import { controlTopic } from '../../src/network/support/topics.ts'
import { MAX_VOUCHES, markOf } from '../../src/network/members/vouching.ts'
import { ControlMessage, MemberExchange } from '../../src/network/wire/membership.ts'
import { FEDERATION, createMeshNode, isComplete, until } from './mesh.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Host } from '../../src/network/host/host.ts'
import type { SignedRecord } from '../../src/network/wire/membership.ts'
import type { MeshNode } from './mesh.ts'

const PATIENCE_MS = 90_000

interface Identity {
  key: PrivateKey
  name: string
}

async function identity (): Promise<Identity> {
  const key = await generateKeyPair('Ed25519')
  return { key, name: peerIdFromPrivateKey(key).toString() }
}

async function record ({ key, name }: Identity, vouches: readonly string[]): Promise<SignedRecord> {
  return await signRecord(key, { federation: FEDERATION, peer: name, addresses: [], sequence: Date.now(), leaving: false, vouches: vouches.map(markOf) })
}

/** A peer that holds real connections with all nodes and says what the test wants */
class Stranger {
  readonly host: Host
  readonly identity: Identity
  readonly streams: Array<ReturnType<typeof pbStream>> = []

  constructor (host: Host, own: Identity) {
    this.host = host
    this.identity = own
  }

  static async create (nodes: readonly MeshNode[]): Promise<Stranger> {
    const own = await identity()
    const host = await createHost({ privateKey: own.key, listen: [], isBanned: () => false })
    const stranger = new Stranger(host, own)
    stops.push(host.stop)
    await host.start()
    host.pubsub.subscribe(controlTopic(FEDERATION))
    for (const node of nodes) {
      stranger.streams.push(pbStream(await host.libp2p.dialProtocol(multiaddr(node.addresses()[0]), MEMBERS_PROTOCOL)))
    }
    return stranger
  }

  /** Hands the records to every node, over the member exchange and the control topic */
  async tell (records: readonly SignedRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += 20) {
      const members = records.slice(from, from + 20).map((signed) => ({ signed, ageMs: 0 }))
      await Promise.all(this.streams.map(async (frames) => { await frames.write({ members, needed: true }, MemberExchange) }))
    }
    for (const signed of records.slice(0, 200)) {
      await this.host.pubsub.publish(controlTopic(FEDERATION), ControlMessage.encode({ record: signed }))
    }
  }
}

const stops: Array<() => Promise<void>> = []
let ghosts: Identity[]

/** Four honest nodes that know each other */
async function honest (): Promise<MeshNode[]> {
  const first = await createMeshNode({ degree: 3, heartbeatMs: 1_000 })
  const rest = await Promise.all([1, 2, 3].map(async () => await createMeshNode({ degree: 3, heartbeatMs: 1_000, bootstrap: [first.addresses()[0]!] })))
  const nodes = [first, ...rest]
  stops.push(...nodes.map(({ stop }) => stop))
  await Promise.all(nodes.map(async ({ neighbourhood }) => { await neighbourhood.start() }))
  await until(() => isComplete(nodes), PATIENCE_MS, 'complete mesh')
  return nodes
}

/** The first thing that a node says about anybody but the honest, or undefined */
function watch (nodes: readonly MeshNode[], allowed: readonly string[]): { seen: () => string[] } {
  const seen = new Set<string>()
  for (const { neighbourhood } of nodes) {
    const note = (names: readonly string[]): void => { names.filter((name) => !allowed.includes(name)).forEach((name) => seen.add(name)) }
    neighbourhood.addEventListener('members:change', ({ detail }) => { note(detail.members) })
    neighbourhood.addEventListener('neighbours:change', ({ detail }) => { note(detail.neighbours) })
  }
  return { seen: () => [...seen] }
}

beforeAll(async () => {
  ghosts = await Promise.all(Array.from({ length: 1_300 }, identity))
}, PATIENCE_MS)

afterEach(async () => {
  await Promise.all(stops.splice(0).map(async (stop) => { await stop() }))
}, PATIENCE_MS)

describe('made-up members', { timeout: 2 * PATIENCE_MS }, () => {
  test('1,300 of them, signed by one stranger, take no place among four honest peers, whose newcomer is still found', async () => {
    const nodes = await honest()
    const names = nodes.map(({ name }) => name)
    const newcomer = await createMeshNode({ degree: 3, heartbeatMs: 1_000, bootstrap: [nodes[2]!.addresses()[0]!] })
    stops.push(newcomer.stop)
    const { seen } = watch(nodes, [...names, newcomer.name])
    const stranger = await Stranger.create(nodes)
    await stranger.tell(await Promise.all(ghosts.map(async (ghost) => await record(ghost, []))))
    await newcomer.neighbourhood.start()
    await until(() => isComplete([...nodes, newcomer]), PATIENCE_MS, 'the newcomer is a member for all')
    expect(seen()).toEqual([])
    // their records are kept a while, and get them no member's place at the door
    expect(nodes.flatMap(({ neighbourhood }) => ghosts.filter(({ name }) => neighbourhood.isMember(name)))).toEqual([])
    expect(nodes.every(({ neighbourhood }) => neighbourhood.isMember(newcomer.name))).toBe(true)
    // five members of degree three: one of them has two neighbours
    expect(nodes.every(({ neighbourhood }) => neighbourhood.neighbours().length >= 2)).toBe(true)
  })

  test('200 of them that vouch for each other take no place either, although a stranger that is a member vouches for them too', async () => {
    const nodes = await honest()
    const names = nodes.map(({ name }) => name)
    const stranger = await Stranger.create(nodes)
    const { seen } = watch(nodes, [...names, stranger.identity.name])
    const crowd = ghosts.slice(0, 200)
    const some = (from: number): string[] => Array.from({ length: MAX_VOUCHES }, (_, index) => crowd[(from + index) % crowd.length]!.name)
    const records = await Promise.all(crowd.map(async (ghost, index) => await record(ghost, some(index))))
    await stranger.tell([await record(stranger.identity, crowd.slice(0, MAX_VOUCHES).map(({ name }) => name)), ...records])
    await until(() => nodes.every(({ neighbourhood }) => neighbourhood.members().includes(stranger.identity.name)), PATIENCE_MS, 'the stranger counts: it holds real connections')
    const newcomer = await createMeshNode({ degree: 3, heartbeatMs: 1_000, bootstrap: [nodes[0]!.addresses()[0]!] })
    stops.push(newcomer.stop)
    await newcomer.neighbourhood.start()
    const all = [...names, newcomer.name, stranger.identity.name].sort()
    await until(() => [...nodes, newcomer].every(({ neighbourhood }) => neighbourhood.members().join() === all.join()), PATIENCE_MS, 'six members')
    expect(seen().filter((name) => name !== newcomer.name)).toEqual([])
  })
})

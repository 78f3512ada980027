/**
 * One graph for all: how many neighbour edges of 64 members are one-sided, with and without churn and made-up members
 *
 * Real hosts on loopback TCP in one process. An edge is one-sided when a live member has a live neighbour that does not
 * have it: one then mixes what the other does not. Samples are taken four times a second, all edges of one sample
 * counted. Churn: every `--churn` seconds one member ends, by turns with a goodbye and without, and a new one joins by
 * a bootstrap address. Made-up members are records that a stranger with real connections to all made for keys of its
 * own: they vouch for each other, and the stranger vouches for half of them.
 *
 *   npm run bench:membership [-- --members 64 --ghosts 200 --seconds 60 --churn 5]
 */
import '../src/promise-with-resolvers.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pbStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createHost } from '../src/network/host/host.ts'
import { MEMBERS_PROTOCOL } from '../src/network/members/member-exchange.ts'
import { signRecord } from '../src/network/members/member-record.ts'
import { createNetwork } from '../src/network/network.ts'
import { controlTopic } from '../src/network/support/topics.ts'
import { MAX_VOUCHES, markOf } from '../src/network/members/vouching.ts'
import { MemberExchange } from '../src/network/wire/membership.ts'
import { systemClock } from '../src/system-clock.ts'
import type { Network, PeerName } from '../src/interface.ts'

const FEDERATION = 'membership-bench'
const DEGREE = 4
const SAMPLE_MS = 250
const COMPLETE_LIMIT_MS = 300_000
const RECORDS_PER_MESSAGE = 20
const BATCH = 7

interface Settings { members: number, ghosts: number, seconds: number, churn: number }

/** Summed over all samples */
interface Edges { all: number, oneSided: number, toGone: number, toGhosts: number }

async function createNode (bootstrap: string[]): Promise<Network> {
  const none = { peers: async () => [], putPeer: async () => {}, deletePeer: async () => {} }
  const noSequence = { putRecordSequence: async () => {}, getRecordSequence: async () => 0 }
  const noBans = { bans: async () => [], putBan: async () => {}, putPublished: async () => {}, getPublished: async () => undefined }
  const network = await createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    federationId: FEDERATION,
    federationBytes: new Uint8Array(1),
    document: { topology: { degree: DEGREE } },
    maxPayloadBytes: 1_000,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap,
    store: { ...none, ...noSequence, ...noBans },
    clock: systemClock
  })
  await network.start()
  return network
}

async function end (network: Network, withGoodbye: boolean): Promise<void> {
  await network.stop(withGoodbye ? {} : { signal: AbortSignal.abort() })
}

function isComplete (nodes: readonly Network[]): boolean {
  return nodes.every((node) => node.members().length === nodes.length && node.neighbours().every(({ live }) => live))
}

async function complete (nodes: readonly Network[]): Promise<number> {
  const startedMs = performance.now()
  while (!isComplete(nodes)) {
    if (performance.now() - startedMs > COMPLETE_LIMIT_MS) {
      throw new RangeError(`${nodes.length} members did not find each other within ${COMPLETE_LIMIT_MS} ms`)
    }
    await delay(50)
  }
  return performance.now() - startedMs
}

function addSample (edges: Edges, nodes: readonly Network[], ghosts: ReadonlySet<PeerName>): void {
  const neighbours = new Map(nodes.map((node) => [node.self, node.neighbours().map(({ peer }) => peer)]))
  for (const [name, others] of neighbours) {
    for (const other of others) {
      const theirs = neighbours.get(other)
      edges.all++
      edges.toGhosts += ghosts.has(other) ? 1 : 0
      edges.toGone += theirs === undefined && !ghosts.has(other) ? 1 : 0
      edges.oneSided += theirs !== undefined && !theirs.includes(name) ? 1 : 0
    }
  }
}

/**
 * Hands every node records of members that do not exist, from a peer that holds a connection with all of them that do
 * not refuse it
 */
async function haunt (nodes: readonly Network[], count: number): Promise<{ names: Set<PeerName>, refused: number, stop: () => Promise<void> }> {
  const make = async () => {
    const key = await generateKeyPair('Ed25519')
    return { key, name: peerIdFromPrivateKey(key).toString() }
  }
  const own = await make()
  const ghosts = await Promise.all(Array.from({ length: count }, make))
  const marks = ghosts.map(({ name }) => markOf(name))
  const host = await createHost({ privateKey: own.key, listen: [], isBanned: () => false })
  await host.start()
  host.pubsub.subscribe(controlTopic(FEDERATION))
  const record = async ({ key, name }: typeof own, from: number) => {
    const vouches = Array.from({ length: Math.min(MAX_VOUCHES, count) }, (_, index) => marks[(from + index) % count]!)
    const said = { federation: FEDERATION, addresses: [], leaving: false, ready: true }
    return await signRecord(key, { ...said, peer: name, sequence: Date.now(), vouches })
  }
  const records = [await record(own, 0), ...await Promise.all(ghosts.map(record))]
  const tell = async (node: Network): Promise<void> => {
    const frames = pbStream(await host.libp2p.dialProtocol(multiaddr(node.addresses()[0]), MEMBERS_PROTOCOL))
    for (let from = 0; from < records.length; from += RECORDS_PER_MESSAGE) {
      const members = records.slice(from, from + RECORDS_PER_MESSAGE).map((signed) => ({ signed, ageMs: 0 }))
      await frames.write({ members, needed: true }, MemberExchange)
    }
  }
  let refused = 0
  for (const node of nodes) {
    // a stranger is let in where there is room for one, and cut off when it says what it must not
    await tell(node).catch(() => { refused++ })
  }
  return { names: new Set(ghosts.map(({ name }) => name)), refused, stop: host.stop }
}

async function watch (nodes: Network[], ghosts: ReadonlySet<PeerName>, seconds: number, churn: number): Promise<Edges> {
  const edges: Edges = { all: 0, oneSided: 0, toGone: 0, toGhosts: 0 }
  const endMs = performance.now() + seconds * 1_000
  let nextMs = performance.now() + churn * 1_000
  const pending: Array<Promise<unknown>> = []
  for (let turn = 0; performance.now() < endMs; await delay(SAMPLE_MS)) {
    if (churn > 0 && performance.now() >= nextMs) {
      nextMs += churn * 1_000
      // the oldest goes: all are replaced in time
      const gone = nodes.shift()!
      const met = nodes[turn % nodes.length]!.addresses()
      pending.push(end(gone, turn++ % 2 === 0), createNode(met).then((node) => nodes.push(node)))
    }
    addSample(edges, nodes, ghosts)
  }
  await Promise.all(pending)
  return edges
}

function row (name: string, { all, oneSided, toGone, toGhosts }: Edges): string {
  const share = (part: number): string => `${(100 * part / Math.max(1, all)).toFixed(2)} %`
  return `| ${name} | ${all} | ${share(oneSided)} | ${share(toGone)} | ${share(toGhosts)} |`
}

async function main ({ members, ghosts, seconds, churn }: Settings): Promise<void> {
  const nodes = [await createNode([])]
  // all share one core here: a crowd that comes at once would measure that
  for (let readyMs = 0; nodes.length < members;) {
    const met = nodes[nodes.length >> 1]!.addresses()
    const newcomers = Array.from({ length: Math.min(BATCH, members - nodes.length) }, async () => createNode(met))
    nodes.push(...await Promise.all(newcomers))
    readyMs = await complete(nodes)
    console.log(`${nodes.length} members know each other ${(readyMs / 1_000).toFixed(1)} s after the last ones started`)
  }
  console.log('')
  console.log('| | Edges seen | One-sided | To one who is gone | To made-up members |')
  console.log('| --- | --- | --- | --- | --- |')
  console.log(row('no churn', await watch(nodes, new Set(), seconds, 0)))
  console.log(row(`one in, one out every ${churn} s`, await watch(nodes, new Set(), seconds, churn)))
  await complete(nodes)
  const { names, refused, stop } = await haunt(nodes, ghosts)
  const refusals = refused === 0 ? '' : `, refused by ${refused} of ${nodes.length}`
  console.log(row(`... and ${ghosts} made-up members${refusals}`, await watch(nodes, names, seconds, churn)))
  await stop()
  await Promise.all(nodes.map(async (node) => { await end(node, false) }))
}

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '64' },
    ghosts: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    churn: { type: 'string', default: '5' }
  }
})
await main({
  members: Number(values.members), ghosts: Number(values.ghosts), seconds: Number(values.seconds), churn: Number(values.churn)
})
process.exit()

/**
 * Records about membership between whole nodes: told, compared, and what follows for the list of members
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, it } from 'vitest'
import { createNetwork } from '../../src/network/network.ts'
import { RECORDS_PROTOCOL } from '../../src/network/support/topics.ts'
import { RecordsMessage } from '../../src/network/wire/admission.ts'
import { systemClock } from '../../src/system-clock.ts'
import { MessageStream } from '../../src/network/admission/message-stream.ts'
import { RecordSync } from '../../src/network/admission/record-sync.ts'
import { endRecord, FakeGatekeeper, memberRecord, noteRecord } from './gatekeeper.ts'
import { until as within } from './mesh.ts'
import { FEDERATION, MemoryBans, Stage } from './nodes.ts'
import type { LibP2PNetwork } from '../../src/network/network.ts'
import type { Host } from '../../src/network/host/host.ts'

const stage = new Stage()
const running: LibP2PNetwork[] = []
afterEach(async () => {
  await Promise.all([stage.strike(), ...running.splice(0).map(async (network) => network.stop())])
})

const until = async (condition: () => boolean, limitMs = 15_000): Promise<unknown> => within(condition, limitMs, condition.toString())

interface Node { network: LibP2PNetwork, gatekeeper: FakeGatekeeper, self: string, updates: string[], rejected: string[] }

/** A whole node that joins through `bootstrap` */
async function node (bootstrap: Node[] = []): Promise<Node> {
  const privateKey = await generateKeyPair('Ed25519')
  const self = peerIdFromPrivateKey(privateKey).toString()
  const gatekeeper = new FakeGatekeeper(self, [self], FEDERATION)
  const network = await createNetwork({
    ...{ privateKey, gatekeeper, federationId: FEDERATION, federationBytes: Uint8Array.of(0xa0), document: { topology: { degree: 3 } }, maxPayloadBytes: 65_536 },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: bootstrap.flatMap((other) => other.network.addresses()), store: new MemoryBans(), clock: systemClock }
  })
  const made: Node = { network, gatekeeper, self, updates: [], rejected: [] }
  network.addEventListener('update', ({ detail }) => { made.updates.push(detail.author) })
  network.addEventListener('update:rejected', ({ detail }) => { made.rejected.push(detail.reason) })
  running.push(network)
  await network.start()
  return made
}

async function mesh (): Promise<[Node, Node, Node]> {
  const a = await node()
  const b = await node([a])
  const c = await node([a, b])
  const all = [a, b, c]
  await until(() => all.every(({ network }) => network.members().length === 3 && network.neighbours().every(({ live }) => live) && network.neighbours().length === 2))
  return [a, b, c]
}

async function publish ({ network }: Node, round: number): Promise<void> {
  await network.publish({ round, sequence: Date.now(), codec: 'float32', degree: 2, payload: new Uint8Array(64).fill(round) })
}

function holds ({ gatekeeper }: Node, record: Uint8Array): boolean {
  return gatekeeper.credentials().length > 0 && [...gatekeeper.records.values()].some((held) => Buffer.from(held).equals(record))
}

describe('records', () => {
  it('come round to all members, small ones and those that gossip does not carry', async () => {
    const [a, b, c] = await mesh()
    const [small, large] = [noteRecord('small'), noteRecord('large', 60_000)]
    a.gatekeeper.make(small)
    a.gatekeeper.make(large)
    await until(() => [b, c].every((other) => holds(other, small) && holds(other, large)))
    expect([a, b, c].flatMap(({ rejected }) => rejected)).toEqual([])
  })

  it('put out a revoked member everywhere at once, and nothing of it is taken or passed on any more', async () => {
    const [a, b, c] = await mesh()
    await publish(b, 1)
    await until(() => [a, c].every(({ updates }) => updates.includes(b.self)))
    const before = performance.now()
    a.gatekeeper.make(endRecord(b.self, 'revoked'))
    await until(() => [a, c].every(({ network }) => !network.members().includes(b.self) && !network.neighbours().some(({ peer }) => peer === b.self) && !network.connections().some(({ peer }) => peer === b.self)))
    expect(performance.now() - before).toBeLessThan(5_000)
    const counts = [a, c].map(({ updates }) => updates.filter((author) => author === b.self).length)
    await publish(b, 2)
    await publish(a, 2)
    await until(() => c.updates.filter((author) => author === a.self).length === 1)
    expect([a, c].map(({ updates }) => updates.filter((author) => author === b.self).length)).toEqual(counts)
    expect(b.updates).not.toContain(a.self)
    expect((await c.network.pullLatest({ signal: AbortSignal.timeout(5_000) })).map(({ author }) => author)).toEqual([a.self])
  }, 40_000)
})

/** Two hosts whose sets are compared, without the rest of a node */
async function pair (mine: Uint8Array[], theirs: Uint8Array[]): Promise<{ own: FakeGatekeeper, other: FakeGatekeeper, ownHost: Host, otherHost: Host, ownSync: RecordSync, malformed: string[] }> {
  const [ownHost, otherHost] = [await stage.startedHost(), await stage.startedHost()]
  const malformed: string[] = []
  const [own, other] = [ownHost, otherHost].map(({ self }) => new FakeGatekeeper(self, [ownHost.self, otherHost.self]))
  const [ownSync, otherSync] = ([[ownHost, own!], [otherHost, other!]] as Array<[Host, FakeGatekeeper]>).map(([host, gatekeeper]) => new RecordSync({
    ...{ host, gatekeeper, clock: systemClock, random: () => 0.5, logger: host.libp2p.logger.forComponent('test') },
    onMalformed: (peer) => { malformed.push(peer) }
  }))
  mine.forEach((record) => { own!.make(record) })
  theirs.forEach((record) => { other!.make(record) })
  await otherSync!.start()
  return { own: own!, other: other!, ownHost, otherHost, ownSync: ownSync!, malformed }
}

function notes (name: string, count: number, size = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => noteRecord(`${name} ${index}`, size))
}

describe('a comparison', () => {
  it('brings two sets together, both ways, and costs next to nothing where they are equal', async () => {
    const { own, other, ownHost, otherHost, ownSync } = await pair(notes('mine', 300), notes('theirs', 300))
    const connection = await ownHost.libp2p.dial(otherHost.libp2p.getMultiaddrs())
    await ownSync.reconcile(connection, AbortSignal.timeout(5_000))
    await until(() => other.records.size === 602)
    expect(own.records.size).toBe(602)
    expect(Buffer.from(own.set.root())).toEqual(Buffer.from(other.set.root()))
    await ownHost.libp2p.services.ping.ping(otherHost.libp2p.peerId)
    const before = ownHost.traffic.bytesSent + ownHost.traffic.bytesReceived
    await ownSync.reconcile(connection, AbortSignal.timeout(5_000))
    expect(ownHost.traffic.bytesSent + ownHost.traffic.bytesReceived - before).toBeLessThan(600)
  })

  it('goes on next time where there is more than one exchange carries', async () => {
    const { own, other, ownHost, otherHost, ownSync } = await pair([], notes('theirs', 60, 40_000))
    const connection = await ownHost.libp2p.dial(otherHost.libp2p.getMultiaddrs())
    await ownSync.reconcile(connection, AbortSignal.timeout(5_000))
    expect(own.records.size).toBeGreaterThan(10)
    expect(own.records.size).toBeLessThan(30)
    for (let exchange = 0; exchange < 3 && own.records.size < other.records.size; exchange++) {
      await ownSync.reconcile(connection, AbortSignal.timeout(5_000))
    }
    expect(own.records.size).toBe(other.records.size)
  })

  it('ends at the first record that is none, and blames who sent it', async () => {
    const { other, ownHost, otherHost, ownSync, malformed } = await pair([], [])
    const connection = await ownHost.libp2p.dial(otherHost.libp2p.getMultiaddrs())
    await ownSync.push(connection, [noteRecord('good'), memberRecord('nobody', 'forged'), noteRecord('late')], AbortSignal.timeout(5_000))
    await until(() => malformed.length > 0)
    expect(malformed).toEqual([ownHost.self])
    expect(other.taken.filter(({ from }) => from === ownHost.self).map(({ verdict }) => verdict)).toEqual(['news', 'invalid'])
  })

  it.each([
    ['a root that is none', { root: new Uint8Array(31) }],
    ['half an id', { root: new Uint8Array(32), ids: new Uint8Array(33) }],
    ['a record that is too long', { records: [new Uint8Array(65_537)] }],
    ['more than one exchange carries', { records: Array.from({ length: 20 }, () => new Uint8Array(60_000)) }]
  ])('takes no %s', async (_name, message) => {
    const { other, ownHost, otherHost, malformed } = await pair([], [])
    const connection = await ownHost.libp2p.dial(otherHost.libp2p.getMultiaddrs())
    const stream = new MessageStream(await connection.newStream(RECORDS_PROTOCOL))
    await stream.write(RecordsMessage.encode({ records: [], ...message })).catch(() => {})
    await until(() => malformed.length > 0)
    expect(other.taken.filter(({ from }) => from === ownHost.self)).toEqual([])
    stream.cancel(new Error('done'))
  })
})

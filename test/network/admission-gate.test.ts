/**
 * The gate of an invited federation, between real nodes: whoever is no member gets no stream, no gossip and no payload
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { afterEach, describe, expect, it } from 'vitest'
import { controlTopic, FEDERATION_PROTOCOL, UPDATE_PROTOCOL } from '../../src/network/support/topics.ts'
import { endRecord, FakeGatekeeper, memberRecord } from './gatekeeper.ts'
import { until as within } from './mesh.ts'
import { FEDERATION, Stage } from './nodes.ts'
import type { PrivateKey, Stream } from '@libp2p/interface'
import type { Host } from '../../src/network/host/host.ts'
import type { TestNetwork } from './nodes.ts'

const stage = new Stage()
const until = async (condition: () => boolean, limitMs = 10_000): Promise<unknown> => within(condition, limitMs, condition.toString())

afterEach(async () => stage.strike())

interface Member { network: TestNetwork, gatekeeper: FakeGatekeeper, warnings: Array<{ code: string, message: string }> }

/** A node that knows of nobody but itself, and `known` */
async function member (known: string[] = [], privateKey?: PrivateKey): Promise<Member> {
  const key = privateKey ?? await generateKeyPair('Ed25519')
  const self = peerIdFromPrivateKey(key).toString()
  const gatekeeper = new FakeGatekeeper(self, [self, ...known], FEDERATION)
  const network = await stage.network({ privateKey: key, gatekeeper })
  const warnings: Member['warnings'] = []
  network.addEventListener('warning', ({ detail }) => { warnings.push(detail) })
  await network.start()
  return { network, gatekeeper, warnings }
}

async function befriend (...members: Member[]): Promise<void> {
  const names = members.map(({ network }) => network.self)
  members.forEach(({ network }) => { network.neighbourhood.set(names.filter((name) => name !== network.self)) })
  for (const [index, { network }] of members.entries()) {
    for (const other of members.slice(0, index)) {
      await network.connect(other.network)
    }
  }
  await until(() => members.every(({ network }) => network.subscribers().length === members.length - 1))
}

function isConnected (host: Host, peer: string): boolean {
  return host.libp2p.getConnections(peerIdFromString(peer)).some(({ status }) => status === 'open')
}

/** What becomes of a stream that a stranger opens: bytes that came, and how it ended */
async function outcome (stream: Stream): Promise<{ bytes: number, status: string }> {
  let bytes = 0
  stream.addEventListener('message', ({ data }) => { bytes += data.byteLength })
  await until(() => stream.status !== 'open', 12_000)
  return { bytes, status: stream.status }
}

describe('the gate', () => {
  it('lets members in who know of each other only what they bring along, and their gossip', async () => {
    const [a, b] = [await member(), await member()]
    await befriend(a, b)
    expect(a.gatekeeper.standing(b.network.self)).toBe('member')
    expect(b.gatekeeper.standing(a.network.self)).toBe('member')
    await a.network.publishRound(1, Uint8Array.of(1, 2, 3))
    await until(() => b.network.updates.length === 1)
    await b.network.publishRound(1, new Uint8Array(500_000).fill(7))
    await until(() => a.network.updates.length === 1)
  })

  it('gives a stranger no stream, takes it into no gossip, and tells it why', async () => {
    const a = await member()
    const stranger = await stage.startedHost()
    const told: unknown[] = []
    stranger.pubsub.addEventListener('gossipsub:message', (event) => { told.push(event.detail) })
    stranger.pubsub.subscribe(controlTopic(FEDERATION))
    stranger.pubsub.subscribe(`/grapevine/2/${FEDERATION}/updates/${a.network.self}`)
    const connection = await stranger.libp2p.dial(a.network.host.libp2p.getMultiaddrs())
    const streams = await Promise.all([UPDATE_PROTOCOL, FEDERATION_PROTOCOL, '/meshsub/1.1.0'].map(async (protocol) => connection.newStream(protocol)))
    await a.network.publishRound(1, Uint8Array.of(1, 2, 3))
    const outcomes = await Promise.all(streams.map(outcome))
    expect(outcomes.map(({ bytes }) => bytes)).toEqual([0, 0, 0])
    expect(a.network.host.pubsub.getPeers()).toEqual([])
    await until(() => connection.status !== 'open', 12_000)
    expect(told).toEqual([])
    expect(a.network.host.pubsub.streamsOutbound.size).toBe(0)
  }, 30_000)

  it('cuts off whoever is revoked, at every member, and tells it why when it comes again', async () => {
    const [a, b, c] = [await member(), await member(), await member()]
    await befriend(a, b, c)
    const revoked = b.network.self
    const connection = b.network.host.libp2p.getConnections(peerIdFromString(a.network.self))[0]!
    await Promise.all(Array.from({ length: 10 }, async () => connection.newStream(UPDATE_PROTOCOL)))
    const started = performance.now()
    for (const { gatekeeper } of [a, c]) {
      gatekeeper.make(endRecord(revoked, 'revoked'))
    }
    await until(() => [a, c].every(({ network }) => !isConnected(network.host, revoked) && !network.host.pubsub.streamsOutbound.has(revoked)), 5_000)
    expect(performance.now() - started).toBeLessThan(5_000)
    await until(() => b.warnings.length > 0)
    expect(b.warnings).toEqual([{ code: 'not-admitted', message: expect.stringMatching(/\(revoked\).*ask them why/) as unknown }])
    await a.network.publishRound(1, Uint8Array.of(1, 2, 3))
    await until(() => c.network.updates.length === 1)
    await b.network.connect(a.network).catch(() => {})
    await until(() => !isConnected(a.network.host, revoked) && !isConnected(b.network.host, a.network.self))
    expect(b.network.updates).toEqual([])
    expect(a.network.host.pubsub.getPeers().map(String)).toEqual([c.network.self])
    expect(b.warnings).toHaveLength(1)
  })

  it('lets both in when they dial each other at once', async () => {
    const [a, b] = [await member(), await member()]
    for (const { network } of [a, b]) {
      network.neighbourhood.set([a, b].map(({ network: { self } }) => self).filter((name) => name !== network.self))
    }
    await Promise.all([a.network.connect(b.network), b.network.connect(a.network)])
    await until(() => [a, b].every(({ network }) => network.subscribers().length === 1))
    await a.network.publishRound(1, Uint8Array.of(1))
    await until(() => b.network.updates.length === 1)
  })

  it('believes no record that is not genuine', async () => {
    const a = await member()
    const key = await generateKeyPair('Ed25519')
    const self = peerIdFromPrivateKey(key).toString()
    const forger = new FakeGatekeeper(self, [self, a.network.self], FEDERATION)
    forger.credentials = () => [memberRecord(self, 'by nobody')]
    const network = await stage.network({ privateKey: key, gatekeeper: forger })
    const warnings: string[] = []
    network.addEventListener('warning', ({ detail }) => { warnings.push(detail.message) })
    await network.start()
    await network.connect(a.network)
    await until(() => !isConnected(network.host, a.network.self))
    expect(warnings).toEqual([expect.stringMatching(/\(not-a-member\)/)])
    expect(a.gatekeeper.standing(self)).toBe('unknown')
  })
})

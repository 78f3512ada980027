/**
 * Defaults of libp2p that take a mesh of trainers apart. Each of these fails with the default
 */
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { MAX_INLINE_PAYLOAD_BYTES, scoreTopic } from '../../src/network/host/gossip-settings.ts'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { Stage } from './nodes.ts'
import { createRelay } from './relay.ts'
import type { Host } from '../../src/network/host/host.ts'
import type { Relay } from './relay.ts'

const stage = new Stage()
const relays: Relay[] = []

afterEach(async () => {
  relays.splice(0).forEach((relay) => { relay.close() })
  await stage.strike()
})

async function relayTo (init: Parameters<typeof createRelay>[0]): Promise<Relay> {
  const relay = await createRelay(init)
  relays.push(relay)
  return relay
}

async function heartbeats (host: Host, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => { host.pubsub.addEventListener('gossipsub:heartbeat', resolve, { once: true }) })
  }
}

describe('a mesh on one machine', () => {
  it('lets 24 peers dial one of them in the same instant', async () => {
    const hub = await stage.startedHost()
    const peers = await Promise.all(Array.from({ length: 24 }, async () => stage.startedHost()))
    const results = await Promise.allSettled(peers.map(async (peer) => peer.libp2p.dial(hub.libp2p.getMultiaddrs())))

    expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  it('gossips with 14 peers on one address, also after the topic was quiet for longer than the router likes', async () => {
    const hub = await stage.startedHost()
    scoreTopic(hub.pubsub, 'topic')
    hub.pubsub.subscribe('topic')
    const peers = await Promise.all(Array.from({ length: 14 }, async () => stage.startedHost()))
    const heard = new Set<string>()
    for (const peer of peers) {
      scoreTopic(peer.pubsub, 'topic')
      peer.pubsub.addEventListener('message', () => heard.add(peer.self))
      peer.pubsub.subscribe('topic')
      await peer.libp2p.dial(hub.libp2p.getMultiaddrs())
    }
    await until(() => hub.pubsub.getSubscribers('topic').length === 14)
    await heartbeats(hub, 8)
    const { recipients } = await hub.pubsub.publish('topic', bytes(100))
    await until(() => heard.size === 14)

    expect(recipients).toHaveLength(14)
    expect(hub.pubsub.getMeshPeers('topic').length).toBeGreaterThan(0)
    expect(peers.map((peer) => hub.pubsub.getScore(peer.self)).filter((score) => score < 0)).toEqual([])
  })

  it('passes on many of the largest messages at once without a frame that is too long', async () => {
    const networks = await stage.mesh(6)
    const largest = bytes(MAX_INLINE_PAYLOAD_BYTES)
    for (let round = 1; round <= 4; round++) {
      const receipts = await Promise.all(networks.map(async (network) => network.publish({ round, sequence: round, codec: 'float32', degree: 5, payload: largest })))
      expect(receipts.every(({ inline, recipients }) => inline && recipients === 5)).toBe(true)
    }
    await until(() => networks.every(({ updates }) => updates.length === 20))

    expect(networks.flatMap(({ rejected }) => rejected)).toEqual([])
    for (const network of networks) {
      expect(network.neighbours().every(({ live }) => live)).toBe(true)
    }
  })
})

describe('a slow link', () => {
  it('is not cut while a large update is on its way', async () => {
    const [alice, bob] = await Promise.all([stage.network({ maxPayloadBytes: 16_000_000 }), stage.network({ maxPayloadBytes: 16_000_000 })])
    await Promise.all([alice.start(), bob.start()])
    alice.neighbourhood.set([bob.self])
    bob.neighbourhood.set([alice.self])
    // 9 MB at 500 kB/s: pings wait several seconds behind it, and the default gives up after 15 s
    const relay = await relayTo({ target: alice.addresses()[0]!, bytesPerSecond: 500_000 })
    let disconnects = 0
    bob.addEventListener('peer:disconnect', () => { disconnects++ })
    await bob.host.libp2p.dial(multiaddr(relay.address))
    await until(() => alice.subscribers().length === 1)
    await alice.publishRound(1, bytes(9_000_000))
    await until(() => bob.updates.length === 1)

    expect(disconnects).toBe(0)
  })
})

describe('traffic', () => {
  it('is what passes through the sockets, in both directions', async () => {
    const [alice, bob] = await Promise.all([stage.network(), stage.network()])
    await Promise.all([alice.start(), bob.start()])
    alice.neighbourhood.set([bob.self])
    bob.neighbourhood.set([alice.self])
    const relay = await relayTo({ target: alice.addresses()[0]! })
    await bob.host.libp2p.dial(multiaddr(relay.address))
    await until(() => alice.subscribers().length === 1)
    await alice.publishRound(1, bytes(3_000_000))
    await alice.publishRound(2, bytes(30_000))
    await until(() => bob.updates.some(({ round }) => round === 2) && bob.updates.some(({ round }) => round === 1))
    // all bytes that were sent have arrived when both ends agree
    await until(() => alice.traffic().bytesSent === bob.traffic().bytesReceived && alice.traffic().bytesReceived === bob.traffic().bytesSent)

    expect(bob.traffic()).toEqual({ bytesReceived: relay.fromTarget, bytesSent: relay.toTarget })
    expect(relay.fromTarget).toBeGreaterThan(3_030_000)
  })
})

import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, describe, expect, it } from 'vitest'
import { MAX_BANS } from '../../src/ban-table.ts'
import { controlTopic } from '../../src/network/support/topics.ts'
import { encodeSigned, signHeader } from '../../src/network/signed/update-header.ts'
import { STATUS_NOT_HELD, STATUS_NOTHING_NEWER } from '../../src/network/updates/update-server.ts'
import { UpdateRequest, UpdateResponse } from '../../src/network/wire/update.ts'
import { StreamBytes } from '../../src/network/support/stream-bytes.ts'
import { ManualClock } from '../manual-clock.ts'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { FEDERATION, Stage } from './nodes.ts'
import type { Host } from '../../src/network/host/host.ts'
import type { TestNetwork } from './nodes.ts'

const stage = new Stage()

afterEach(async () => stage.strike())

const topicOf = (author: string): string => `/grapevine/2/${FEDERATION}/updates/${author}`

/** Hosts that speak gossip with the victim, on a topic that it follows */
async function strangers (count: number, victim: TestNetwork, topic: string): Promise<Host[]> {
  const hosts = await Promise.all(Array.from({ length: count }, async () => stage.startedHost()))
  await Promise.all(hosts.map(async (host) => host.libp2p.dial(victim.host.libp2p.getMultiaddrs())))
  await until(() => hosts.every(({ pubsub }) => pubsub.getSubscribers(topic).length === 1))
  return hosts
}

/**
 * The router takes what comes on one stream in its order: this topic is seen when all that was sent before is done with
 */
async function isDone (victim: TestNetwork, hosts: readonly Host[]): Promise<void> {
  hosts.forEach(({ pubsub }) => { pubsub.subscribe('done') })
  await until(() => victim.host.pubsub.getSubscribers('done').length === hosts.length)
}

describe('an innocent peer', () => {
  it('that is handed more valid messages than one peer may send is banned by nobody, and still heard', async () => {
    const [forwarder, witness] = await stage.mesh(2)
    const control = controlTopic(FEDERATION)
    await until(() => forwarder!.host.pubsub.getMeshPeers(control).includes(witness!.self))
    let received = 0
    witness!.neighbourhood.onControl = () => {
      received++
      return 'accept'
    }
    // 20 ids, each within what one sender may send in a burst
    const hosts = await strangers(20, forwarder!, control)
    await Promise.all(hosts.map(async ({ pubsub }, id) => {
      for (let i = 0; i < 480; i++) {
        await pubsub.publish(control, new TextEncoder().encode(`record ${i} of ${id}: ${'.'.repeat(200)}`))
      }
    }))
    await isDone(forwarder!, hosts)
    await forwarder!.publishRound(1, bytes(100))
    await until(() => witness!.updates.length === 1 || witness!.banned().length > 0)

    expect(witness!.banned()).toEqual([])
    expect(witness!.rejected).toEqual([])
    expect(forwarder!.banned()).toEqual([])
    // well below what the witness takes from one peer, and not nothing
    expect(received).toBeGreaterThan(100)
    expect(received).toBeLessThan(2_000)
    // what the neighbour itself says now is passed on at once
    await until(() => forwarder!.neighbours().every(({ live }) => live))
  })

  it('whose old updates a stranger sends again is not blamed for it, nor is whoever passes them on', async () => {
    const victim = await stage.network()
    await victim.start()
    const key = await generateKeyPair('Ed25519')
    const updates = await Promise.all(Array.from({ length: 150 }, async (_, i) => {
      const payload = bytes(100, i)
      return { payload, signed: await signHeader(key, { federation: FEDERATION, round: i + 1, sequence: i + 1, codec: 'float32', degree: 3 }, payload) }
    }))
    const [{ signed: { author } }] = updates as [typeof updates[number]]
    victim.neighbourhood.set([author])
    victim.setRound(1_500)
    const [stranger] = await strangers(1, victim, topicOf(author))
    for (const { signed, payload } of updates) {
      await stranger!.pubsub.publish(topicOf(author), encodeSigned(signed, payload))
    }
    await until(() => victim.rejected.length >= 60 || victim.banned().length > 0)

    expect(victim.banned()).toEqual([])
    expect(new Set(victim.rejected.map(({ peer, reason }) => `${peer} ${reason}`))).toEqual(new Set([`${stranger!.self} replay`]))
    // the author is still welcome, and heard
    const host = await stage.startedHost({ privateKey: key })
    await host.libp2p.dial(victim.host.libp2p.getMultiaddrs())
    await until(() => host.pubsub.getSubscribers(topicOf(author)).length === 1)
    const payload = bytes(100, 7)
    const fresh = await signHeader(key, { federation: FEDERATION, round: 1_500, sequence: 1_500, codec: 'float32', degree: 3 }, payload)
    await host.pubsub.publish(topicOf(author), encodeSigned(fresh, payload))
    await until(() => victim.updates.length === 1)
  })

  it('whose updates others pass on all at once is not blamed for their rate', async () => {
    // no allowance comes back, however slow the machine is
    const victim = await stage.network({ clock: new ManualClock() })
    await victim.start()
    const key = await generateKeyPair('Ed25519')
    const headers = await Promise.all(Array.from({ length: 500 }, async (_, i) => signHeader(key, { federation: FEDERATION, round: i + 1, sequence: i + 1, codec: 'float32', degree: 3 }, bytes(1))))
    const { author } = headers[0]!
    victim.neighbourhood.set([author])
    const [stranger] = await strangers(1, victim, topicOf(author))
    for (const signed of headers) {
      await stranger!.pubsub.publish(topicOf(author), encodeSigned(signed, bytes(1)))
    }
    await isDone(victim, [stranger!])

    expect(victim.rejected.some(({ reason }) => reason === 'rate')).toBe(true)
    expect(victim.banned()).toEqual([])
  })

  it('that asks too often, for another federation, or beyond the end gets an answer', async () => {
    const [asked, asking] = await stage.mesh(2)
    await asked!.publishRound(1, bytes(10))
    await until(() => asking!.updates.length === 1)
    const { author } = await signHeader(asked!.privateKey, { federation: FEDERATION, round: 1, sequence: 1, codec: 'float32', degree: 3 }, bytes(10)).then(({ header }) => header)
    const stream = new StreamBytes(await asking!.host.libp2p.getConnections()[0]!.newStream(['/grapevine/update/2.0.0'], { maxOutboundStreams: 16 }))
    const ask = async (fields: Partial<UpdateRequest>): Promise<number> => {
      await stream.writeMessage(UpdateRequest.encode({ federation: FEDERATION, author, offset: 0, afterSequence: 1, ...fields }))
      return UpdateResponse.decode(await stream.readMessage(2_000)).status
    }
    expect(await ask({ federation: 'bafyother' })).toBe(STATUS_NOT_HELD)
    expect(await ask({ offset: 11, afterSequence: 0 })).toBe(STATUS_NOT_HELD)
    for (let i = 0; i < 240; i++) {
      expect(await ask({})).toBe(STATUS_NOTHING_NEWER)
    }
    expect(asked!.rejected).toEqual([])
  })
})

describe('the table of bans', () => {
  it('is bounded, however many ids have themselves banned', async () => {
    const network = await stage.network()
    for (let i = 0; i < MAX_BANS + 10; i++) {
      network.penalise(`12D3KooW${i}`, 'wrong-codec')
      network.penalise(`12D3KooW${i}`, 'wrong-codec')
      network.penalise(`12D3KooW${i}`, 'wrong-codec')
      network.penalise(`12D3KooW${i}`, 'wrong-codec')
    }
    expect(network.banned()).toHaveLength(MAX_BANS)
  })
})

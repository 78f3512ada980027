import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { encodeSigned, signHeader } from '../../src/network/signed/update-header.ts'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { FEDERATION, Stage } from './nodes.ts'
import { createRelay } from './relay.ts'
import type { Relay } from './relay.ts'
import type { TestNetwork } from './nodes.ts'

const stage = new Stage()
const relays: Relay[] = []

afterEach(async () => {
  relays.splice(0).forEach((relay) => { relay.close() })
  await stage.strike()
})

const topicOf = (author: string): string => `/grapevine/2/${FEDERATION}/updates/${author}`

async function pair (init = {}): Promise<[TestNetwork, TestNetwork]> {
  const [alice, bob] = await Promise.all([stage.network(init), stage.network(init)])
  await Promise.all([alice.start(), bob.start()])
  alice.neighbourhood.set([bob.self])
  bob.neighbourhood.set([alice.self])
  return [alice, bob]
}

describe('pulling updates', () => {
  it('resumes where a killed connection left off', async () => {
    const [alice, bob] = await pair({ maxPayloadBytes: 32_000_000 })
    const relay = await createRelay({ target: alice.addresses()[0]!, cutAfter: 15_000_000 })
    const { address } = relay
    relays.push(relay)
    await bob.host.libp2p.dial(multiaddr(address))
    // stands for the redial loop: a lost connection comes back
    bob.addEventListener('peer:disconnect', () => { bob.host.libp2p.dial(multiaddr(address)).catch(() => {}) })
    await until(() => alice.subscribers().length === 1)
    const before = bob.traffic().bytesReceived
    const payload = bytes(20_000_000)
    await alice.publishRound(1, payload)
    await until(() => bob.updates.length === 1)

    expect(relay.cuts).toBe(1)
    expect(Buffer.from(payload).equals(bob.updates[0]!.payload)).toBe(true)
    // a transfer from the start would bring 15 MB twice; what was under way when the connection died is lost
    expect((bob.traffic().bytesReceived - before) / payload.byteLength).toBeLessThan(1.5)
  })

  it('takes the bytes from a third peer when the author is gone', async () => {
    const [alice, bob] = await stage.mesh(2)
    const payload = bytes(1_000_000)
    await alice!.publishRound(1, payload)
    await until(() => bob!.updates.length === 1)
    await alice!.stop()

    const carol = await stage.network()
    await carol.start()
    carol.neighbourhood.set([alice!.self, bob!.self].sort())
    await carol.connect(bob!)
    await until(() => carol.neighbours().some(({ live }) => live))
    const updates = await carol.pullLatest()

    expect(updates).toHaveLength(1)
    expect(updates[0]).toMatchObject({ author: alice!.self, from: bob!.self, round: 1 })
    expect(Buffer.from(payload).equals(updates[0]!.payload)).toBe(true)
  })

  it('takes nothing of a banned author, whoever offers it', async () => {
    const [alice, bob] = await stage.mesh(2)
    await Promise.all([alice!.publishRound(1, bytes(1_000)), bob!.publishRound(1, bytes(1_000, 2))])
    await until(() => [alice!, bob!].every(({ updates }) => updates.length === 1))
    const carol = await stage.network()
    await carol.start()
    carol.neighbourhood.set([alice!.self, bob!.self].sort())
    carol.penalise(alice!.self, 'equivocation')
    await carol.connect(bob!)

    expect((await carol.pullLatest()).map(({ author }) => author)).toEqual([bob!.self])
  })

  it('gives a late joiner the newest update of everyone, and each of them once', async () => {
    const [alice, bob] = await stage.mesh(2)
    for (let round = 1; round <= 3; round++) {
      await alice!.publishRound(round, bytes(100_000, round))
      await bob!.publishRound(round, bytes(1_000, round))
    }
    await until(() => [alice!, bob!].every(({ updates }) => updates.some(({ round }) => round === 3)))
    const carol = await stage.network()
    await carol.start()
    await carol.connect(alice!)
    await carol.connect(bob!)
    const first = await carol.pullLatest()
    const bytesBefore = carol.traffic().bytesReceived
    const second = await carol.pullLatest()

    expect(first.map(({ author, round }) => [author, round]).sort()).toEqual([[alice!.self, 3], [bob!.self, 3]].sort())
    expect(second.map(({ updateId }) => updateId).sort()).toEqual(first.map(({ updateId }) => updateId).sort())
    expect(carol.traffic().bytesReceived - bytesBefore).toBeLessThan(10_000)
  })

  it('brings a neighbour that comes late what it missed, as an event', async () => {
    const [alice, bob] = await pair()
    await alice.publishRound(1, bytes(500))
    await bob.connect(alice)
    await until(() => bob.updates.length === 1)

    expect(bob.updates[0]).toMatchObject({ author: alice.self, round: 1 })
  })

  it('fetches only the newest of the announcements that pile up behind a transfer', async () => {
    const [alice, bob] = await stage.mesh(2, { maxPayloadBytes: 32_000_000 })
    for (let round = 1; round <= 6; round++) {
      await alice!.publishRound(round, bytes(8_000_000, round))
    }
    await until(() => bob!.updates.some(({ round }) => round === 6))

    expect(bob!.updates.length).toBeLessThan(6)
    expect(bob!.rejected).toEqual([])
  })

  it('bounds what a peer may ask for', async () => {
    const [alice, bob] = await stage.mesh(2)
    const connection = bob!.host.libp2p.getConnections()[0]!
    const stream = await connection.newStream(['/grapevine/update/2.0.0'])
    const closed = new Promise<void>((resolve) => { stream.addEventListener('close', () => { resolve() }) })
    stream.send(Uint8Array.of(0xff, 0xff, 0x7f))
    await closed

    const garbage = await connection.newStream(['/grapevine/update/2.0.0'])
    garbage.send(Uint8Array.of(3, 1, 2, 3))
    await until(() => alice!.rejected.length > 0)
    expect(alice!.rejected).toEqual([{ peer: bob!.self, author: undefined, reason: 'malformed' }])
  })

  it('bans a third peer that sends other bytes than the author signed', async () => {
    const bob = await stage.network()
    await bob.start()
    const liar = await stage.host()
    const author = await generateKeyPair('Ed25519')
    const signed = await signHeader(author, { federation: FEDERATION, round: 1, sequence: 1, codec: 'float32', degree: 1 }, bytes(300_000))
    await liar.libp2p.handle('/grapevine/update/2.0.0', (stream) => {
      stream.addEventListener('message', () => {
        // status 1, 300,000 bytes follow
        stream.send(Uint8Array.of(6, 0x08, 1, 0x18, 0xe0, 0xa7, 0x12))
        stream.send(bytes(300_000, 9))
      })
    })
    await liar.start()
    await liar.libp2p.dial(bob.host.libp2p.getMultiaddrs())
    bob.neighbourhood.set([signed.author])
    await until(() => liar.pubsub.getSubscribers(topicOf(signed.author)).length === 1)
    await liar.pubsub.publish(topicOf(signed.author), encodeSigned(signed))
    await until(() => bob.rejected.some(({ reason }) => reason === 'payload-unavailable'))

    expect(bob.rejected.filter(({ reason }) => reason === 'payload-hash')).toHaveLength(4)
    expect(bob.rejected[0]).toEqual({ peer: liar.self, author: signed.author, reason: 'payload-hash' })
    expect(bob.updates).toEqual([])
    await until(() => bob.connections().length === 0)
  })

  it('delivers an update once, however many ways it comes', async () => {
    const [alice, bob] = await pair()
    await alice.publishRound(1, bytes(2_000_000))
    await bob.connect(alice)
    await until(() => alice.subscribers().length === 1)
    await Promise.all([alice.publishRound(2, bytes(2_000_000, 2)), bob.pullLatest(), bob.pullLatest()])
    await until(() => bob.updates.some(({ round }) => round === 2))
    await bob.pullLatest()

    expect(bob.updates.filter(({ round }) => round === 2)).toHaveLength(1)
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { FEDERATION, MemoryBans, Stage } from './nodes.ts'

const stage = new Stage()

afterEach(async () => stage.strike())

describe('updates between networks', () => {
  it('carries a small update inside its gossip message', async () => {
    const [alice, bob] = await stage.mesh(2)
    const payload = bytes(33_000)
    const receipt = await alice!.publish({ round: 1, sequence: 1, codec: 'float32', degree: 1, payload })
    await until(() => bob!.updates.length === 1)

    expect(receipt).toMatchObject({ recipients: 1, inline: true })
    expect(bob!.updates[0]).toMatchObject({ author: alice!.self, from: alice!.self, round: 1, sequence: 1, codec: 'float32', degree: 1, updateId: receipt.updateId })
    expect(Buffer.from(payload).equals(bob!.updates[0]!.payload)).toBe(true)
    expect(bob!.neighbourhood.heardFrom).toEqual([alice!.self])
  })

  it('announces a large update, and neighbours pull it at about its own size on the wire', async () => {
    const [alice, bob, carol] = await stage.mesh(3)
    const payload = bytes(4_000_000)
    const before = [bob!, carol!].map((network) => network.traffic().bytesReceived)
    const receipt = await alice!.publish({ round: 1, sequence: 1, codec: 'float32', degree: 1, payload })
    await until(() => bob!.updates.length === 1 && carol!.updates.length === 1)

    expect(receipt.inline).toBe(false)
    for (const [index, network] of [bob!, carol!].entries()) {
      expect(Buffer.from(payload).equals(network.updates[0]!.payload)).toBe(true)
      expect((network.traffic().bytesReceived - before[index]!) / payload.byteLength).toBeLessThan(1.02)
    }
  })
})

describe('a stranger', () => {
  it('that follows an author gets its updates: being a member is free, and nothing here is secret', async () => {
    const author = await stage.network()
    const stranger = await stage.startedHost()
    await author.start()
    const topic = `/grapevine/2/${FEDERATION}/updates/${author.self}`
    stranger.pubsub.subscribe(topic)
    const heard = new Promise<Uint8Array>((resolve) => { stranger.pubsub.addEventListener('gossipsub:message', ({ detail }) => { resolve(detail.msg.data) }) })
    await stranger.libp2p.dial(author.host.libp2p.getMultiaddrs())
    await until(() => author.subscribers().includes(stranger.self))
    expect(author.members()).toEqual([author.self])
    await author.publishRound(1, bytes(1_000))
    expect(Buffer.from(await heard).includes(Buffer.from(bytes(1_000)))).toBe(true)
  })
})

describe('the last update of a peer', () => {
  it('can be had after a restart, as it was signed, when it is kept', async () => {
    const store = new MemoryBans()
    const first = await stage.network({ store, keepPublished: true })
    await first.start()
    await first.publishRound(3, bytes(70_000, 3))
    const last = await first.publish({ round: 4, sequence: 4, codec: 'float32', degree: 3, payload: bytes(70_000, 4) })
    await first.stop()

    const { privateKey, self } = first
    const kept = store.published!
    const again = await stage.network({ store, keepPublished: true, privateKey })
    const newcomer = await stage.network()
    await Promise.all([again.start(), newcomer.start()])
    await newcomer.connect(again)
    const [update] = await newcomer.pullLatest()
    expect(update).toMatchObject({ author: self, updateId: last.updateId, round: 4 })
    expect(Buffer.from(update!.payload).equals(bytes(70_000, 4))).toBe(true)
    expect(store.published).toBe(kept)
  })

  it('is not handed on when it is damaged, or of another key or federation', async () => {
    const kept = new MemoryBans()
    const author = await stage.network({ keepPublished: true, store: kept })
    await author.start()
    await author.publishRound(1, bytes(100))
    const whole = kept.published!
    const damaged = whole.slice()
    damaged[damaged.length - 1]! ^= 1
    const { privateKey } = author
    await author.stop()
    for (const init of [{ published: damaged, privateKey }, { published: whole }, { published: whole, privateKey, federationId: `${FEDERATION}x` }]) {
      const { published, ...rest } = init
      const store = new MemoryBans()
      store.published = published
      const other = await stage.network({ ...rest, store, keepPublished: true })
      const asker = await stage.network(rest.federationId === undefined ? {} : { federationId: rest.federationId })
      await Promise.all([other.start(), asker.start()])
      await asker.connect(other)
      expect(await asker.pullLatest()).toEqual([])
      expect(asker.rejected).toEqual([])
    }
  })
})

describe('the life of a network', () => {
  it('that is stopped while it starts ends with nothing running', async () => {
    const network = await stage.network()
    const starting = network.start().catch(() => {})
    await network.stop()
    await starting
    expect(network.host.libp2p.status).toBe('stopped')
    expect(network.addresses()).toEqual([])
  })

  it('is started once, for whoever asks', async () => {
    const network = await stage.network()
    void network.start()
    await network.start()
    expect(network.addresses()).toHaveLength(1)
  })
})

import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { Key } from 'interface-datastore/key'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { BoundedDatastore, MAX_PEER_BYTES, MAX_PEER_ENTRIES, MAX_PEER_ENTRY_BYTES } from '../../src/network/host/bounded-datastore.ts'
import { forgetDisconnected } from '../../src/network/host/peer-store-upkeep.ts'
import { until } from '../../src/contracts/helpers.ts'
import { Stage } from './nodes.ts'

const stage = new Stage()

afterEach(async () => { await stage.strike() })

function key (name: string): Key {
  return new Key(`/peers/${name}`)
}

describe('the store of libp2p\'s peers', () => {
  test('is bounded in entries: those used longest ago give way, never the own one', () => {
    const store = new BoundedDatastore()
    store.put(key('own'), new Uint8Array(10))
    for (let index = 0; index < 3 * MAX_PEER_ENTRIES; index++) {
      store.put(key(String(index)), new Uint8Array(10))
      store.has(key('kept')) ? store.get(key('kept')) : store.put(key('kept'), new Uint8Array(10))
    }
    expect(store.size).toBe(MAX_PEER_ENTRIES)
    expect(['own', 'kept', '0'].map((name) => store.has(key(name)))).toEqual([true, true, false])
  })

  test('is bounded in bytes, together and each', () => {
    const store = new BoundedDatastore()
    store.put(key('own'), new Uint8Array(10))
    for (let index = 0; index < MAX_PEER_ENTRIES / 2; index++) {
      store.put(key(String(index)), new Uint8Array(MAX_PEER_ENTRY_BYTES))
    }
    expect(store.bytes).toBeLessThanOrEqual(MAX_PEER_BYTES)
    store.put(key('a'), new Uint8Array(10))
    store.put(key('a'), new Uint8Array(MAX_PEER_ENTRY_BYTES + 1))
    expect(store.has(key('a'))).toBe(false)
  })

  test('keeps what is pinned when others fill it, with many entries or with large ones', () => {
    for (const size of [10, MAX_PEER_ENTRY_BYTES]) {
      const store = new BoundedDatastore()
      store.put(key('own'), new Uint8Array(10))
      store.pin(key('neighbour'))
      store.put(key('neighbour'), new Uint8Array(1_000))
      for (let index = 0; index < 2 * MAX_PEER_ENTRIES; index++) {
        store.put(key(String(index)), new Uint8Array(size))
      }
      expect(['own', 'neighbour', '0'].map((name) => store.has(key(name)))).toEqual([true, true, false])
      store.unpin(key('neighbour'))
      for (let index = 0; index < MAX_PEER_ENTRIES; index++) {
        store.put(key(String(index)), new Uint8Array(size))
      }
      expect(store.has(key('neighbour'))).toBe(false)
    }
  })

  test('of pinned entries that are too much together forgets the largest, and stays within its bounds', () => {
    const store = new BoundedDatastore()
    const put = (name: string, size: number): void => {
      store.pin(key(name))
      store.put(key(name), new Uint8Array(size))
    }
    store.put(key('own'), new Uint8Array(10))
    put('neighbour', Math.floor(MAX_PEER_BYTES / MAX_PEER_ENTRIES))
    for (let index = 0; index < MAX_PEER_ENTRIES / 2; index++) {
      put(String(index), MAX_PEER_ENTRY_BYTES - index)
    }
    expect(store.bytes).toBeLessThanOrEqual(MAX_PEER_BYTES)
    expect(['own', 'neighbour', '0'].map((name) => store.has(key(name)))).toEqual([true, true, false])
    for (let index = 0; index < 2 * MAX_PEER_ENTRIES; index++) {
      put(String(index), 10)
    }
    expect(store.size).toBe(MAX_PEER_ENTRIES)
  })

  test('forgets a stranger that said much about itself soon after it went, and keeps who is connected', async () => {
    const host = await stage.startedHost()
    const stop = forgetDisconnected(host.libp2p, 50)
    const [address] = host.libp2p.getMultiaddrs()
    const friend = await stage.startedHost({ listen: [] })
    await friend.libp2p.dial(multiaddr(address!.toString()))
    const names: string[] = []
    for (let index = 0; index < 20; index++) {
      const stranger = await stage.startedHost({ listen: [] })
      names.push(stranger.self)
      await stranger.libp2p.dial(multiaddr(address!.toString()))
      await until(() => host.libp2p.getPeers().some((peer) => peer.toString() === stranger.self))
      await stranger.stop()
    }
    const known = new Set<string>(names)
    while (known.size > 0) {
      known.clear()
      ;(await host.libp2p.peerStore.all()).filter(({ id }) => names.includes(id.toString())).forEach(({ id }) => known.add(id.toString()))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect((await host.libp2p.peerStore.all()).map(({ id }) => id.toString())).toContain(friend.self)
    expect(await host.libp2p.peerStore.has(host.libp2p.peerId)).toBe(true)
    stop()
  }, 60_000)

  test('does not forget at once who came back and goes again: the router still looks there for what it has to undo', async () => {
    const host = await stage.startedHost()
    const friend = await stage.startedHost({ listen: [] })
    const timer = vi.spyOn(globalThis, 'setInterval').mockReturnValueOnce(setTimeout(() => {}, 0))
    const stop = forgetDisconnected(host.libp2p)
    const look = timer.mock.calls[0]![0]
    timer.mockRestore()
    const forgotten = vi.spyOn(host.libp2p.peerStore, 'delete')
    const isThere = (): boolean => host.libp2p.getPeers().some((peer) => peer.equals(friend.libp2p.peerId))
    const visit = async (): Promise<void> => {
      await friend.libp2p.dial(host.libp2p.getMultiaddrs())
      await until(() => isThere() && host.pubsub.streamsOutbound.has(friend.self))
      await friend.libp2p.hangUp(host.libp2p.peerId)
      await until(() => !isThere())
    }
    await visit()
    look()
    await visit()
    look()
    expect(forgotten).not.toHaveBeenCalled()
    look()
    expect(forgotten.mock.calls.map(([peer]) => peer.toString())).toEqual([friend.self])
    stop()
  })

  test('strangers that say much do not push out a connected peer: its gossip ends and begins with its connection', async () => {
    const host = await stage.startedHost()
    const friend = await stage.startedHost()
    friend.pubsub.subscribe('news')
    const follows = (): boolean => host.pubsub.getSubscribers('news').length > 0
    const meet = async (): Promise<void> => {
      await friend.libp2p.dial(host.libp2p.getMultiaddrs())
      await until(() => host.pubsub.streamsOutbound.has(friend.self) && follows())
    }
    const part = async (): Promise<void> => {
      await friend.libp2p.hangUp(host.libp2p.peerId)
      await until(() => host.libp2p.getPeers().length === 0)
    }
    const flood = async (): Promise<void> => {
      for (let index = 0; index < 2 * MAX_PEER_BYTES / MAX_PEER_ENTRY_BYTES; index++) {
        const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
        await host.libp2p.peerStore.merge(id, { metadata: { much: new Uint8Array(MAX_PEER_ENTRY_BYTES - 512) } })
      }
    }
    // it comes back, and is pinned again
    for (let visit = 0; visit < 2; visit++) {
      await meet()
      await flood()
      expect(await host.libp2p.peerStore.has(friend.libp2p.peerId)).toBe(true)
      await part()
      expect(follows()).toBe(false)
    }
    await flood()
    expect(await host.libp2p.peerStore.has(friend.libp2p.peerId)).toBe(false)
  }, 60_000)

  test('the router forgets who went also when that said so much about itself that the store did not keep it', async () => {
    const host = await stage.startedHost()
    const stranger = await stage.startedHost({ listen: [] })
    stranger.pubsub.subscribe('news')
    await stranger.libp2p.dial(host.libp2p.getMultiaddrs())
    await until(() => host.pubsub.getSubscribers('news').length === 1 && host.pubsub.streamsOutbound.has(stranger.self))
    await host.libp2p.peerStore.merge(stranger.libp2p.peerId, { metadata: { much: new Uint8Array(MAX_PEER_ENTRY_BYTES) } })
    expect(await host.libp2p.peerStore.has(stranger.libp2p.peerId)).toBe(false)
    await stranger.libp2p.hangUp(host.libp2p.peerId)
    await until(() => host.libp2p.getPeers().length === 0)
    expect([...host.pubsub.getSubscribers('news'), ...host.pubsub.getPeers()]).toEqual([])
  })

  test('a host whose peer store is full of strangers still talks to a newcomer', async () => {
    const host = await stage.startedHost()
    for (let index = 0; index < MAX_PEER_ENTRIES + 10; index++) {
      const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
      await host.libp2p.peerStore.merge(id, { multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/1')] })
    }
    expect((await host.libp2p.peerStore.all()).length).toBeLessThanOrEqual(MAX_PEER_ENTRIES)
    const friend = await stage.startedHost()
    await friend.libp2p.dial(host.libp2p.getMultiaddrs())
    await until(() => host.pubsub.streamsOutbound.has(friend.self) && friend.pubsub.streamsOutbound.has(host.self))
    expect(await host.libp2p.peerStore.has(host.libp2p.peerId)).toBe(true)
  }, 60_000)
})

import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { isPrivateAddress, scoreTopic } from '../../src/network/host/gossip-settings.ts'
import { failure, until } from '../../src/contracts/helpers.ts'
import { Stage } from './nodes.ts'

const stage = new Stage()

afterEach(async () => stage.strike())

describe('host', () => {
  it('carries a gossip message between two nodes', async () => {
    const [alice, bob] = await Promise.all([stage.startedHost(), stage.startedHost()])
    bob.pubsub.subscribe('topic')
    const received = new Promise<Uint8Array>((resolve) => {
      bob.pubsub.addEventListener('message', ({ detail }) => { resolve(detail.data) })
    })
    await alice.libp2p.dial(bob.libp2p.getMultiaddrs())
    await until(() => alice.pubsub.getSubscribers('topic').length === 1)
    const { recipients } = await alice.pubsub.publish('topic', new Uint8Array([1, 2, 3]))

    expect(recipients.map(String)).toEqual([bob.self])
    expect([...await received]).toEqual([1, 2, 3])
  })

  it('lets rejected messages cost their sender on a topic that came after construction', async () => {
    const [alice, bob] = await Promise.all([stage.startedHost(), stage.startedHost()])
    scoreTopic(bob.pubsub, 'topic')
    bob.pubsub.topicValidators.set('topic', () => 'reject' as never)
    bob.pubsub.subscribe('topic')
    await alice.libp2p.dial(bob.libp2p.getMultiaddrs())
    await until(() => alice.pubsub.getSubscribers('topic').length === 1)
    await alice.pubsub.publish('topic', new Uint8Array([1, 2, 3]))
    await until(() => bob.pubsub.getScore(alice.self) < 0)
  })

  it('passes nothing on to who left a topic, also when the prune was lost among others', async () => {
    const [alice, bob] = await Promise.all([stage.startedHost(), stage.startedHost()])
    for (const host of [alice, bob]) {
      host.pubsub.subscribe('topic')
    }
    await alice.libp2p.dial(bob.libp2p.getMultiaddrs())
    await until(() => alice.pubsub.getMeshPeers('topic').includes(bob.self) && bob.pubsub.getMeshPeers('topic').includes(alice.self))
    // what a prune for several topics comes to that begins with one that the receiver has left as well
    bob.pubsub.mesh.get('topic')!.delete(alice.self)
    bob.pubsub.unsubscribe('topic')
    await until(() => alice.pubsub.getSubscribers('topic').length === 0)
    expect(alice.pubsub.getMeshPeers('topic')).toEqual([])
  })

  it('says which port is in use', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const busy = await stage.host({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })
    expect(await failure(busy.start())).toMatch(/^ListenError: cannot listen on .*: the port is in use \(EADDRINUSE\)/)
    server.close()
  })

  it('says that a listen address is not its own', async () => {
    const foreign = await stage.host({ listen: ['/ip4/192.0.2.1/tcp/0'] })
    expect(await failure(foreign.start())).toMatch(/^ListenError: .*EADDRNOTAVAIL/)
  })

  it('refuses a listen address that is no multiaddr, with an example', async () => {
    expect(await failure(stage.host({ listen: ['127.0.0.1:80'] }))).toMatch(/^InvalidAddressError: .*\/tcp\/4100\/p2p\//)
  })

  it('keeps banned peers out in both directions', async () => {
    const banned = new Set<string>()
    const [alice, bob] = await Promise.all([stage.startedHost({ isBanned: (peer) => banned.has(peer) }), stage.startedHost()])
    banned.add(bob.self)
    await expect(alice.libp2p.dial(bob.libp2p.getMultiaddrs())).rejects.toThrow()
    await bob.libp2p.dial(alice.libp2p.getMultiaddrs()).catch(() => {})
    await until(() => bob.libp2p.getConnections().length === 0)
    expect(alice.libp2p.getConnections()).toEqual([])
  })

  it('knows which addresses many peers may share', () => {
    for (const ip of ['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '::1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1']) {
      expect(isPrivateAddress(ip), ip).toBe(true)
    }
    for (const ip of ['8.8.8.8', '172.32.0.1', '2001:db8::1', 'nonsense', '']) {
      expect(isPrivateAddress(ip), ip).toBe(false)
    }
  })
})

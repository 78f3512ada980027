import { fork } from 'node:child_process'
import { once } from 'node:events'
import { peerIdFromString } from '@libp2p/peer-id'
import { afterEach, describe, expect, test } from 'vitest'
import { neighbourGraph } from '../../src/topology/neighbour-graph.ts'
import { systemClock } from '../../src/system-clock.ts'
import { FEDERATION, createMeshNode, isComplete, until } from './mesh.ts'
import type { MeshNode, MeshNodeInit } from './mesh.ts'

/** A machine that runs everything at once is slow; a mesh that never forms takes longer than this */
const PATIENCE_MS = 90_000

let nodes: MeshNode[] = []

async function add (init: MeshNodeInit = {}): Promise<MeshNode> {
  const node = await createMeshNode(init)
  nodes.push(node)
  return node
}

/** `count` nodes that know one address and start at the same time */
async function mesh (count: number, init: MeshNodeInit = {}): Promise<MeshNode[]> {
  const first = await add(init)
  const rest = await Promise.all(Array.from({ length: count - 1 }, async () => await add({ ...init, bootstrap: [first.addresses()[0]!] })))
  const all = [first, ...rest]
  await Promise.all(all.map(async ({ neighbourhood }) => { await neighbourhood.start() }))
  return all
}

async function completeMesh (count: number, init: MeshNodeInit = {}): Promise<MeshNode[]> {
  const all = await mesh(count, init)
  await until(() => isComplete(all), PATIENCE_MS, 'complete mesh')
  return all
}

function forget (node: MeshNode): void {
  nodes = nodes.filter((other) => other !== node)
}

function isGossiping (a: MeshNode, b: MeshNode): boolean {
  return a.host.pubsub.streamsOutbound.has(b.name) && a.host.pubsub.getPeers().some((peer) => peer.toString() === b.name)
}

afterEach(async () => {
  await Promise.all(nodes.map(async (node) => { await node.stop() }))
  nodes = []
}, PATIENCE_MS)

describe('neighbourhood', { timeout: 2 * PATIENCE_MS }, () => {
  for (const count of [12, 32]) {
    test(`${count} nodes that start at once with one address learn all members, agree on the graph and connect along it`, async () => {
      const all = await mesh(count)
      await until(() => all.every(({ neighbourhood }) => neighbourhood.members().length === count), PATIENCE_MS, 'full view')
      const names = all.map(({ name }) => name)
      const graph = neighbourGraph(names, 4, FEDERATION)
      await until(() => all.every(({ name, neighbourhood }) => neighbourhood.neighbours().join() === graph.get(name)!.join()), PATIENCE_MS, 'same graph')
      await until(() => isComplete(all), PATIENCE_MS, 'all edges are connections')
      expect(all.map(({ neighbourhood }) => neighbourhood.members())).toEqual(all.map(() => [...names].sort()))
    })
  }

  test('a node learns of a newcomer, of its goodbye, and says both', async () => {
    const [first, second] = await completeMesh(2)
    const seen: string[][] = []
    first!.neighbourhood.addEventListener('neighbours:change', ({ detail }) => { seen.push(detail.neighbours) })
    const third = await add({ bootstrap: [second!.addresses()[0]!] })
    await third.neighbourhood.start()
    await until(() => seen.some((neighbours) => neighbours.includes(third.name)), PATIENCE_MS, 'a third neighbour')
    forget(third)
    await third.stop()
    await until(() => !first!.neighbourhood.members().includes(third.name), 5_000, 'goodbye heard')
    await until(() => seen.at(-1)!.join() === second!.name, PATIENCE_MS, 'one neighbour left')
  })

  test('a member that only listens is nobody\'s neighbour, and still has neighbours', async () => {
    const all = await completeMesh(7, { degree: 2 })
    const observer = all[3]!
    const rest = all.filter((node) => node !== observer)
    observer.neighbourhood.observe()
    await until(() => rest.every(({ neighbourhood }) => !neighbourhood.neighbours().includes(observer.name)), PATIENCE_MS, 'left out by all')
    const graph = neighbourGraph(rest.map(({ name }) => name), 2, FEDERATION)
    await until(() => rest.every(({ name, neighbourhood }) => neighbourhood.neighbours().join() === graph.get(name)!.join()), PATIENCE_MS, 'a graph of those who publish')
    expect(observer.neighbourhood.neighbours()).toHaveLength(2)
    await until(() => observer.neighbourhood.neighbours().every((peer) => observer.neighbourhood.isConnected(peer)), PATIENCE_MS, 'it listens')
    expect(all.every(({ neighbourhood }) => neighbourhood.members().length === 7)).toBe(true)
  })

  test('a killed member is replaced after the grace period, also by members that had no connection with it', async () => {
    const all = await completeMesh(8, { degree: 3, graceMs: 1_000, expiryMs: 600_000 })
    const victim = all[5]!
    const rest = all.filter((node) => node !== victim)
    forget(victim)
    await victim.kill()
    await until(() => rest.every(({ neighbourhood }) => !neighbourhood.members().includes(victim.name)), PATIENCE_MS, 'dropped by all')
    const graph = neighbourGraph(rest.map(({ name }) => name), 3, FEDERATION)
    await until(() => rest.every(({ name, neighbourhood }) => neighbourhood.neighbours().join() === graph.get(name)!.join()), PATIENCE_MS, 'new graph')
    await until(() => isComplete(rest), PATIENCE_MS, 'new edges')
  })

  test('a restart within the grace period leaves the graph as it is', async () => {
    const all = await completeMesh(6, { degree: 3 })
    const victim = all[3]!
    const rest = all.filter((node) => node !== victim)
    const port = victim.host.libp2p.getMultiaddrs()[0]!.getComponents().find(({ name }) => name === 'tcp')!.value!
    const before = rest.map(({ neighbourhood }) => neighbourhood.neighbours())
    let changes = 0
    rest.forEach(({ neighbourhood }) => { neighbourhood.addEventListener('neighbours:change', () => { changes++ }) })
    forget(victim)
    await victim.kill()
    const again = await add({ degree: 3, privateKey: victim.privateKey, store: victim.store, listen: `/ip4/127.0.0.1/tcp/${port}` })
    await again.neighbourhood.start()
    await until(() => isComplete([...rest, again]), PATIENCE_MS, 'back in its place')
    expect(rest.map(({ neighbourhood }) => neighbourhood.neighbours())).toEqual(before)
    expect(changes).toBe(0)
  })

  test('the bootstrap may die: the mesh goes on, and a restarted node comes back through its address book', async () => {
    const all = await completeMesh(5, { degree: 4, graceMs: 1_000 })
    const [bootstrap, , , , last] = all
    const rest = all.slice(1)
    forget(bootstrap!)
    await bootstrap!.kill()
    await until(() => rest.every(({ neighbourhood }) => neighbourhood.members().length === 4), PATIENCE_MS, 'bootstrap dropped')
    await until(() => isComplete(rest), PATIENCE_MS, 'the mesh goes on')
    forget(last!)
    await last!.stop()
    expect(last!.store.held.size).toBeGreaterThanOrEqual(3)
    const again = await add({ privateKey: last!.privateKey, store: last!.store, bootstrap: bootstrap!.addresses() })
    await again.neighbourhood.start()
    await until(() => again.neighbourhood.members().length === 4, PATIENCE_MS, 'back without any bootstrap')
    await until(() => isComplete([...rest.slice(0, 3), again]), PATIENCE_MS, 'complete again')
  })

  test('two halves that dropped each other meet again after the partition heals', async () => {
    const all = await completeMesh(8, { degree: 4, heartbeatMs: 500, graceMs: 1_500, maxRetryMs: 3_000 })
    const halves = [all.slice(0, 4), all.slice(4)]
    for (const [index, half] of halves.entries()) {
      for (const node of half) {
        halves[1 - index]!.forEach(({ name }) => node.refused.add(name))
      }
    }
    for (const node of all) {
      for (const connection of node.host.libp2p.getConnections()) {
        if (node.refused.has(connection.remotePeer.toString())) {
          connection.abort(new RangeError('partition'))
        }
      }
    }
    // by now nobody remembers the other half but the address books: libp2p's own reconnecting would have ended long ago
    await until(() => all.every(({ neighbourhood }) => neighbourhood.members().length === 4), PATIENCE_MS, 'each half on its own')
    await until(() => halves.every((half) => isComplete(half)), PATIENCE_MS, 'each half goes on')
    for (const { host } of all) {
      const peers = await host.libp2p.peerStore.all()
      expect(peers.flatMap(({ tags }) => [...tags.keys()]).filter((tag) => tag.startsWith('keep-alive'))).toEqual([])
    }
    all.forEach(({ refused }) => { refused.clear() })
    await until(() => isComplete(all), 15_000, 'one mesh again')
  })

  test('a pair that is connected but deaf hears each other again', async () => {
    const [a, b] = await completeMesh(2, { deafMs: 500 })
    await until(() => isGossiping(a!, b!) && isGossiping(b!, a!), PATIENCE_MS, 'gossip both ways')
    // what the router does after an oversized frame
    const router = a!.host.pubsub as unknown as { onPeerDisconnected: (peer: unknown) => void }
    router.onPeerDisconnected(peerIdFromString(b!.name))
    expect(isGossiping(a!, b!)).toBe(false)
    expect(a!.neighbourhood.isConnected(b!.name)).toBe(true)
    await until(() => isGossiping(a!, b!) && isGossiping(b!, a!), PATIENCE_MS, 'gossip again')
    expect(a!.neighbourhood.members()).toContain(b!.name)
  })

  test('a frozen process is noticed although its connection stands', async () => {
    const node = await add({ beatMs: 300, silentMs: 1_500, deafMs: 600_000 })
    await node.neighbourhood.start()
    const child = fork(new URL('./fixtures/frozen-peer.mjs', import.meta.url), [node.addresses()[0]!], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    try {
      await once(child.stdout!, 'data')
      await until(() => node.host.libp2p.getPeers().length === 1, PATIENCE_MS, 'connected')
      child.kill('SIGSTOP')
      await until(() => node.host.libp2p.getPeers().length === 0, 15_000, 'cut off')
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  test('a suspended neighbour is replaced until it is heard from', async () => {
    const [first] = await completeMesh(9, { degree: 4 })
    const before = first!.neighbourhood.neighbours()
    const [slow] = before
    first!.neighbourhood.suspend(slow!)
    await until(() => !first!.neighbourhood.neighbours().includes(slow!), 5_000, 'left out')
    expect(first!.neighbourhood.neighbours()).toHaveLength(4)
    await until(() => first!.neighbourhood.neighbours().every((peer) => first!.neighbourhood.isConnected(peer)), PATIENCE_MS, 'connected with its replacement')
    // it is followed all the same: nobody else could tell that it is in step again
    expect(first!.neighbourhood.upcoming()).toEqual([slow])
    first!.neighbourhood.setRound(7)
    first!.neighbourhood.heard(slow!, 6)
    await new Promise((resolve) => { setImmediate(resolve) })
    expect(first!.neighbourhood.upcoming()).toEqual([slow])
    first!.neighbourhood.heard(slow!, 7)
    await until(() => first!.neighbourhood.neighbours().join() === before.join(), 5_000, 'back')
    expect(first!.neighbourhood.upcoming()).toEqual([])
  })

  test('suspended neighbours come back where a round would not begin without them', async () => {
    const [first] = await completeMesh(4, { degree: 3, leastNeighbours: 2 })
    const { neighbourhood } = first!
    const [a, b, c] = neighbourhood.neighbours()
    neighbourhood.suspend(a!)
    await until(() => neighbourhood.neighbours().join() === [b, c].join(), 5_000, 'left out')
    neighbourhood.suspend(b!)
    await until(() => neighbourhood.neighbours().join() === [a, c].join(), 5_000, 'back, because two are needed')
  })

  test('connections that neither side needs are let go, but not those of the graph', async () => {
    const all = await completeMesh(16, { degree: 3, idleMs: 500 })
    const [bootstrap] = all
    await until(() => bootstrap!.host.libp2p.getPeers().length <= 3 + 8, PATIENCE_MS, 'the bootstrap lets go')
    await until(() => isComplete(all), PATIENCE_MS, 'still complete')
    expect(all.every(({ neighbourhood }) => neighbourhood.members().length === 16)).toBe(true)
  })

  for (const keepsStore of [true, false]) {
    test(`a node whose clock was 100 days ahead, that crashed and returned with the right clock, ${keepsStore ? 'goes on above its old records' : 'is told the number it forgot'}, and is a member again at once`, async () => {
      const ahead = { ...systemClock, now: () => Date.now() + 100 * 86_400_000 }
      const [first, second] = await completeMesh(2, { graceMs: 500 })
      const victim = await add({ clock: ahead, bootstrap: [first!.addresses()[0]!] })
      await victim.neighbourhood.start()
      await until(() => isComplete([first!, second!, victim]), PATIENCE_MS, 'the third is there')
      await victim.kill()
      forget(victim)
      await until(() => [first!, second!].every(({ neighbourhood }) => !neighbourhood.members().includes(victim.name)), PATIENCE_MS, 'dropped')
      // a member that was dropped is remembered for two minutes
      const again = await add({ privateKey: victim.privateKey, ...(keepsStore ? { store: victim.store } : {}), bootstrap: [first!.addresses()[0]!] })
      await again.neighbourhood.start()
      await until(() => isComplete([first!, second!, again]), 60_000, 'a member again')
    })
  }

  test('two federations on one address do not mix', async () => {
    const [first] = await completeMesh(2)
    const stranger = await add({ federationId: 'bafyanother', bootstrap: [first!.addresses()[0]!] })
    await stranger.neighbourhood.start()
    await until(() => stranger.host.libp2p.getPeers().length > 0, PATIENCE_MS, 'connected')
    const friend = await add({ bootstrap: [first!.addresses()[0]!] })
    await friend.neighbourhood.start()
    await until(() => first!.neighbourhood.members().length === 3, PATIENCE_MS, 'friend found')
    expect(first!.neighbourhood.members()).not.toContain(stranger.name)
    expect(stranger.neighbourhood.members()).toEqual([stranger.name])
  })

  test('nothing is left running after stop, and the node can start again', async () => {
    const [a, b] = await completeMesh(2)
    await a!.neighbourhood.stop()
    expect(a!.host.libp2p.getProtocols()).not.toContain('/grapevine/members/2.0.0')
    await until(() => !b!.neighbourhood.members().includes(a!.name), 5_000, 'goodbye')
    await a!.neighbourhood.start()
    await until(() => isComplete([a!, b!]), PATIENCE_MS, 'complete again')
  })
})

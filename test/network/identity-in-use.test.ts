/**
 * A home that was copied: two processes with one key, on real TCP
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, test } from 'vitest'
import { IdentityWatch } from '../../src/network/members/identity-watch.ts'
import { Presence } from '../../src/network/members/presence.ts'
import { systemClock } from '../../src/system-clock.ts'
import { ManualClock } from '../manual-clock.ts'
import { createMeshNode, isComplete, memoryPeerStore, until } from './mesh.ts'
import type { IdentityInUse } from '../../src/interface.ts'
import type { PresenceComponents } from '../../src/network/members/presence.ts'
import type { MeshNode, MeshNodeInit } from './mesh.ts'

const PATIENCE_MS = 30_000
const HOUR_MS = 3_600_000

const nodes: MeshNode[] = []
const warnings = new Map<MeshNode, string[]>()

async function node (init: MeshNodeInit = {}): Promise<MeshNode> {
  const made = await createMeshNode(init)
  nodes.push(made)
  const told: string[] = []
  warnings.set(made, told)
  made.neighbourhood.addEventListener('warning', ({ detail }) => { told.push(`${detail.code}: ${detail.message}`) })
  await made.neighbourhood.start()
  return made
}

function inUse (of: MeshNode): string[] {
  return warnings.get(of)!.filter((warning) => warning.startsWith('identity-in-use: '))
}

/** Members in a line: each knows the one before it only */
async function line (count: number, init: MeshNodeInit = {}): Promise<MeshNode[]> {
  const made: MeshNode[] = []
  for (let i = 0; i < count; i++) {
    made.push(await node({ ...init, bootstrap: made.at(-1)?.addresses() ?? [] }))
  }
  await until(() => isComplete(made), PATIENCE_MS, 'the mesh forms')
  return made
}

afterEach(async () => {
  warnings.clear()
  await Promise.all(nodes.splice(0).map(async (made) => made.stop()))
})

describe('a copied home', { timeout: 3 * PATIENCE_MS }, () => {
  test('is told to both processes, where both reach one peer', async () => {
    const [hub, original] = await line(2) as [MeshNode, MeshNode]
    const copy = await node({ bootstrap: hub.addresses(), privateKey: original.privateKey })

    await until(() => inUse(copy).length > 0 && inUse(original).length > 0, PATIENCE_MS, 'both warn')

    const [port] = /\/tcp\/\d+/.exec(original.addresses()[0]!)!
    expect(inUse(copy)).toEqual([expect.stringContaining(`it announces /ip4/127.0.0.1${port}`)])
    expect(copy.neighbourhood.identityUse().conflict?.addresses).toEqual([`/ip4/127.0.0.1${port}`])
    expect(original.neighbourhood.identityUse().inDoubt).toBe(true)
    expect(inUse(hub)).toEqual([])
  })

  test('is told to both, where they reach different peers', async () => {
    const [hub, original] = await line(2) as [MeshNode, MeshNode]
    const privateKey = await generateKeyPair('Ed25519')
    original.refused.add(peerIdFromPrivateKey(privateKey).toString())
    const far = await node({ bootstrap: hub.addresses(), privateKey })
    await until(() => far.neighbourhood.members().length === 3, PATIENCE_MS, 'it knows the original')
    expect(far.neighbourhood.isConnected(original.name)).toBe(false)
    const copy = await node({ bootstrap: far.addresses(), privateKey: original.privateKey })

    await until(() => inUse(copy).length > 0 && inUse(original).length > 0, PATIENCE_MS, 'both warn')
  })

  test('is forgotten when the other process says goodbye', async () => {
    const [hub, original] = await line(2) as [MeshNode, MeshNode]
    const copy = await node({ bootstrap: hub.addresses(), privateKey: original.privateKey })
    await until(() => inUse(original).length > 0, PATIENCE_MS, 'the original warns')

    await copy.stop()

    await until(() => original.neighbourhood.identityUse().conflict === undefined, PATIENCE_MS, 'the original is the only one')
    await until(() => isComplete([hub, original]), PATIENCE_MS, 'its membership does not end with that of the copy')
  })

  test('does not make the mesh speak ever faster', async () => {
    const [hub, original] = await line(2) as [MeshNode, MeshNode]
    const copy = await node({ bootstrap: hub.addresses(), privateKey: original.privateKey })
    await until(() => inUse(copy).length > 0 && inUse(original).length > 0, PATIENCE_MS, 'both warn')
    let records = 0
    const put = copy.store.putRecordSequence
    copy.store.putRecordSequence = async (sequence) => {
      records++
      await put(sequence)
    }

    await until(() => records > 0, PATIENCE_MS, 'the next heartbeat')
    const started = performance.now()
    await until(() => records > 2, PATIENCE_MS, 'two more')

    // heartbeats are 8.5 to 11.5 s apart
    expect(performance.now() - started).toBeGreaterThan(15_000)
  })
})

describe('an earlier life of this home', { timeout: 3 * PATIENCE_MS }, () => {
  test('is no other process: after a crash and with the clock put back', async () => {
    const [hub, first] = await line(2) as [MeshNode, MeshNode]
    await first.kill()
    const slow = { ...systemClock, now: () => Date.now() - HOUR_MS }

    const again = await node({ bootstrap: hub.addresses(), privateKey: first.privateKey, store: first.store, clock: slow })

    await until(() => isComplete([hub, again]), PATIENCE_MS, 'the mesh forms')
    expect(again.neighbourhood.identityUse()).toEqual({ inDoubt: false })
  })

  test('is no other process: from a backup, with the clock put back, where several hold records of it', async () => {
    const [hub, first, other] = await line(3) as [MeshNode, MeshNode, MeshNode]
    await first.kill()
    const slow = { ...systemClock, now: () => Date.now() - HOUR_MS }

    const again = await node({ bootstrap: [...hub.addresses(), ...other.addresses()], privateKey: first.privateKey, store: memoryPeerStore(), clock: slow })

    await until(() => isComplete([hub, again, other]), PATIENCE_MS, 'the mesh forms')
    await until(() => !again.neighbourhood.identityUse().inDoubt, PATIENCE_MS, 'it is sure to be the only one')
    expect(inUse(again)).toEqual([])
  })
})

describe('the watch over the own id', () => {
  const ADDRESSES = ['/ip4/192.0.2.1/tcp/4001']
  const claim = (sequence: number, leaving = false): { sequence: number, addresses: string[], leaving: boolean } => ({ sequence, addresses: ADDRESSES, leaving })
  const watched = (): { clock: ManualClock, told: IdentityInUse[], watch: IdentityWatch } => {
    const clock = new ManualClock()
    const told: IdentityInUse[] = []
    return { clock, told, watch: new IdentityWatch({ clock, forgetMs: () => 60_000, onInUse: (conflict) => { told.push(conflict) } }) }
  }

  test('counts what many hold of an earlier life as one, as long as this node has not gone above it', () => {
    const { watch, told } = watched()
    for (let sequence = 100; sequence < 200; sequence++) {
      watch.foreign(claim(sequence), 50)
    }
    watch.foreign(claim(300), 201)

    expect(told).toEqual([])
    expect(watch.use()).toEqual({ inDoubt: true })
  })

  test('is convinced by three records, each above an answer, and tells it once', () => {
    const { watch, told } = watched()
    for (const sequence of [100, 200, 300, 400]) {
      watch.foreign(claim(sequence), sequence - 1)
    }

    expect(told).toHaveLength(1)
    expect(watch.use().conflict?.addresses).toEqual(ADDRESSES)
  })

  test('forgets doubt soon, a proof when nothing is heard for long, and both at a goodbye', () => {
    const { watch, told, clock } = watched()
    watch.foreign(claim(100), 50)
    clock.advance(5_001)
    expect(watch.use().inDoubt).toBe(false)

    watch.foreign(claim(200), 150)
    watch.foreign(claim(300), 250)
    clock.advance(59_000)
    expect(watch.use().conflict).toBeDefined()
    clock.advance(2_000)
    expect(watch.use()).toEqual({ inDoubt: false })

    for (const sequence of [400, 500, 600]) {
      watch.foreign(claim(sequence), sequence - 1)
    }
    watch.foreign(claim(700, true), 650)
    expect(told).toHaveLength(2)
    expect(watch.use()).toEqual({ inDoubt: false })
  })
})

describe('a peer of a large mesh', () => {
  const heardOnce = (quietFactor: number): { clock: ManualClock, presence: Presence } => {
    const clock = new ManualClock()
    const own = { signedSequence: 0, supersede: (sequence: number) => { own.signedSequence = sequence + 1 } }
    const components = { host: { self: 'a' }, clock, own, membership: { quietFactor } } as unknown as PresenceComponents
    const presence = new Presence(components, { expiryMs: 60_000, onInUse: () => {} })
    for (const sequence of [10, 20, 30]) {
      presence.onOwnRecord({ sequence, addresses: [], leaving: false } as never)
    }
    return { clock, presence }
  }

  test.each([[1, 60_000], [4, 120_000], [32, 960_000]])('of quiet factor %d waits %d ms for who was heard, as long as that may be silent', (quietFactor, forgetMs) => {
    const { clock, presence } = heardOnce(quietFactor)
    clock.advance(forgetMs - 1)
    expect(presence.identityUse().inDoubt).toBe(true)
    clock.advance(2)
    expect(presence.identityUse().inDoubt).toBe(false)
  })
})

/**
 * Homes and ledgers of version 0.1.0 open for ever, go on, and count what they spent
 */
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNode } from '../src/index.ts'
import { createLevelStore } from '../src/store/level-store.ts'
import type { GrapevineNode, NodeInit } from '../src/node/node-interface.ts'
import type { Store } from '../src/interface.ts'

/** See the README there */
const HOMES = join(import.meta.dirname, 'fixtures/homes-0.1')
const PRIVATE = {
  federation: 'bafyreibwtqy7rhaalsznewavvfdgxvjovehrfokpvvwzj3dbgs6tj4xhb4',
  peer: '12D3KooWQYvDiMKsaRHgVbuZGAdydyvQUR67h8Qhc4VRDzD4E11z',
  banned: '12D3KooWFQ8mKB5aKoWJFqoHd5UfAkyUMv68mG7gLCwim4bnwmCP',
  latest: '5717cf4dce3d6e0274ebeafc921c2a036b82eee5ec63996e3cc2ed208021e43b',
  epsilon: 3.5506589601039056
}

const LEFT_AT_MS = Date.parse('2026-11-29T21:44:22Z')

let folder: string
let opened: Array<() => Promise<void>>

beforeEach(async () => {
  opened = []
  folder = await mkdtemp(join(tmpdir(), 'grapevine-old-'))
  await cp(HOMES, folder, { recursive: true })
  // a clone does not keep it: a key that others may read is refused
  for (const name of ['private', 'plain']) {
    await chmod(join(folder, name, 'home/identity.key'), 0o600)
  }
})
afterEach(async () => {
  for (const close of opened) {
    await close()
  }
  await rm(folder, { recursive: true, force: true })
})

/** A ban ends after half an hour: opened as if it were a minute after the home was left */
async function storeOf (name: string): Promise<Store> {
  const store = createLevelStore({ location: join(folder, name, 'home/db'), clock: { now: () => LEFT_AT_MS + 60_000 } })
  await store.open()
  opened.push(async () => store.close())
  return store
}

function nodeOf (name: string, changes: Partial<NodeInit> = {}): GrapevineNode {
  const node = createNode({
    home: join(folder, name, 'home'),
    ledgers: join(folder, name, 'ledgers'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    data: { kind: 'csv', file: join(folder, name, 'patients.csv') },
    backend: 'wasm',
    ...changes
  })
  opened.push(async () => node.stop({ force: true }))
  return node
}

describe('a home of version 0.1.0', () => {
  it('has its versions, publication, published update and ban', async () => {
    const store = await storeOf('private')
    const versions = await store.list()
    expect(versions.map(({ round }) => round)).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5])
    expect(versions[0]).toMatchObject({ id: PRIVATE.latest, parameterCount: 451, metrics: { accepted: 2 } })
    expect((await store.parameters(PRIVATE.latest))?.length).toBe(451)
    expect(await store.getPublication()).toMatchObject({ round: 14 })
    expect((await store.getPublished())?.byteLength).toBeGreaterThan(451)
    expect((await store.metrics()).length).toBe(14)
    expect(await store.bans()).toEqual([expect.objectContaining({ peer: PRIVATE.banned, reason: 'equivocation' })])
    expect(await store.peers()).not.toHaveLength(0)
  })

  it('tells the versions that were averaged from those of a peer alone', async () => {
    const store = await storeOf('plain')
    expect((await store.list()).map(({ round, mixed }) => ({ round, mixed }))).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5].map((round) => ({ round, mixed: round <= 10 })))
    expect((await store.newest())?.round).toBe(14)
    expect(await store.get('latest')).toEqual(await store.get('10'))
  })

  it('goes on from its last round with the budget that it spent', async () => {
    const node = nodeOf('private', { minMembers: 2 })
    const joined: object[] = []
    node.addEventListener('joined', ({ detail }) => { joined.push(detail) })
    await node.start()
    expect(joined).toEqual([expect.objectContaining({ federation: PRIVATE.federation, how: 'resumed', round: 14 })])
    expect(node.describe()).toMatchObject({ peer: PRIVATE.peer, round: 14 })
    expect(node.describe().privacy?.epsilon.pld).toBeCloseTo(PRIVATE.epsilon, 12)
    expect((await node.version('latest'))?.version.id).toBe(PRIVATE.latest)
  })

  it('says of its ledger that it is sound, and of its charges the same', async () => {
    const node = nodeOf('private', { minMembers: 2 })
    await node.start()
    const ledger = node.ledger()!
    expect(await ledger.verify()).toEqual({ entries: 14 })
    expect(ledger.totals()).toEqual([expect.objectContaining({ mechanism: 'dp-sgd', steps: 56 })])
    expect(ledger.lastRound(PRIVATE.federation, PRIVATE.peer)).toBe(14)
  })
})

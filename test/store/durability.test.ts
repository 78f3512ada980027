/**
 * What must survive a power cut is written with `sync`: a killed process cannot tell the difference, so the options are
 * looked at
 */
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { createLevelStore } from '../../src/store/level-store.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Store } from '../../src/interface.ts'

interface Write { keys: string[], sync: boolean }

/** A store that notes every batch */
async function recorded (): Promise<{ store: Store, writes: Write[] }> {
  const writes: Write[] = []
  const createDatabase = (): MemoryLevel => {
    const level = new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' })
    const batch = level.batch.bind(level) as (...args: unknown[]) => unknown
    level.batch = ((operations: Array<{ key: string, sublevel: { prefix: string } }>, options: { sync?: boolean }) => {
      writes.push({ keys: operations.map(({ key, sublevel }) => `${sublevel.prefix}${key}`), sync: options.sync === true })
      return batch(operations, options)
    }) as never
    return level
  }
  const store = createLevelStore({ location: 'memory', clock: new ManualClock(), createDatabase: createDatabase as never })
  await store.open()
  writes.length = 0
  return { store, writes }
}

describe('survives a power cut', () => {
  it('a committed version: one synced batch holds its record and its parameters', async () => {
    const { store, writes } = await recorded()
    await store.commit({ federation: 'bafyrei', round: 1, parents: ['a'], parameters: new Float32Array(4), metrics: {} })
    const [commit] = writes.filter(({ keys }) => keys.some((key) => key.includes('parameters')))
    expect(commit).toMatchObject({ sync: true })
    expect(commit!.keys.some((key) => key.includes('versions'))).toBe(true)
  })

  it('local state, in the batch of its version', async () => {
    const { store, writes } = await recorded()
    await store.commit({ federation: 'bafyrei', round: 1, parents: ['a'], parameters: new Float32Array(4), metrics: {}, state: { moments: Uint8Array.of(1) } })
    const [commit] = writes.filter(({ keys }) => keys.some((key) => key.includes('moments')))
    expect(commit).toMatchObject({ sync: true })
    expect(commit!.keys.some((key) => key.includes('versions'))).toBe(true)
  })

  it('the number of a publication', async () => {
    const { store, writes } = await recorded()
    await store.putPublication({ round: 1, sequence: 1 })
    expect(writes.map(({ sync }) => sync)).toEqual([true])
  })

  it('a rollback', async () => {
    const { store, writes } = await recorded()
    const commit = async (round: number) => store.commit({ federation: 'bafyrei', round, parents: ['a'], parameters: new Float32Array(4), metrics: {} })
    const { id } = await commit(1)
    await commit(2)
    writes.length = 0
    await store.rollback(id)
    const [forgotten] = writes.filter(({ keys }) => keys.some((key) => key.includes('versions')))
    expect(forgotten).toMatchObject({ sync: true })
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { createLevelStore } from '../../src/store/level-store.ts'
import { storeContract } from '../../src/contracts/store.ts'

storeContract('memory-level', async () => {
  const database = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
  return {
    create: (init) => createLevelStore({ ...init, location: 'memory', createDatabase: () => database }),
    remove: async () => {}
  }
})

storeContract('classic-level', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grapevine-store-'))
  return {
    create: (init) => createLevelStore({ ...init, location: join(folder, 'db') }),
    remove: async () => rm(folder, { recursive: true })
  }
})

describe('createLevelStore', () => {
  it('refuses to keep no version at all', () => {
    const clock = { now: () => 0 }
    for (const count of [0, -1, 1.5, NaN]) {
      expect(() => createLevelStore({ location: 'x', clock, keepVersions: count })).toThrow(RangeError)
      expect(() => createLevelStore({ location: 'x', clock, keepMetrics: count })).toThrow(RangeError)
    }
  })
})

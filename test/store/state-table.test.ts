import { MemoryLevel } from 'memory-level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/store/database.ts'
import { StateTable } from '../../src/store/state-table.ts'
import type { Database } from '../../src/store/database.ts'

describe('local state beside a program that knows nothing of it', () => {
  let database: Database

  beforeEach(async () => {
    database = await openDatabase({ location: 'memory', createDatabase: () => new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' }) as never })
  })

  afterEach(async () => {
    await database.close()
  })

  async function commit (table: StateTable, version: string, before: string | undefined, state: Record<string, Uint8Array> = {}): Promise<void> {
    const { operations, written } = table.commit(version, before, state)
    await database.write(operations)
    written()
  }

  it('is nobody\'s once that program has committed, and goes with the next commit', async () => {
    const table = await StateTable.load(database)
    await commit(table, 'v1', undefined, { moments: Uint8Array.of(1), tracker: Uint8Array.of(2) })
    // v2 is committed by the other program
    const later = await StateTable.load(database)
    expect(await later.get('v2', 'moments')).toBeUndefined()
    await commit(later, 'v3', 'v2', { tracker: Uint8Array.of(3) })
    expect(await later.get('v3', 'moments')).toBeUndefined()
    expect(await later.get('v3', 'tracker')).toEqual(Uint8Array.of(3))
    expect(await database.keys('state')).toEqual(['/version', 'tracker'])
  })

  it('leaves nothing behind where the next commit has no state', async () => {
    await commit(await StateTable.load(database), 'v1', undefined, { moments: Uint8Array.of(1) })
    await commit(await StateTable.load(database), 'v3', 'v2')
    expect(await database.keys('state')).toEqual([])
  })

  it('writes nothing where there never was any', async () => {
    const table = await StateTable.load(database)
    expect(table.commit('v1', undefined, {}).operations).toEqual([])
    expect(table.forget().operations).toEqual([])
  })
})

/**
 * The content of a store at every point of a write: of a database in memory, and of LevelDB's own files
 */
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import { storeCrashContract } from '../../src/contracts/store-crash.ts'
import { createOnDisk } from '../../src/store/level-folder.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { CutFolders, watched } from '../cut-folders.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Cut } from '../../src/contracts/crash.ts'
import type { StoreDatabase } from '../../src/store/database.ts'
import type { Store } from '../../src/interface.ts'

async function opened (init: { location: string, createDatabase?: (location: string) => StoreDatabase }): Promise<Store> {
  const store = createLevelStore({ ...init, clock: new ManualClock(), keepVersions: 3 })
  await store.open()
  return store
}

storeCrashContract('memory-level', async () => {
  const inMemory = (): StoreDatabase => new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
  let cuts: Array<Cut<Store>> | undefined
  const database = watched(inMemory(), async (at) => {
    const entries = cuts === undefined ? [] : await database.iterator({ keyEncoding: 'utf8', valueEncoding: 'view' }).all()
    cuts?.push({
      at,
      open: async () => {
        const copy = inMemory()
        await copy.batch(entries.map(([key, value]) => ({ type: 'put', key, value: value.slice() })))
        return opened({ location: 'memory', createDatabase: () => copy })
      }
    })
  })
  return {
    part: await opened({ location: 'memory', createDatabase: () => database }),
    during: async (change) => {
      const collected: Array<Cut<Store>> = cuts = []
      await change()
      cuts = undefined
      return collected
    },
    remove: async () => {}
  }
})

storeCrashContract('classic-level, with its note beside it', async () => {
  const cuts = await CutFolders.create(async (folder) => opened({ location: join(folder, 'db') }))
  const createDatabase = (path: string): StoreDatabase => watched(createOnDisk(path), async (at) => cuts.atWrite(at, 'db'))
  return { part: await opened({ location: join(cuts.folder, 'db'), createDatabase }), during: cuts.during, remove: cuts.remove }
})

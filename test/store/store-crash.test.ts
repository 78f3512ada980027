/**
 * The content of a store at every point of a write: of a database in memory, and of LevelDB's own files
 */
import { cp, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import { storeCrashContract } from '../../src/contracts/store-crash.ts'
import { createOnDisk } from '../../src/store/level-folder.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { ManualClock } from '../manual-clock.ts'
import type { CutStore } from '../../src/contracts/store-crash.ts'
import type { StoreDatabase } from '../../src/store/database.ts'
import type { Store } from '../../src/interface.ts'

type Batch = (...args: unknown[]) => Promise<void>

/** Calls `at` before and after each batch of this database */
function watched (database: StoreDatabase, at: (point: string) => Promise<void>): StoreDatabase {
  const batch = database.batch.bind(database) as unknown as Batch
  let writes = 0
  database.batch = (async (...args: unknown[]) => {
    const write = ++writes
    await at(`before write ${write}`)
    await batch(...args)
    await at(`after write ${write}`)
  }) as never
  return database
}

async function opened (init: { location: string, createDatabase?: ((location: string) => StoreDatabase) | undefined }): Promise<Store> {
  const store = createLevelStore({ ...init, clock: new ManualClock(), keepVersions: 3 })
  await store.open()
  return store
}

storeCrashContract('memory-level', async () => {
  const inMemory = (): StoreDatabase => new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' }) as unknown as StoreDatabase
  let cuts: CutStore[] | undefined
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
    store: await opened({ location: 'memory', createDatabase: () => database }),
    during: async (change) => {
      const collected: CutStore[] = cuts = []
      await change()
      cuts = undefined
      return collected
    },
    remove: async () => {}
  }
})

/** Length of the newest log in a folder of LevelDB */
async function logOf (location: string): Promise<{ file: string, bytes: number }> {
  const file = join(location, (await readdir(location)).filter((name) => name.endsWith('.log')).sort().at(-1)!)
  return { file, bytes: (await stat(file)).size }
}

storeCrashContract('classic-level, with its note beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grapevine-crash-'))
  const location = join(folder, 'home', 'db')
  let cuts: CutStore[] | undefined
  let before = 0

  /** A copy of all files as they are now; `cutAt`: with the log that was just written cut off there */
  async function copy (at: string, cutAt?: number): Promise<void> {
    const home = join(folder, `cut-${cuts!.length}`)
    await cp(join(folder, 'home'), home, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
    if (cutAt !== undefined) {
      await truncate((await logOf(join(home, 'db'))).file, cutAt)
    }
    cuts!.push({ at, open: async () => opened({ location: join(home, 'db') }) })
  }

  const createDatabase = (path: string): StoreDatabase => watched(createOnDisk(path), async (at) => {
    if (cuts === undefined) {
      return
    }
    if (at.startsWith('before')) {
      before = (await logOf(location)).bytes
      await copy(at)
      return
    }
    const { bytes } = await logOf(location)
    for (const share of [0.1, 0.5, 0.9]) {
      await copy(`${at}, of which a part of ${share} is on the disk`, before + Math.floor(share * (bytes - before)))
    }
    await copy(at)
  })
  return {
    store: await opened({ location, createDatabase }),
    during: async (change) => {
      const collected: CutStore[] = cuts = []
      await change()
      // notes are written after the database
      await copy('when it is done')
      cuts = undefined
      return collected
    },
    remove: async () => rm(folder, { recursive: true })
  }
})

/**
 * Copies of a folder as it is at each point of a change: what a killed process would leave
 */
import { cp, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cut } from '../src/contracts/crash.ts'

type Batch = (...args: unknown[]) => Promise<void>

/** Calls `at` before and after each batch of this database */
export function watched<Database extends { batch: unknown }> (database: Database, at: (point: string) => Promise<void>): Database {
  const batch = (database.batch as Batch).bind(database)
  let writes = 0
  database.batch = (async (...args: unknown[]) => {
    const write = ++writes
    await at(`before write ${write}`)
    await batch(...args)
    await at(`after write ${write}`)
  }) satisfies Batch
  return database
}

/** The newest log in a folder of LevelDB */
async function logOf (location: string): Promise<{ file: string, bytes: number }> {
  const file = join(location, (await readdir(location)).filter((name) => name.endsWith('.log')).sort().at(-1)!)
  return { file, bytes: (await stat(file)).size }
}

export class CutFolders<Part> {
  /** What is copied */
  readonly folder: string
  readonly #root: string
  readonly #open: (folder: string) => Promise<Part>
  #cuts: Array<Cut<Part>> | undefined
  #logBefore = 0

  private constructor (root: string, open: (folder: string) => Promise<Part>) {
    this.#root = root
    this.folder = join(root, 'home')
    this.#open = open
  }

  static async create<Part> (open: (folder: string) => Promise<Part>): Promise<CutFolders<Part>> {
    return new CutFolders(await mkdtemp(join(tmpdir(), 'grapevine-cut-')), open)
  }

  remove = async (): Promise<void> => rm(this.#root, { recursive: true })

  during = async (change: () => Promise<unknown>): Promise<Array<Cut<Part>>> => {
    const cuts: Array<Cut<Part>> = this.#cuts = []
    await change()
    await this.copy('when it is done')
    this.#cuts = undefined
    return cuts
  }

  /** As it is now; `change` alters the copy. Nothing outside of `during` */
  async copy (at: string, change: (folder: string) => Promise<void> = async () => {}): Promise<void> {
    if (this.#cuts === undefined) {
      return
    }
    const copy = join(this.#root, `cut-${this.#cuts.length}`)
    const isThere = await stat(this.folder).then(() => true, () => false)
    isThere && await cp(this.folder, copy, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
    await change(copy)
    this.#cuts.push({ at, open: async () => this.#open(copy) })
  }

  /** For `watched`: also with the log cut off in the middle of what was written. `database`: inside of the folder */
  async atWrite (point: string, database: string): Promise<void> {
    if (this.#cuts === undefined) {
      return
    }
    const { bytes } = await logOf(join(this.folder, database))
    if (point.startsWith('before')) {
      this.#logBefore = bytes
    } else {
      for (const share of [0.1, 0.5, 0.9]) {
        const length = this.#logBefore + Math.floor(share * (bytes - this.#logBefore))
        await this.copy(`${point}, of which a part of ${share} is on the disk`, async (copy) => truncate((await logOf(join(copy, database))).file, length))
      }
    }
    await this.copy(point)
  }
}

/**
 * The LevelDB database behind the store: opening, the format guard, one table (sublevel) for each concern
 *
 * Keys are text, values are bytes. Every failure leaves here as an error of errors.ts.
 */
import { StoreCorruptError, StoreFormatError, StoreWriteError } from '../errors.ts'
import { readHolder, removeHolder, writeHolder } from './holder.ts'
import { createOnDisk, ENCODINGS, findOrphan } from './level-folder.ts'
import { isWriteRefusal, openCopy } from './reading-copy.ts'
import { copyError, corruptError, isLocked, lockedError, openError, readError, writeError } from './store-error.ts'
import type { LevelDatabase } from './level-folder.ts'

/** Number of the layout described here and in the tables' files. Any change to keys or values raises it */
export const STORE_FORMAT = 1

const FORMAT_KEY = '/version'
const TABLES = ['federation', 'versions', 'parameters', 'state', 'publication', 'peers', 'bans', 'metrics', 'governance'] as const

export type TableName = typeof TABLES[number]

/** What the store needs of a database */
export type StoreDatabase = LevelDatabase

/** A put, or without `value` a delete */
export interface Operation {
  table: TableName
  key: string
  value?: Uint8Array
}

/** Keys of one table from `start` on and below `end` */
export interface KeyRange {
  start: string
  end: string
}

/** Abilities of LevelDB on disk that other databases lack */
interface Compactable {
  compactRange: (start: string, end: string) => Promise<void>
  approximateSize: (start: string, end: string) => Promise<number>
}

export interface DatabaseInit {
  location: string
  /** Nothing will be written: where the disk refuses to be, a copy is read. @default false */
  readOnly?: boolean | undefined
  createDatabase?: ((location: string) => StoreDatabase) | undefined
}

function createTables (root: StoreDatabase) {
  return new Map(TABLES.map((name) => [name, root.sublevel<string, Uint8Array>(name, ENCODINGS)]))
}

function isCompactable (root: StoreDatabase): root is StoreDatabase & Compactable {
  return root.supports.additionalMethods['compactRange'] === true && root.supports.additionalMethods['approximateSize'] === true
}

/** An open database. One caller at a time: the store queues its calls */
export class Database {
  readonly location: string
  private readonly root: StoreDatabase
  private readonly tables: ReturnType<typeof createTables>
  private readonly isHeld: boolean
  private readonly removeCopy: (() => Promise<void>) | undefined

  /** `isHeld`: this process has left its name in the folder. `removeCopy`: once closed, where it is a copy */
  constructor (root: StoreDatabase, location: string, { isHeld, removeCopy }: { isHeld: boolean, removeCopy?: (() => Promise<void>) | undefined }) {
    this.location = location
    this.root = root
    this.tables = createTables(root)
    this.isHeld = isHeld
    this.removeCopy = removeCopy
  }

  private table (name: TableName) {
    return this.tables.get(name)!
  }

  /** Absence is `undefined`. Throws StoreCorruptError */
  async get (table: TableName, key: string): Promise<Uint8Array | undefined> {
    return this.reading(async () => this.table(table).get(key))
  }

  async getMany (table: TableName, keys: string[]): Promise<Array<Uint8Array | undefined>> {
    return this.reading(async () => this.table(table).getMany(keys))
  }

  /** All keys, ascending */
  async keys (table: TableName): Promise<string[]> {
    return this.reading(async () => this.table(table).keys().all())
  }

  /** Ascending, or the last `limit` in descending order */
  async entries (table: TableName, options: { reverse?: boolean, limit?: number } = {}): Promise<Array<[string, Uint8Array]>> {
    return this.reading(async () => this.table(table).iterator(options).all())
  }

  /**
   * All operations or none. With `sync` they survive a power cut, without it a killed process only.
   * Throws StoreWriteError; the database must then be opened anew, because LevelDB goes on writing behind the torn
   * end of its log, where the next recovery would not find it
   */
  async write (operations: readonly Operation[], { sync = false }: { sync?: boolean } = {}): Promise<void> {
    try {
      // `sync` is an option of LevelDB on disk, unknown to the types of the abstract database
      await this.root.batch(operations.map(({ table, key, value }) => value === undefined
        ? { type: 'del' as const, key, sublevel: this.table(table) }
        : { type: 'put' as const, key, value, sublevel: this.table(table) }), { ...ENCODINGS, sync } as object)
    } catch (err) {
      throw writeError(this.location, err)
    }
  }

  /** Bytes on disk of these keys, deleted ones that LevelDB has not yet dropped included; 0 where it cannot be known */
  async bytesIn (table: TableName, { start, end }: KeyRange): Promise<number> {
    const { root } = this
    const { prefix } = this.table(table)
    return isCompactable(root) ? this.reading(async () => root.approximateSize(prefix + start, prefix + end)) : 0
  }

  /** Drops deleted values of these keys from the disk; reads and writes go on meanwhile */
  async compact (table: TableName, { start, end }: KeyRange): Promise<void> {
    const { root } = this
    const { prefix } = this.table(table)
    if (isCompactable(root)) {
      await root.compactRange(prefix + start, prefix + end)
    }
  }

  async close (): Promise<void> {
    if (this.isHeld) {
      await removeHolder(this.location)
    }
    await this.root.close()
    await this.removeCopy?.()
  }

  /** Stamps a new database; refuses one of another format */
  async checkFormat (): Promise<void> {
    const stamp = await this.reading(async () => this.root.get(FORMAT_KEY, ENCODINGS))
    if (stamp === undefined) {
      await this.stampNew()
      return
    }
    const found = new TextDecoder().decode(stamp.subarray(0, 32))
    if (found !== String(STORE_FORMAT)) {
      throw new StoreFormatError(`the store in ${this.location} has format ${JSON.stringify(found)}, this version of Grapevine supports format ${STORE_FORMAT}: ` +
        'open it with the version that wrote it, or use another home')
    }
  }

  private async stampNew (): Promise<void> {
    const [foreign] = await this.reading(async () => this.root.keys({ keyEncoding: 'utf8', limit: 1 }).all())
    if (foreign !== undefined) {
      throw new StoreFormatError(`the database in ${this.location} has no format number, this version of Grapevine supports format ${STORE_FORMAT}: ` +
        'it belongs to another program; use another home')
    }
    try {
      await this.root.put(FORMAT_KEY, new TextEncoder().encode(String(STORE_FORMAT)), { ...ENCODINGS, sync: true } as object)
    } catch (err) {
      throw writeError(this.location, err)
    }
  }

  private async reading<T> (operation: () => Promise<T>): Promise<T> {
    try {
      return await operation()
    } catch (err) {
      throw readError(this.location, err)
    }
  }
}

/** LevelDB would take a folder that lost its CURRENT file for a new one, and delete the tables in it */
async function refuseHeadless (location: string): Promise<void> {
  let orphan: string | undefined
  try {
    orphan = await findOrphan(location)
  } catch (err) {
    throw openError(location, err)
  }
  if (orphan !== undefined) {
    throw corruptError(location, `it holds ${orphan}, but the file CURRENT is missing`)
  }
}

async function openRoot (root: StoreDatabase, location: string): Promise<void> {
  try {
    await root.open()
  } catch (err) {
    throw isLocked(err) ? lockedError(location, await readHolder(location), err) : openError(location, err)
  }
}

async function openInPlace (init: DatabaseInit): Promise<Database> {
  const { location } = init
  const onDisk = init.createDatabase === undefined
  const root = (init.createDatabase ?? createOnDisk)(location)
  await openRoot(root, location)
  const database = new Database(root, location, { isHeld: onDisk })
  try {
    await database.checkFormat()
    if (onDisk) {
      await writeHolder(location)
    }
  } catch (err) {
    await root.close()
    throw err instanceof StoreFormatError || err instanceof StoreCorruptError ? err : openError(location, err)
  }
  return database
}

/** Throws HomeLockedError where a living process has left its name: what it writes meanwhile would be torn in a copy */
async function openFromCopy (location: string, refusal: unknown): Promise<Database> {
  const holder = await readHolder(location)
  if (holder !== undefined) {
    throw lockedError(location, holder, refusal)
  }
  try {
    const { value: root, remove } = await openCopy(location, async (copy) => {
      const root = createOnDisk(copy)
      await openRoot(root, location)
      return root
    })
    const database = new Database(root, location, { isHeld: false, removeCopy: remove })
    try {
      await database.checkFormat()
    } catch (err) {
      await database.close()
      throw err
    }
    return database
  } catch (err) {
    throw isWriteRefusal(err) && !(err instanceof StoreCorruptError) ? copyError(location, err) : err
  }
}

/** Throws HomeLockedError, StoreFormatError, StoreCorruptError, StoreWriteError; nothing stays open then */
export async function openDatabase (init: DatabaseInit): Promise<Database> {
  const { location, readOnly = false } = init
  if (init.createDatabase === undefined) {
    await refuseHeadless(location)
  }
  try {
    return await openInPlace(init)
  } catch (err) {
    if (!readOnly || !(err instanceof StoreWriteError) || !isWriteRefusal(err)) {
      throw err
    }
    return await openFromCopy(location, err)
  }
}

/**
 * The LevelDB behind one ledger: entries, the summary's rows, the head
 *
 * Every write is one synced batch: all of it or nothing, and on disk when it returns. No method deletes. Every failure
 * leaves here as an error of errors.ts.
 */
import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { platform } from 'node:process'
import { StoreClosedError } from '../errors.ts'
import { readHolder, removeHolder, writeHolder } from '../store/holder.ts'
import { createOnDisk, ENCODINGS, findOrphan } from '../store/level-folder.ts'
import { isWriteRefusal, openCopy } from '../store/reading-copy.ts'
import { isLocked } from '../store/store-error.ts'
import { corruptError, lockedError, readError, writeError } from './ledger-error.ts'
import { SUMMARY_KEYS } from './summary.ts'
import type { LevelDatabase } from '../store/level-folder.ts'
import type { SummaryRow } from './summary.ts'

const HEAD_KEY = 'head'
const ENTRY_KEY = /^entry\/(\d{16})$/
const ENTRY_KEYS = { gte: 'entry/', lt: 'entry0' } as const

export interface LedgerDatabaseInit {
  location: string
  createDatabase?: ((location: string) => LevelDatabase) | undefined
  /** Make what is missing. @default true */
  create?: boolean
  /** Nothing will be written: where the disk refuses to be, a copy is read. @default false */
  readOnly?: boolean | undefined
}

/** An entry's bytes and the index in its key: NaN when the key is none of an entry */
export interface StoredEntry {
  index: number
  bytes: Uint8Array
}

export interface LedgerWrite {
  entry?: StoredEntry
  rows: readonly SummaryRow[]
  head: Uint8Array
}

function entryKey (index: number): string {
  return `entry/${String(index).padStart(16, '0')}`
}

function indexOf (key: string): number {
  return Number(ENTRY_KEY.exec(key)?.[1])
}

export class LedgerDatabase {
  readonly location: string
  private readonly root: LevelDatabase
  private readonly isHeld: boolean
  private readonly removeCopy: (() => Promise<void>) | undefined

  /** `isHeld`: this process has left its name in the folder. `removeCopy`: once closed, where it is a copy */
  constructor (root: LevelDatabase, location: string, { isHeld, removeCopy }: { isHeld: boolean, removeCopy?: (() => Promise<void>) | undefined }) {
    this.root = root
    this.location = location
    this.isHeld = isHeld
    this.removeCopy = removeCopy
  }

  async head (): Promise<Uint8Array | undefined> {
    return this.reading(async () => this.root.get(HEAD_KEY, ENCODINGS))
  }

  async entry (index: number): Promise<Uint8Array | undefined> {
    return this.reading(async () => this.root.get(entryKey(index), ENCODINGS))
  }

  /** Index in the last key of an entry; -1 when there is none, NaN when that key is damaged */
  async lastIndex (): Promise<number> {
    const [key] = await this.reading(async () => this.root.keys({ ...ENTRY_KEYS, keyEncoding: 'utf8', reverse: true, limit: 1 }).all())
    return key === undefined ? -1 : indexOf(key)
  }

  /**
   * From index `from` on, ascending, as they are now: what is written later is not seen. A few are in memory at a time
   */
  async * entries (from = 0): AsyncGenerator<StoredEntry, void, undefined> {
    for await (const [key, bytes] of this.range({ ...ENTRY_KEYS, gte: from === 0 ? ENTRY_KEYS.gte : entryKey(from) })) {
      yield { index: indexOf(key), bytes }
    }
  }

  async * summaryRows (): AsyncGenerator<SummaryRow, void, undefined> {
    for await (const [key, value] of this.range(SUMMARY_KEYS)) {
      yield { key, value }
    }
  }

  /** True when nothing was ever written */
  async isEmpty (): Promise<boolean> {
    const keys = await this.reading(async () => this.root.keys({ keyEncoding: 'utf8', limit: 1 }).all())
    return keys.length === 0
  }

  /**
   * Returns when it would survive a power cut. Throws LedgerWriteError; the database must then be opened anew, because
   * LevelDB goes on writing behind the torn end of its log, where the next recovery would not find it
   */
  async write ({ entry, rows, head }: LedgerWrite): Promise<void> {
    const puts = [
      ...(entry === undefined ? [] : [{ key: entryKey(entry.index), value: entry.bytes }]),
      ...rows,
      { key: HEAD_KEY, value: head }
    ]
    try {
      // `sync` is an option of LevelDB on disk, unknown to the types of the abstract database
      await this.root.batch(puts.map((put) => ({ type: 'put' as const, ...put })), { ...ENCODINGS, sync: true } as object)
    } catch (err) {
      throw writeError(this.location, err)
    }
  }

  async close (): Promise<void> {
    if (this.isHeld) {
      await removeHolder(this.location)
    }
    await this.root.close()
    await this.removeCopy?.()
  }

  private async * range (keys: { gte: string, lt: string }): AsyncGenerator<[string, Uint8Array], void, undefined> {
    const iterator = this.root.iterator({ ...keys, ...ENCODINGS })
    try {
      for await (const pair of iterator) {
        yield pair
      }
    } catch (err) {
      throw this.root.status === 'open' ? readError(this.location, err) : new StoreClosedError(`the privacy ledger in ${this.location} was closed while it was read`, { cause: err })
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

/** A new folder that a power cut may take away again would take the ledger with it */
async function syncFolder (folder: string): Promise<void> {
  if (platform === 'win32') {
    // a folder cannot be opened there, and its entries are written with the file
    return
  }
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Folders that are made here are for this user only */
async function makeFolder (location: string): Promise<void> {
  const first = await mkdir(location, { recursive: true, mode: 0o700 })
  if (first === undefined) {
    return
  }
  const above = dirname(resolve(first))
  for (let folder = resolve(location); folder !== above; folder = dirname(folder)) {
    await syncFolder(dirname(folder))
  }
}

async function prepareFolder (location: string, create: boolean): Promise<void> {
  let orphan: string | undefined
  try {
    if (create) {
      await makeFolder(location)
    }
    orphan = await findOrphan(location)
  } catch (err) {
    throw readError(location, err)
  }
  if (orphan !== undefined) {
    throw corruptError(location, `it holds ${orphan}, but the file CURRENT is missing`)
  }
}

/** Undefined where the disk refuses to be written to, and a copy may be read instead */
async function openInPlace ({ location, create = true, createDatabase, readOnly = false }: LedgerDatabaseInit): Promise<LedgerDatabase | undefined> {
  const onDisk = createDatabase === undefined
  const root = (createDatabase ?? createOnDisk)(location)
  try {
    await root.open({ createIfMissing: create })
    if (onDisk) {
      await writeHolder(location)
    }
  } catch (err) {
    if (isLocked(err)) {
      throw lockedError(location, await readHolder(location), err)
    }
    await root.close()
    if (readOnly && isWriteRefusal(err)) {
      return undefined
    }
    throw readError(location, err)
  }
  return new LedgerDatabase(root, location, { isHeld: onDisk })
}

/**
 * Throws LedgerLockedError where a living process has left its name: what it writes meanwhile would be torn in a copy
 */
async function openFromCopy (location: string): Promise<LedgerDatabase> {
  const holder = await readHolder(location)
  if (holder !== undefined) {
    throw lockedError(location, holder, undefined)
  }
  try {
    const { value: root, remove } = await openCopy(location, async (copy) => {
      const root = createOnDisk(copy)
      await root.open({ createIfMissing: false })
      return root
    })
    return new LedgerDatabase(root, location, { isHeld: false, removeCopy: remove })
  } catch (err) {
    throw readError(location, err)
  }
}

/** Throws LedgerLockedError, LedgerCorruptError, LedgerWriteError; nothing stays open then */
export async function openLedgerDatabase (init: LedgerDatabaseInit): Promise<LedgerDatabase> {
  const { location, create = true, readOnly = false } = init
  if (init.createDatabase === undefined) {
    await prepareFolder(location, create && !readOnly)
  }
  return await openInPlace(init) ?? await openFromCopy(location)
}

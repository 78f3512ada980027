/**
 * What an open ledger knows without its entries: the head and the sums, checked against what is stored
 */
import { StoreFormatError } from '../errors.ts'
import { decodeEntry, genesis } from './entry.ts'
import { decodeHead, encodeHead, LEDGER_FORMAT } from './head-record.ts'
import { corruptError } from './ledger-error.ts'
import { Summary } from './summary.ts'
import type { LedgerHead } from './entry.ts'
import type { HeadRecord } from './head-record.ts'
import type { LedgerDatabase } from './ledger-database.ts'

export interface LedgerState {
  head: LedgerHead
  summary: Summary
}

async function create (database: LedgerDatabase, fingerprint: string): Promise<LedgerState> {
  if (!await database.isEmpty()) {
    throw corruptError(database.location, `${await whichEntry(database)} has no head record`)
  }
  const state = { head: genesis(fingerprint), summary: await Summary.load([]) }
  await database.write({ rows: [], head: encodeHead({ fingerprint, ...state.head, summaryDigest: state.summary.digest }) })
  return state
}

async function whichEntry (database: LedgerDatabase): Promise<string> {
  const last = await database.lastIndex()
  return last < 0 ? 'a ledger without entries' : `entry ${last}, the last,`
}

function readHead (database: LedgerDatabase, bytes: Uint8Array, last: string): HeadRecord {
  const head = decodeHead(bytes)
  if (head === undefined) {
    throw corruptError(database.location, `the head record of ${last} was changed`)
  }
  if ('format' in head) {
    throw new StoreFormatError(`the privacy ledger in ${database.location} has format ${head.format}, this version of Grapevine supports format ${LEDGER_FORMAT}: open it with the version that wrote it`)
  }
  return head
}

async function checkTail (database: LedgerDatabase, { index, hash, fingerprint }: HeadRecord): Promise<void> {
  const last = await database.lastIndex()
  if (last !== index) {
    throw corruptError(database.location, Number.isNaN(last)
      ? `behind entry ${index}, the last, is a key that is none of an entry`
      : last < index ? `entry ${index}, the last, is missing` : `entry ${index + 1} lies behind the last, which is entry ${index}`)
  }
  const bytes = index < 0 ? undefined : await database.entry(index)
  const found = bytes === undefined ? genesis(fingerprint) : decodeEntry(bytes)
  if (found?.hash !== hash || found.index !== index) {
    throw corruptError(database.location, `entry ${index}, the last, was changed`)
  }
}

/**
 * Reads the head, the last entry and the sums, not the other entries; a new database gets its first head
 *
 * Throws LedgerCorruptError when they do not fit each other or belong to another dataset, StoreFormatError,
 * LedgerWriteError
 */
export async function loadState (database: LedgerDatabase, fingerprint: string): Promise<LedgerState> {
  const bytes = await database.head()
  if (bytes === undefined) {
    return create(database, fingerprint)
  }
  const head = readHead(database, bytes, await whichEntry(database))
  if (head.fingerprint !== fingerprint) {
    throw corruptError(database.location, `it is the ledger of another dataset, ${head.fingerprint}, up to entry ${head.index}`)
  }
  await checkTail(database, head)
  const summary = await Summary.load(database.summaryRows())
  if (summary.digest !== head.summaryDigest) {
    throw corruptError(database.location, `the sums stored with entry ${head.index}, the last, were changed`)
  }
  return { head: { index: head.index, hash: head.hash }, summary }
}

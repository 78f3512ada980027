/**
 * A walk along the whole chain: every entry's bytes, its link to the one before, the head and the summary at its end
 *
 * It finds any change that does not recompute every hash after it. It cannot find a chain that was rewritten as a
 * whole, or set back to an earlier state: for that, compare with a head that was noted elsewhere (`Ledger.contains`).
 */
import { LedgerCorruptError } from '../errors.ts'
import { decodeEntry, genesis } from './entry.ts'
import { decodeHead } from './head-record.ts'
import { Summary } from './summary.ts'
import type { LedgerHead } from './entry.ts'
import type { HeadRecord } from './head-record.ts'
import type { LedgerDatabase, StoredEntry } from './ledger-database.ts'

export interface LedgerVerification {
  /** Entries that the ledger holds, those after a bad one included */
  entries: number
  /** The first place where it is not what was written, and why; absent when all is well */
  firstBad?: { index: number, problem: string }
}

type Bad = NonNullable<LedgerVerification['firstBad']>

/** What the entries walked so far lead to */
class Chain {
  readonly summary: Summary
  last: LedgerHead
  bad: Bad | undefined

  constructor (summary: Summary, start: LedgerHead) {
    this.summary = summary
    this.last = start
  }

  add ({ index, bytes }: StoredEntry): void {
    if (this.bad === undefined) {
      const problem = this.take(index, bytes)
      this.bad = problem === undefined ? undefined : { index: this.last.index + 1, problem }
    }
  }

  /** The problem; without one, the entry becomes the last */
  private take (index: number, bytes: Uint8Array): string | undefined {
    const expected = this.last.index + 1
    if (index !== expected) {
      return Number.isNaN(index) ? 'a key that is none of an entry' : `missing: entry ${index} is the next one`
    }
    const entry = decodeEntry(bytes)
    if (entry === undefined) {
      return 'not readable'
    }
    if (entry.index !== expected) {
      return `holds entry ${entry.index}`
    }
    if (entry.previousHash !== this.last.hash) {
      return index === 0 ? 'does not begin the ledger of this dataset' : `does not follow entry ${index - 1}: one of the two was changed`
    }
    const change = this.summary.change(entry)
    change.apply()
    this.last = { index, hash: entry.hash }
    return undefined
  }
}

function headProblem (head: HeadRecord, last: LedgerHead): Bad | undefined {
  if (head.index > last.index) {
    return { index: last.index + 1, problem: `missing: the head is entry ${head.index}` }
  }
  if (head.index < last.index) {
    return { index: head.index + 1, problem: `behind the head, which is entry ${head.index}` }
  }
  return head.hash === last.hash ? undefined : { index: Math.max(0, last.index), problem: 'has another hash than the head' }
}

/** What the stored head and summary say otherwise than the chain */
async function endProblem (database: LedgerDatabase, { last, summary }: Chain, fingerprint: string): Promise<Bad | undefined> {
  const bytes = await database.head()
  if (bytes === undefined && await database.isEmpty()) {
    return undefined
  }
  const head = bytes === undefined ? undefined : decodeHead(bytes)
  if (head === undefined || 'format' in head || head.fingerprint !== fingerprint) {
    return { index: Math.max(0, last.index), problem: 'the head record is missing, changed, or of another dataset' }
  }
  const problem = headProblem(head, last)
  if (problem !== undefined) {
    return problem
  }
  const stored = await Summary.load(database.summaryRows())
  return stored.digest === summary.digest && head.summaryDigest === summary.digest
    ? undefined
    : { index: Math.max(0, last.index), problem: 'the sums stored with it are not those of the entries' }
}

/** Nothing is changed. Memory does not grow with the number of entries. Throws LedgerWriteError when the disk fails */
export async function verifyChain (database: LedgerDatabase, fingerprint: string): Promise<LedgerVerification> {
  const chain = new Chain(await Summary.load([]), genesis(fingerprint))
  let entries = 0
  try {
    for await (const stored of database.entries()) {
      entries++
      chain.add(stored)
    }
    chain.bad ??= await endProblem(database, chain, fingerprint)
  } catch (err) {
    if (!(err instanceof LedgerCorruptError)) {
      throw err
    }
    chain.bad ??= { index: chain.last.index + 1, problem: err.message }
  }
  return chain.bad === undefined ? { entries } : { entries, firstBad: chain.bad }
}

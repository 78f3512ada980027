/**
 * The privacy ledger of one dataset: what was ever taken from its budget, by any run, in any federation
 *
 * The rule is that of slashing protection: the charge is on disk before the training that it pays for begins, and thus
 * before anything computed from the data leaves. A crash in between counts a round that told nobody anything; it never
 * forgets one that did. The ledger belongs to the dataset, not to a home: a new home on the same data meets the same
 * ledger, and LevelDB's lock keeps two nodes from training on the same data at once. Nothing deletes or rewrites
 * entries.
 *
 * A ledger that was set back to an earlier state as a whole, by restoring an old copy, cannot tell: note its `head()`
 * elsewhere and ask `contains` after opening.
 */
import { join } from 'node:path'
import { LedgerCorruptError, LedgerWriteError, StoreClosedError } from '../errors.ts'
import { checkedAssumption, checkedCharge, checkedNote, checkedStatistic, decodeEntry, encodeEntry, genesis, sha256 } from './entry.ts'
import { encodeHead } from './head-record.ts'
import { openLedgerDatabase } from './ledger-database.ts'
import { corruptError } from './ledger-error.ts'
import { loadState } from './open-state.ts'
import { keepIdentity } from './sketch-file.ts'
import { verifyChain } from './verify.ts'
import type { Clock } from '../interface.ts'
import type { LevelDatabase } from '../store/level-folder.ts'
import type { EntryContent, LedgerAssumption, LedgerCharge, LedgerEntry, LedgerHead, LedgerNote, LedgerStatistic } from './entry.ts'
import type { LedgerDatabase } from './ledger-database.ts'
import type { LedgerState } from './open-state.ts'
import type { KeptIdentity } from './sketch-file.ts'
import type { LastRound, LedgerTotal } from './summary.ts'
import type { LedgerVerification } from './verify.ts'

const FINGERPRINT = /^[0-9a-f]{64}$/

export interface LedgerInit {
  /** Folder of all ledgers of this user; made, for this user only, when it is missing */
  root: string
  /** sha-256 of the training set, hex: see fingerprint.ts */
  fingerprint: string
  /** What `similarLedgers` finds it by, kept beside it when it is opened. Without it, it cannot be found */
  identity?: KeptIdentity
  clock: Pick<Clock, 'now'>
  /** Make the ledger when there is none; otherwise that is LedgerCorruptError. @default true */
  create?: boolean
  /** Nothing will be charged: a ledger on a full or read-only disk can be read then. @default false */
  readOnly?: boolean
  /**
   * Another database than LevelDB on disk. Must keep its content when it is closed and this is called again
   *
   * @default LevelDB in `root`/`fingerprint`
   */
  createDatabase?: (location: string) => LevelDatabase
}

/**
 * Calls are queued and run one after the other. All but open() and close() need an open ledger, else StoreClosedError
 */
export interface Ledger {
  /** Throws LedgerLockedError, LedgerCorruptError, StoreFormatError, LedgerWriteError */
  open: () => Promise<void>
  close: () => Promise<void>
  /**
   * Returns when the charge would survive a power cut. Call it BEFORE the training that it pays for, with the steps
   * that the round will take
   *
   * Throws RangeError; LedgerWriteError, after which nothing may be trained, and the charge may be on disk or not
   */
  reserve: (charge: LedgerCharge) => Promise<LedgerEntry>
  /** The same for noisy figures: call it BEFORE they are computed. Throws as `reserve` does */
  reserveStatistic: (statistic: LedgerStatistic) => Promise<LedgerEntry>
  /** Records what the guarantee rests on, as durable as a charge. Throws as `reserve` does */
  assume: (assumption: LedgerAssumption) => Promise<LedgerEntry>
  /** Records a fact without cost, as durable as a charge. Throws as `reserve` does */
  note: (note: LedgerNote) => Promise<LedgerEntry>
  /**
   * From index `from` on, ascending, as they are when the iteration begins; a few are in memory at a time. Throws
   * LedgerCorruptError at an entry that is not readable
   */
  entries: (options?: { from?: number }) => AsyncIterable<LedgerEntry>
  /** What all charges add up to: one total for each distinct mechanism, in order of first appearance */
  totals: () => LedgerTotal[]
  /** The highest round that was ever reserved for this peer; undefined when none was */
  lastRound: (federation: string, peer: string) => number | undefined
  /** The same for every peer that ever reserved one, in order of first appearance */
  rounds: () => LastRound[]
  /** The last entry's; index -1 when there is none */
  head: () => LedgerHead
  /** Whether the chain holds this hash at this index: false when the ledger is not a continuation of that head */
  contains: (head: LedgerHead) => Promise<boolean>
  /** Walks the whole chain */
  verify: () => Promise<LedgerVerification>
  /**
   * Throws LedgerCorruptError when the chain is damaged anywhere: opening compares the last entry only; damage further
   * back shows when the whole chain is walked, some 80 us an entry
   */
  requireWhole: () => Promise<void>
}

/** What can be read of an open ledger */
export type LedgerReader = Pick<Ledger, 'entries' | 'totals' | 'lastRound' | 'head' | 'verify'>

interface OpenLedger extends LedgerState {
  database: LedgerDatabase
}

function locationOf ({ root, fingerprint }: Pick<LedgerInit, 'root' | 'fingerprint'>): string {
  if (!FINGERPRINT.test(fingerprint)) {
    throw new RangeError('fingerprint must be 64 hexadecimal digits in lower case')
  }
  return join(root, fingerprint)
}

class LevelLedger implements Ledger {
  private readonly init: LedgerInit
  private readonly location: string
  private queue: Promise<unknown> = Promise.resolve()
  /** Between open() and close() */
  private wanted = false
  private opened: OpenLedger | undefined

  constructor (init: LedgerInit) {
    this.init = init
    this.location = locationOf(init)
  }

  async open (): Promise<void> {
    return this.enqueue(async () => {
      this.opened ??= await this.openParts()
      this.wanted = true
    })
  }

  async close (): Promise<void> {
    return this.enqueue(async () => {
      this.wanted = false
      await this.closeParts()
    })
  }

  async reserve (charge: LedgerCharge): Promise<LedgerEntry> {
    const fields = checkedCharge(charge)
    return this.run(async (opened) => this.append(opened, (link) => ({ ...fields, ...link, kind: 'reserve' })))
  }

  async reserveStatistic (statistic: LedgerStatistic): Promise<LedgerEntry> {
    const fields = checkedStatistic(statistic)
    return this.run(async (opened) => this.append(opened, (link) => ({ ...fields, ...link, kind: 'statistic' })))
  }

  async assume (assumption: LedgerAssumption): Promise<LedgerEntry> {
    const fields = checkedAssumption(assumption)
    return this.run(async (opened) => this.append(opened, (link) => ({ ...fields, ...link, kind: 'assumption' })))
  }

  async note (note: LedgerNote): Promise<LedgerEntry> {
    const fields = checkedNote(note)
    return this.run(async (opened) => this.append(opened, (link) => ({ ...fields, ...link, kind: 'note' })))
  }

  async * entries ({ from = 0 }: { from?: number } = {}): AsyncGenerator<LedgerEntry, void, undefined> {
    if (!Number.isSafeInteger(from) || from < 0) {
      throw new RangeError(`from must be an integer of at least 0, not ${from}`)
    }
    for await (const { index, bytes } of this.required().database.entries(from)) {
      const entry = decodeEntry(bytes)
      if (entry?.index !== index) {
        throw corruptError(this.location, `entry ${index} is not readable`)
      }
      yield entry
    }
  }

  totals (): LedgerTotal[] {
    return this.required().summary.totals()
  }

  lastRound (federation: string, peer: string): number | undefined {
    return this.required().summary.lastRound(federation, peer)
  }

  rounds (): LastRound[] {
    return this.required().summary.rounds()
  }

  head (): LedgerHead {
    return { ...this.required().head }
  }

  async contains ({ index, hash }: LedgerHead): Promise<boolean> {
    return this.run(async ({ database }) => {
      if (index === -1) {
        return hash === genesis(this.init.fingerprint).hash
      }
      const bytes = await database.entry(index)
      return bytes !== undefined && sha256(bytes) === hash
    })
  }

  async verify (): Promise<LedgerVerification> {
    return this.run(async ({ database }) => verifyChain(database, this.init.fingerprint))
  }

  async requireWhole (): Promise<void> {
    const { firstBad } = await this.verify()
    if (firstBad !== undefined) {
      throw new LedgerCorruptError(`the privacy ledger in ${locationOf(this.init)} is damaged at entry ${firstBad.index}: ${firstBad.problem}. What was spent on these data is not known any more, so that nothing may train on them: bring an undamaged copy back; nothing was deleted`)
    }
  }

  /** The state in memory changes only when the entry is on disk */
  private async append (opened: OpenLedger, contentOf: (link: Pick<EntryContent, 'index' | 'previousHash' | 'time'>) => EntryContent): Promise<LedgerEntry> {
    const { database, summary, head } = opened
    const index = head.index + 1
    const content = contentOf({ index, previousHash: head.hash, time: this.init.clock.now() })
    const bytes = encodeEntry(content)
    const hash = sha256(bytes)
    const change = summary.change(content)
    await database.write({
      entry: { index, bytes },
      rows: change.rows,
      head: encodeHead({ fingerprint: this.init.fingerprint, index, hash, summaryDigest: change.digest })
    })
    change.apply()
    opened.head = { index, hash }
    return { ...content, hash }
  }

  private async enqueue<T> (operation: () => Promise<T>): Promise<T> {
    const result = this.queue.then(operation)
    // the caller gets the failure; the next in the queue must not
    this.queue = result.catch(() => undefined)
    return result
  }

  private async run<T> (operation: (opened: OpenLedger) => Promise<T>): Promise<T> {
    return this.enqueue(async () => {
      if (!this.wanted) {
        throw this.closedError()
      }
      this.opened ??= await this.openParts()
      try {
        return await operation(this.opened)
      } catch (err) {
        if (err instanceof LedgerWriteError) {
          await this.reopen()
        }
        throw err
      }
    })
  }

  /** After a failed write only the disk knows whether the charge is on it, and the log may end in a torn record */
  private async reopen (): Promise<void> {
    await this.closeParts()
    try {
      this.opened = await this.openParts()
    } catch {
      // the failure to write is what the caller hears of; the next call tries again and reports
    }
  }

  private async openParts (): Promise<OpenLedger> {
    const { create = true, readOnly, createDatabase, fingerprint, identity, root } = this.init
    const database = await openLedgerDatabase({ location: this.location, createDatabase, create, readOnly })
    try {
      const state = await loadState(database, fingerprint)
      if (identity !== undefined) {
        await keepIdentity(root, { ...identity, fingerprint })
      }
      return { database, ...state }
    } catch (err) {
      await database.close()
      throw err
    }
  }

  private async closeParts (): Promise<void> {
    const { opened } = this
    this.opened = undefined
    await opened?.database.close()
  }

  private required (): OpenLedger {
    if (!this.wanted || this.opened === undefined) {
      throw this.closedError()
    }
    return this.opened
  }

  private closedError (): StoreClosedError {
    return new StoreClosedError(`the privacy ledger in ${this.location} is not open: call open() first`)
  }
}

/** The ledger of a dataset. Nothing is touched before open(). Throws RangeError when the fingerprint is none */
export function createLedger (init: LedgerInit): Ledger {
  return new LevelLedger(init)
}

/**
 * Walks the chain of a ledger that is not open, also of one that open() refuses
 *
 * Throws LedgerLockedError, LedgerWriteError; LedgerCorruptError when LevelDB cannot open the folder at all, or there
 * is none
 */
export async function verifyLedger (init: Pick<LedgerInit, 'root' | 'fingerprint' | 'createDatabase'>): Promise<LedgerVerification> {
  const database = await openLedgerDatabase({ location: locationOf(init), createDatabase: init.createDatabase, create: false, readOnly: true })
  try {
    return await verifyChain(database, init.fingerprint)
  } finally {
    await database.close()
  }
}

/**
 * Reads the privacy ledger of a home's dataset: through the running peer, which holds its lock, or from the disk
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlClient } from './control/control-client.ts'
import type { LedgerEntry } from '../src/ledger/entry.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import type { KnownHeads } from '../src/ledger/known-heads.ts'
import type { LedgerTotal } from '../src/ledger/summary.ts'
import type { LedgerVerification } from '../src/ledger/verify.ts'
import type { PublishedByHome } from '../src/ledger/open-budget.ts'

/** CURRENT, or what a database that lost it still has: that one is damaged, not absent */
const LEVEL_FILE = /^CURRENT$|\.(ldb|sst|log)$/

export interface LedgerPage {
  /** Entries that the ledger holds */
  count: number
  /** The newest of them, newest first */
  entries: LedgerEntry[]
}

export interface LedgerReader {
  /** With what the ledgers of overlapping datasets hold */
  totals: () => Promise<LedgerTotal[]>
  newest: (limit: number) => Promise<LedgerPage>
  verify: () => Promise<LedgerVerification>
}

export interface LedgerPlace {
  /** Folder of all ledgers of this user */
  root: string
  /** Of the dataset, hex */
  fingerprint: string
}

/** Throws what the ledger in the other process throws, and ControlError */
export function remoteLedger (client: ControlClient): LedgerReader {
  return {
    totals: async () => client.ledgerTotals(),
    newest: async (limit) => client.ledgerEntries({ limit }),
    verify: async () => client.verifyLedger()
  }
}

/**
 * Opens and closes the ledger for each question; `heads`: what the home knows. Throws LedgerLockedError,
 * LedgerCorruptError, LedgerWriteError, StoreFormatError
 */
export function storedLedger (place: LedgerPlace, heads: KnownHeads): LedgerReader {
  return {
    totals: async () => await exists(place) ? readLedger(place, async (ledger) => allTotals(ledger, place, heads)) : [],
    newest: async (limit) => await exists(place) ? readLedger(place, async (ledger) => newestEntries(ledger, limit)) : { count: 0, entries: [] },
    verify: async () => verifyStored(place)
  }
}

async function allTotals (ledger: Ledger, place: LedgerPlace, heads: KnownHeads): Promise<LedgerTotal[]> {
  const { inheritedLedgers, withInherited } = await import('../src/ledger/inherited.ts')
  return withInherited(ledger, await inheritedLedgers(place, heads, { readOnly: true })).totals()
}

/**
 * Also a ledger that open() refuses. That its database cannot be opened at all is told as what was found, not as a call
 * to look
 */
async function verifyStored (place: LedgerPlace): Promise<LedgerVerification> {
  const { verifyLedger } = await import('../src/ledger/ledger.ts')
  try {
    return await verifyLedger(place)
  } catch (err) {
    if ((err as Error).name !== 'LedgerCorruptError') {
      throw err
    }
    const { LedgerCorruptError } = await import('../src/errors.ts')
    throw new LedgerCorruptError(`what lies in ${join(place.root, place.fingerprint)} is no ledger that can be opened: its files are damaged, missing or not those of a ledger. What was spent on these data is not known any more: bring an undamaged copy back; nothing was deleted`, { cause: err })
  }
}

export interface Claim extends PublishedByHome {
  /** What the home knows of the ledgers that count for its data */
  heads: KnownHeads
}

/**
 * What `start` refuses in the ledgers of a peer that does not run, refused in its words: damage anywhere, an older
 * copy, none where the home published
 *
 * Throws LedgerCorruptError, LedgerRollbackError, and as `storedLedger`
 */
export async function requireSound (place: LedgerPlace, claim: Claim): Promise<void> {
  if (await exists(place)) {
    await readLedger(place, async (ledger) => {
      await ledger.requireWhole()
      await requireLedger(place, ledger, claim)
    })
  } else {
    const { genesis } = await import('../src/ledger/entry.ts')
    await requireLedger(place, { lastRound: () => undefined, contains: async () => false, head: () => genesis(place.fingerprint) }, claim)
  }
}

async function requireLedger (place: LedgerPlace, ledger: Pick<Ledger, 'lastRound' | 'head' | 'contains'>, { heads, ...claim }: Claim): Promise<void> {
  const { requireHomeCharged } = await import('../src/ledger/open-budget.ts')
  const { inheritedLedgers, lastRoundOf } = await import('../src/ledger/inherited.ts')
  const { findLacks, missingEntries, requireContinued } = await import('../src/ledger/known-heads.ts')
  const inherited = await inheritedLedgers(place, heads, { readOnly: true })
  const lacks = await findLacks(heads, { ...place, ledger, inherited })
  requireHomeCharged({ lastRound: lastRoundOf([ledger, ...inherited]) }, { ...claim, lacking: missingEntries(lacks) })
  requireContinued(lacks, { root: place.root, home: claim.home })
}

/** The same without a charge, also on a full or read-only disk */
async function readLedger<T> (place: LedgerPlace, use: (ledger: Ledger) => Promise<T>): Promise<T> {
  return withLedger(place, use, { readOnly: true })
}

/** Opens the ledger, for as long as `use` takes; makes it where there is none */
export async function withLedger<T> ({ root, fingerprint }: LedgerPlace, use: (ledger: Ledger) => Promise<T>, { readOnly = false } = {}): Promise<T> {
  const { createLedger } = await import('../src/ledger/ledger.ts')
  const { systemClock } = await import('../src/system-clock.ts')
  const ledger = createLedger({ root, fingerprint, clock: systemClock, readOnly })
  await ledger.open()
  try {
    return await use(ledger)
  } finally {
    await ledger.close()
  }
}

/** Also for the control endpoint, whose ledger is open */
export async function newestEntries (ledger: Pick<Ledger, 'head' | 'entries'>, limit: number): Promise<LedgerPage> {
  const count = ledger.head().index + 1
  const entries: LedgerEntry[] = []
  for await (const entry of ledger.entries({ from: Math.max(0, count - limit) })) {
    entries.push(entry)
  }
  return { count, entries: entries.reverse() }
}

/** Looking must not make a ledger, not even in a folder that is there but holds none */
export async function exists ({ root, fingerprint }: LedgerPlace): Promise<boolean> {
  try {
    return (await readdir(join(root, fingerprint))).some((name) => LEVEL_FILE.test(name))
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return false
    }
    const { readError } = await import('../src/ledger/ledger-error.ts')
    throw readError(join(root, fingerprint), err)
  }
}

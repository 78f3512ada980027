/**
 * Reads the privacy ledger of a home's dataset: through the running peer, which holds its lock, or from the disk
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlClient } from './control/control-client.ts'
import type { LedgerEntry } from '../src/privacy/ledger/entry.ts'
import type { Ledger } from '../src/privacy/ledger/ledger.ts'
import type { LedgerTotal } from '../src/privacy/ledger/summary.ts'
import type { LedgerVerification } from '../src/privacy/ledger/verify.ts'

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

/** Opens and closes the ledger for each question. Throws LedgerLockedError, LedgerCorruptError, LedgerWriteError, StoreFormatError */
export function storedLedger (place: LedgerPlace): LedgerReader {
  return {
    totals: async () => await exists(place) ? withLedger(place, async (ledger) => allTotals(ledger, place)) : [],
    newest: async (limit) => await exists(place) ? withLedger(place, async (ledger) => newestEntries(ledger, limit)) : { count: 0, entries: [] },
    verify: async () => {
      const { verifyLedger } = await import('../src/privacy/ledger/ledger.ts')
      return verifyLedger(place)
    }
  }
}

async function allTotals (ledger: Ledger, place: LedgerPlace): Promise<LedgerTotal[]> {
  const { inheritedLedgers, withInherited } = await import('../src/privacy/ledger/inherited.ts')
  return withInherited(ledger, await inheritedLedgers(place)).totals()
}

/** Opens the ledger, for as long as `use` takes; makes it where there is none */
export async function withLedger<T> ({ root, fingerprint }: LedgerPlace, use: (ledger: Ledger) => Promise<T>): Promise<T> {
  const { createLedger } = await import('../src/privacy/ledger/ledger.ts')
  const { systemClock } = await import('../src/system-clock.ts')
  const ledger = createLedger({ root, fingerprint, clock: systemClock })
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

/** Looking must not make a ledger */
async function exists ({ root, fingerprint }: LedgerPlace): Promise<boolean> {
  try {
    await access(join(root, fingerprint))
    return true
  } catch (err) {
    if (['ENOENT', 'ENOTDIR'].includes(String((err as NodeJS.ErrnoException).code))) {
      return false
    }
    throw err
  }
}

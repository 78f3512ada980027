/**
 * Ledgers of other datasets whose charges count for this one, because the two sets have examples in common
 *
 * An example that is in several sets was charged by each of them, so that all their charges together bound what it gave
 * away (adaptive composition). For an example that is in one of them only this is more than it gave away, never less.
 *
 * A node holds the lock of its own ledger only, and reads the others while it starts. That is enough: a later node on
 * an overlapping set finds the first one's ledger locked, and does not start.
 */
import { LedgerLockedError } from '../errors.ts'
import { newestHeld } from './known-head.ts'
import { createLedger } from './ledger.ts'
import { listLedgers, similarLedgers } from './similar-ledgers.ts'
import { readIdentity } from './sketch-file.ts'
import { trainedRounds } from './trained-rounds.ts'
import type { DatasetIdentity } from '../interface.ts'
import type { LedgerHead } from './entry.ts'
import type { KnownHead } from './known-head.ts'
import type { Ledger, LedgerReader } from './ledger.ts'
import type { SimilarLedger } from './similar-ledgers.ts'
import type { LedgerTotal } from './summary.ts'

/** As it was when it was read; `share` as in `overlap` */
export interface InheritedLedger extends SimilarLedger {
  totals: readonly LedgerTotal[]
  lastRound: Ledger['lastRound']
  /** The same without charges by hand */
  lastTrained: Ledger['lastRound']
  head: LedgerHead
  /**
   * Of what the caller knew of it: index of the newest head that it holds, -1 for none. Undefined when nothing was
   * known
   */
  held: number | undefined
}

interface LedgerPlace {
  /** Folder of all ledgers of this user */
  root: string
  /** Of the own dataset, hex */
  fingerprint: string
}

/** `98 %`, `1.4 %`; never more than is known */
export function formatShare (share: number): string {
  return `${share < 0.1 ? Math.floor(1000 * share) / 10 : Math.floor(100 * share)} %`
}

/**
 * Fingerprints and shares of the overlapping sets, by the sketches alone, and those that are `known` to have counted
 * for this set: they do so still when a sketch was lost, or the key of all sketches. No ledger is opened. Throws
 * LedgerCorruptError, LedgerWriteError
 */
export async function overlappingLedgers ({ root, fingerprint }: LedgerPlace, known: Readonly<Record<string, KnownHead>> = {}): Promise<SimilarLedger[]> {
  const own = await readIdentity(root, fingerprint)
  const similar = own === undefined ? [] : await similarLedgers(root, { ...own, fingerprint })
  const present = new Set(await listLedgers(root))
  const remembered = Object.entries(known).flatMap(([name, { counted }]) => {
    const isMissed = counted?.fingerprint === fingerprint && present.has(name) && similar.every((each) => each.fingerprint !== name)
    return isMissed ? [{ fingerprint: name, share: counted.share }] : []
  })
  return [...similar, ...remembered]
}

/**
 * Reads every ledger whose set overlaps with this one's, whole, the most similar first. `known`: heads by fingerprint,
 * to compare with. `readOnly`: from copies, where the disk cannot be written to
 *
 * Throws LedgerLockedError when a peer trains on one of them, LedgerCorruptError when one is damaged, StoreFormatError,
 * LedgerWriteError
 */
export async function inheritedLedgers (place: LedgerPlace, known: Readonly<Record<string, KnownHead>> = {}, { readOnly = false } = {}): Promise<InheritedLedger[]> {
  const inherited: InheritedLedger[] = []
  for (const similar of await overlappingLedgers(place, known)) {
    inherited.push(await readInherited(place.root, similar, { known: known[similar.fingerprint], readOnly }))
  }
  return inherited
}

/** The same for a set whose ledger may not be there yet, by its identity. Throws as `inheritedLedgers` */
export async function readOverlapping (root: string, identity: DatasetIdentity): Promise<InheritedLedger[]> {
  const inherited: InheritedLedger[] = []
  for (const similar of await similarLedgers(root, identity)) {
    inherited.push(await readInherited(root, similar, { known: undefined, readOnly: true }))
  }
  return inherited
}

async function readInherited (root: string, similar: SimilarLedger, { known, readOnly }: { known: KnownHead | undefined, readOnly: boolean }): Promise<InheritedLedger> {
  const ledger = createLedger({ root, fingerprint: similar.fingerprint, clock: { now: () => 0 }, create: false, readOnly })
  try {
    await ledger.open()
    await ledger.requireWhole()
    const rounds = ledger.rounds()
    return {
      ...similar,
      totals: ledger.totals(),
      head: ledger.head(),
      held: known === undefined ? undefined : await newestHeld(ledger, known),
      lastTrained: await trainedRounds(ledger),
      lastRound: (federation, peer) => rounds.find((row) => row.federation === federation && row.peer === peer)?.round
    }
  } catch (err) {
    throw err instanceof LedgerLockedError ? inUse(similar, err) : err
  } finally {
    await ledger.close()
  }
}

function inUse ({ fingerprint, share }: SimilarLedger, cause: LedgerLockedError): LedgerLockedError {
  return new LedgerLockedError(`these data and the set ${fingerprint.slice(0, 12)}… have ${formatShare(share)} of the smaller one's examples in common and share a budget, but ${cause.message}, or give this peer other data`, { cause })
}

/** The newest round that any of them charged */
export function lastRoundOf (ledgers: ReadonlyArray<Pick<Ledger, 'lastRound'>>): Ledger['lastRound'] {
  return (federation, peer) => {
    const rounds = ledgers.flatMap((each) => each.lastRound(federation, peer) ?? [])
    return rounds.length === 0 ? undefined : Math.max(...rounds)
  }
}

/** The ledger with the charges of the inherited ones; its entries and its head are its own */
export function withInherited (ledger: LedgerReader, inherited: readonly InheritedLedger[]): LedgerReader {
  return {
    entries: (options) => ledger.entries(options),
    totals: () => [...inherited.flatMap(({ totals }) => totals), ...ledger.totals()],
    lastRound: lastRoundOf([ledger, ...inherited]),
    head: () => ledger.head(),
    verify: async () => ledger.verify()
  }
}

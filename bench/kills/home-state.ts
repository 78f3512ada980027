/**
 * What lies in the home and the ledger of a dead victim, read with the product's own functions from a copy: recovery is
 * left to the peer
 */
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createAccountant } from '../../src/privacy/accounting/accountants.ts'
import { epsilonOf } from '../../src/privacy/budget.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { listLedgers } from '../../src/ledger/similar-ledgers.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import type { LostVersions, ModelVersion, Publication, Store } from '../../src/interface.ts'
import type { LedgerHead } from '../../src/ledger/entry.ts'

const KEEP_ALL = 1_000_000
/** Of the versions that are kept, so many of the newest have their parameters read, besides those that must be there */
const READ_PARAMETERS = 10

export interface HomeState {
  newest: ModelVersion | undefined
  newestMixed: ModelVersion | undefined
  /** Newest first */
  versions: ModelVersion[]
  /** Ids of versions whose parameters could not be read, with the reason */
  unreadable: string[]
  publication: Publication | undefined
  lost: LostVersions | undefined
}

export interface LedgerState {
  head: LedgerHead
  /** Rounds of the charges after the head that was known before, in order */
  charged: Array<{ round: number, peer: string }>
  /** The chain goes on from the head that was known before */
  continues: boolean
  /** Of all charges, by RDP */
  epsilon: number
  /** Index of the first damaged entry, where the whole chain was walked */
  firstBad: number | undefined
}

async function unreadableOf (store: Store, versions: readonly ModelVersion[]): Promise<string[]> {
  const unreadable: string[] = []
  for (const { id, round } of versions) {
    const problem = await store.parameters(id).then((parameters) => parameters === undefined ? 'missing' : undefined, (err: unknown) => String(err))
    if (problem !== undefined) {
      unreadable.push(`version ${id.slice(0, 12)} of round ${round}: ${problem}`)
    }
  }
  return unreadable
}

/**
 * Undefined for a home that was killed before it had a database. Throws what the store throws: nothing of it is
 * expected
 */
export async function readHome (home: string, scratch: string): Promise<HomeState | undefined> {
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch)
  try {
    await cp(join(home, 'db'), join(scratch, 'db'), { recursive: true })
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw err
  }
  await cp(join(home, 'db.newest'), join(scratch, 'db.newest')).catch(() => {})
  const store = createLevelStore({ location: join(scratch, 'db'), clock: systemClock, keepVersions: KEEP_ALL, keepMetrics: KEEP_ALL, readOnly: true })
  await store.open()
  try {
    const versions = await store.list()
    const newestMixed = await store.newestMixed()
    const mixed = newestMixed === undefined ? [] : [newestMixed]
    return {
      newest: await store.newest(),
      newestMixed,
      versions,
      unreadable: await unreadableOf(store, [...versions.slice(0, READ_PARAMETERS), ...mixed]),
      publication: await store.getPublication(),
      lost: await store.lost()
    }
  } finally {
    await store.close()
  }
}

export interface LedgerQuestion {
  known: LedgerHead | undefined
  /** Walks the whole chain */
  whole: boolean
  delta: number
}

/** Undefined where no ledger was made yet. Throws what the ledger throws: nothing of it is expected */
export async function readLedger (root: string, scratch: string, { known, whole, delta }: LedgerQuestion): Promise<LedgerState | undefined> {
  const [fingerprint] = await listLedgers(root)
  if (fingerprint === undefined) {
    return undefined
  }
  await rm(scratch, { recursive: true, force: true })
  await cp(root, scratch, { recursive: true })
  const ledger = createLedger({ root: scratch, fingerprint, clock: systemClock, create: false, readOnly: true })
  await ledger.open()
  try {
    const charged: LedgerState['charged'] = []
    for await (const entry of ledger.entries({ from: (known?.index ?? -1) + 1 })) {
      entry.kind === 'reserve' && charged.push({ round: entry.round, peer: entry.peer })
    }
    return {
      head: ledger.head(),
      charged,
      continues: known === undefined || await ledger.contains(known),
      epsilon: epsilonOf(createAccountant('rdp'), ledger.totals(), { scope: 'example', delta }),
      firstBad: whole ? (await ledger.verify()).firstBad?.index : undefined
    }
  } finally {
    await ledger.close()
  }
}

/**
 * From a dataset to its budget: finds its ledger and those of sets that overlap with it, and compares them with what was published
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LedgerRollbackError } from '../errors.ts'
import { learningRateOf } from '../model/learning-rate.ts'
import { createAccountants } from './accounting/accountants.ts'
import { PrivacyBudget } from './budget.ts'
import { inheritedLedgers, withInherited } from './ledger/inherited.ts'
import { createLedger } from './ledger/ledger.ts'
import { roundCharge } from './mechanism.ts'
import type { FederationDocument } from '../federation.ts'
import type { Clock, DatasetIdentity, PeerName } from '../interface.ts'
import type { KnownHeads } from './known-heads.ts'
import type { LedgerCharge, LedgerHead } from './ledger/entry.ts'
import type { InheritedLedger } from './ledger/inherited.ts'
import type { Ledger, LedgerReader } from './ledger/ledger.ts'

export interface OpenBudgetInit {
  document: FederationDocument
  /** CID of the document */
  federation: string
  peer: PeerName
  /** Examples of the training set */
  exampleCount: number
  dataset: DatasetIdentity
  /** Folder of all ledgers of this user */
  root: string
  clock: Pick<Clock, 'now'>
  limit?: number | undefined
  /** What the home knows of ledgers. @default nothing */
  known?: KnownHeads
  /** Called when a charge is durable, before anything is trained for it */
  onCharged?: (head: LedgerHead) => Promise<void>
}

export interface OpenBudget {
  budget: PrivacyBudget
  /** The dataset's own: what a round charges */
  ledger: Ledger
  /** The same with what stands in the inherited ones */
  reader: LedgerReader
  /** Ledgers of datasets that share examples with this one, as they were at the start: their charges count here, too */
  inherited: readonly InheritedLedger[]
}

/** One folder for each user and beside all homes: a new home on the same data meets the same ledger, and deleting a home leaves it */
export function defaultLedgerRoot (environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const state = environment['XDG_STATE_HOME']
  return join(state === undefined || state === '' ? join(homedir(), '.local', 'state') : state, 'grapevine-ledgers')
}

/**
 * Opens the ledger of a dataset and adds up those that overlap with it; undefined when the document asks for no privacy. The
 * caller closes the ledger
 *
 * Throws LedgerLockedError, LedgerCorruptError, LedgerWriteError, StoreFormatError
 */
export async function openBudget (init: OpenBudgetInit): Promise<OpenBudget | undefined> {
  const { document: { privacy }, federation, peer, dataset, root, clock, limit, onCharged } = init
  const charge = roundCharge(init.document, init.exampleCount)
  if (privacy.mechanism === 'none' || charge === undefined) {
    return undefined
  }
  const { fingerprint, ...identity } = dataset
  const ledger = createLedger({ root, fingerprint, identity, clock })
  await ledger.open()
  try {
    await ledger.requireWhole()
    // the own ledger is locked and can be found: of two peers that start at once, one sees the other
    const inherited = await inheritedLedgers({ root, fingerprint }, init.known)
    const reader = withInherited(ledger, inherited)
    const budget = new PrivacyBudget({
      settings: privacy,
      charge,
      ledger: { totals: () => reader.totals(), reserve: async (spent) => reserveAndTell(ledger, spent, onCharged) },
      accountants: createAccountants(),
      federation,
      peer,
      limit,
      isIdle: (round) => learningRateOf(init.document.training.optimizer, round) === 0
    })
    return { budget, ledger, reader, inherited }
  } catch (err) {
    await ledger.close()
    throw err
  }
}

/** In this order: the ledger may be ahead of who is told, never behind */
async function reserveAndTell (ledger: Ledger, charge: LedgerCharge, onCharged: OpenBudgetInit['onCharged']): Promise<void> {
  const { index, hash } = await ledger.reserve(charge)
  await onCharged?.({ index, hash })
}

/**
 * What was published must stand in the ledger: an older copy of it would let a budget be spent twice
 *
 * `published`: the newest round that this peer is known to have published, by its home or by its neighbours. Throws
 * LedgerRollbackError
 */
export function requireCharged (ledger: Pick<Ledger, 'lastRound'>, { federation, peer, published, source }: { federation: string, peer: PeerName, published: number | undefined, source: string }): void {
  const charged = ledger.lastRound(federation, peer) ?? 0
  if (published !== undefined && published > charged) {
    const missing = published - charged
    throw new LedgerRollbackError(`${source} an update of round ${published} by this peer, but the privacy ledger of its data ends at round ${charged}: it is an older copy, was deleted, or belongs to other data than this home had. Bring the newest ledger back, or charge what is missing: grapevine privacy ledger charge --rounds ${missing}`)
  }
}

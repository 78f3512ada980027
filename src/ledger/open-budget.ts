/**
 * From a dataset to its budget: finds its ledger and those of sets that overlap with it, and compares them with what
 * was published
 */
import { join } from 'node:path'
import { LedgerRollbackError } from '../errors.ts'
import { learningRateOf } from '../federation/learning-rate.ts'
import { createAccountants } from '../privacy/accounting/accountants.ts'
import { PrivacyBudget } from '../privacy/budget.ts'
import { roundCharge } from '../privacy/mechanism.ts'
import { stateFolder } from '../state-folder.ts'
import { inheritedLedgers, withInherited } from './inherited.ts'
import { createLedger } from './ledger.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Clock, DatasetIdentity, PeerName, Trace } from '../interface.ts'
import type { LedgerCharge, LedgerHead } from './entry.ts'
import type { InheritedLedger } from './inherited.ts'
import type { KnownHeads } from './known-heads.ts'
import type { Ledger, LedgerReader } from './ledger.ts'

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
  /** Says when a charge begins, and when it and `onCharged` are done. @default nothing */
  trace?: Trace | undefined
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

/**
 * One folder for each user and beside all homes: a new home on the same data meets the same ledger, and deleting a home
 * leaves it. Throws StateFolderError
 */
export function defaultLedgerRoot (environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(stateFolder(environment), 'grapevine-ledgers')
}

/**
 * Opens the ledger of a dataset and adds up those that overlap with it; undefined when the document asks for no
 * privacy. The caller closes the ledger
 *
 * Throws LedgerLockedError, LedgerCorruptError, LedgerWriteError, StoreFormatError
 */
export async function openBudget (init: OpenBudgetInit): Promise<OpenBudget | undefined> {
  const { document: { privacy }, federation, peer, dataset, root, clock, limit } = init
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
      ledger: { totals: () => reader.totals(), reserve: async (spent) => reserveAndTell(ledger, spent, init) },
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
async function reserveAndTell (ledger: Ledger, charge: LedgerCharge, { onCharged, trace }: Pick<OpenBudgetInit, 'onCharged' | 'trace'>): Promise<void> {
  trace?.('charging round %d', charge.round)
  const { index, hash } = await ledger.reserve(charge)
  await onCharged?.({ index, hash })
  trace?.('charged round %d, entry %d', charge.round, index)
}

/** Who published what, as far as is known */
export interface Published {
  /** CID of the document */
  federation: string
  peer: PeerName
  /** Of the peer: where its ledger can be charged */
  home: string
  /** Folder of the ledger */
  location: string
  /** The newest round that this peer is known to have published; undefined when none is known */
  published: number | undefined
  /** Who knows, to be followed by "an update": `this home published` */
  source: string
  /**
   * Charges that the ledgers are known to lack, see `missingEntries`: as many must be made, also where fewer rounds
   * were published. @default 0
   */
  lacking?: number
}

/**
 * What was published must stand in the ledger: an older copy of it would let a budget be spent twice. Throws
 * LedgerRollbackError
 */
export function requireCharged (ledger: Pick<Ledger, 'lastRound'>, { federation, peer, home, location, published, source, lacking = 0 }: Published): void {
  const charged = ledger.lastRound(federation, peer) ?? 0
  if (published !== undefined && published > charged) {
    const unpublished = lacking > published - charged ? `, and ${lacking} charges that this home knows of are missing` : ''
    const missing = Math.max(published - charged, lacking)
    throw new LedgerRollbackError(`${source} an update of round ${published} by this peer, but the privacy ledger of its data ends at round ${charged}${unpublished}: it is an older copy, was deleted, or belongs to other data than this home had. Bring the newest ledger back to ${location}, or charge what is missing: grapevine privacy ledger charge --rounds ${missing} --home ${home}`)
  }
}

export interface PublishedByHome extends Omit<Published, 'source'> {
  /** Later rounds of the federation take no step and are not charged */
  lastPaidRound: number
}

/**
 * The same for what a home says. One that published a round without a step spends nothing any more, and may have come
 * to it by a jump: nothing is required of its ledger then. Throws LedgerRollbackError
 */
export function requireHomeCharged (ledger: Pick<Ledger, 'lastRound'>, { published, lastPaidRound, ...who }: PublishedByHome): void {
  requireCharged(ledger, { ...who, published: published !== undefined && published > lastPaidRound ? undefined : published, source: 'this home published' })
}

/**
 * From a dataset to its budget: finds the ledger, compares it with what was published, and says what looks like a way around it
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LedgerCorruptError, LedgerRollbackError } from '../errors.ts'
import { learningRateOf } from '../model/learning-rate.ts'
import { createAccountants } from './accounting/accountants.ts'
import { PrivacyBudget } from './budget.ts'
import { createLedger } from './ledger/ledger.ts'
import { similarLedgers } from './ledger/similar-ledgers.ts'
import { roundCharge } from './mechanism.ts'
import type { FederationDocument } from '../federation.ts'
import type { Clock, DatasetIdentity, PeerName } from '../interface.ts'
import type { Ledger, LedgerInit } from './ledger/ledger.ts'

/** Datasets that share this much are the same data under another name */
const SIMILAR = 0.5

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
}

export interface OpenBudget {
  budget: PrivacyBudget
  ledger: Ledger
  /** Ledgers of other datasets that share most of their examples with this one: their epsilon is not counted here */
  similar: Array<{ fingerprint: string, share: number }>
}

/** One folder for each user and beside all homes: a new home on the same data meets the same ledger, and deleting a home leaves it */
export function defaultLedgerRoot (environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const state = environment['XDG_STATE_HOME']
  return join(state === undefined || state === '' ? join(homedir(), '.local', 'state') : state, 'grapevine-ledgers')
}

/**
 * Opens the ledger of a dataset; undefined when the document asks for no privacy. The caller closes the ledger
 *
 * Throws LedgerLockedError, LedgerCorruptError, LedgerWriteError, StoreFormatError
 */
export async function openBudget (init: OpenBudgetInit): Promise<OpenBudget | undefined> {
  const { document: { privacy }, federation, peer, dataset, root, clock, limit } = init
  const charge = roundCharge(init.document, init.exampleCount)
  if (privacy.mechanism === 'none' || charge === undefined) {
    return undefined
  }
  const { fingerprint, sketch } = dataset
  const similar = await similarLedgers(root, sketch, { except: fingerprint, minimumShare: SIMILAR })
  const ledger = createLedger({ root, fingerprint, sketch, clock })
  await ledger.open()
  try {
    await requireWhole(ledger, { root, fingerprint })
  } catch (err) {
    await ledger.close()
    throw err
  }
  const budget = new PrivacyBudget({ settings: privacy, charge, ledger, accountants: createAccountants(), federation, peer, limit, isIdle: (round) => learningRateOf(init.document.training.optimizer, round) === 0 })
  return { budget, ledger, similar }
}

/** Opening compares the last entry; damage further back shows only when the whole chain is walked, some 80 us an entry. Throws LedgerCorruptError */
export async function requireWhole (ledger: Pick<Ledger, 'verify'>, { root, fingerprint }: Pick<LedgerInit, 'root' | 'fingerprint'>): Promise<void> {
  const { firstBad } = await ledger.verify()
  if (firstBad !== undefined) {
    throw new LedgerCorruptError(`the privacy ledger in ${join(root, fingerprint)} is damaged at entry ${firstBad.index}: ${firstBad.problem}. What was spent on these data is not known any more, so that nothing may train on them: bring an undamaged copy back; nothing was deleted`)
  }
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
}

/** What was published must stand in the ledger: an older copy of it would let a budget be spent twice. Throws LedgerRollbackError */
export function requireCharged (ledger: Pick<Ledger, 'lastRound'>, { federation, peer, home, location, published, source }: Published): void {
  const charged = ledger.lastRound(federation, peer) ?? 0
  if (published !== undefined && published > charged) {
    const missing = published - charged
    throw new LedgerRollbackError(`${source} an update of round ${published} by this peer, but the privacy ledger of its data ends at round ${charged}: it is an older copy, was deleted, or belongs to other data than this home had. Bring the newest ledger back to ${location}, or charge what is missing: grapevine privacy ledger charge --rounds ${missing} --home ${home}`)
  }
}

export interface PublishedByHome extends Omit<Published, 'source'> {
  /** Later rounds of the federation take no step and are not charged */
  lastPaidRound: number
}

/**
 * The same for what a home says. One that published a round without a step spends nothing any more, and may have come to it by a jump:
 * nothing is required of its ledger then. Throws LedgerRollbackError
 */
export function requireHomeCharged (ledger: Pick<Ledger, 'lastRound'>, { published, lastPaidRound, ...who }: PublishedByHome): void {
  requireCharged(ledger, { ...who, published: published !== undefined && published > lastPaidRound ? undefined : published, source: 'this home published' })
}

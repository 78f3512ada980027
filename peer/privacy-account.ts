/**
 * What the verbs of `grapevine privacy` need to know of a home, whether its peer runs or not
 */
import { join } from 'node:path'
import { connectControl } from './control/control-client.ts'
import { NoLedgerError } from './errors.ts'
import { expectedLedger } from './expected-ledger.ts'
import { openHome } from './home-reader.ts'
import { requirePeer } from './home.ts'
import { remoteLedger, requireSound, storedLedger } from './ledger-reader.ts'
import { formatCount } from './format.ts'
import { lastLearningRound } from '../src/federation/learning-rate.ts'
import { readDatasetRecord } from '../src/ledger/dataset-record.ts'
import { roundCharge } from '../src/privacy/mechanism.ts'
import type { VerbContext } from './context.ts'
import type { LedgerPlace, LedgerReader } from './ledger-reader.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { DatasetRecord } from '../src/ledger/dataset-record.ts'
import type { ForecastInit } from '../src/privacy/forecast.ts'
import type { SimilarLedger } from '../src/ledger/similar-ledgers.ts'
import type { RoundCharge } from '../src/privacy/mechanism.ts'
import type { PrivateSettings } from '../src/federation/privacy-settings.ts'

type Home = Pick<VerbContext, 'home' | 'settings' | 'origins'>

export interface DatasetLedger {
  record: DatasetRecord
  place: LedgerPlace
  ledger: LedgerReader
  /** Process of the peer that holds the ledger; undefined when it does not run */
  pid: number | undefined
  /** Only of a peer that has not started yet: ledgers of other sets that will count for its data */
  expected?: { overlapping: readonly SimilarLedger[] }
}

export interface PrivacyAccount extends DatasetLedger {
  settings: PrivateSettings
  training: FederationDocument['training']
  charge: RoundCharge
  /** The peer's own limit, when it has one */
  limit: number | undefined
}

/** Throws NoHomeError, NoLedgerError */
export async function openDatasetLedger ({ home, settings, origins }: Home): Promise<DatasetLedger> {
  await requirePeer(home)
  const record = await readDatasetRecord(home)
  if (record === undefined) {
    throw new NoLedgerError(`${home} has no privacy ledger yet: its peer has not read its data in a federation with a privacy mechanism`)
  }
  // a file of settings says where the next start looks; what the last one used is where the ledger is
  const root = origins.ledgers === 'flag' ? settings.ledgers! : record.ledgers
  const place = { root, fingerprint: record.fingerprint }
  const client = await connectControl(home)
  return { record, place, ledger: client === undefined ? storedLedger(place, record.heads ?? {}) : remoteLedger(client), pid: client?.pid }
}

/** What a home says of itself: see HomeReader */
export interface HomeFacts {
  document: FederationDocument | undefined
  /** The running peer's limit */
  ownLimit: number | undefined
  /** Newest round that the home published; undefined while its peer runs */
  published: number | undefined
}

/** Throws as `openHome` does */
export async function readHome (home: string): Promise<HomeFacts> {
  const reader = await openHome(home)
  try {
    return { document: await reader.federation(), ownLimit: reader.running?.node.privacy?.limit, published: await reader.published() }
  } finally {
    await reader.close()
  }
}

/**
 * A peer that runs compared ledger and home when it started, and has held the ledger since. Throws as `requireSound` of
 * ledger-reader.ts
 */
export async function requireSoundAccount ({ home }: Home, { place, record: { federation, peer, heads = {} }, pid }: DatasetLedger, { document, published }: HomeFacts): Promise<void> {
  if (pid === undefined) {
    const lastPaidRound = document === undefined ? Infinity : lastLearningRound(document.training.optimizer)
    await requireSound(place, { federation, peer, home, location: join(place.root, place.fingerprint), published, lastPaidRound, heads })
  }
}

/**
 * Undefined when the federation promises no privacy. Of a peer that has not started yet: what it will find. Throws
 * NoLedgerError for a home that knows no federation yet, and as the three above: an account whose ledger `start` would
 * refuse is none
 */
export async function openAccount (context: Home): Promise<PrivacyAccount | undefined> {
  const found = await findAccount(context, expectedLedger)
  if (found !== undefined && found.account.expected === undefined) {
    await requireSoundAccount(context, found.account, found.facts)
  }
  return found?.account
}

/**
 * The same without a look at the ledger's state: for who is about to correct it. `expect`: what a peer that has not
 * started yet will find; without it there is none
 */
export async function findAccount (context: Home, expect?: typeof expectedLedger): Promise<{ account: PrivacyAccount, facts: HomeFacts } | undefined> {
  const facts = await readHome(context.home)
  const { document, ownLimit } = facts
  if (document === undefined) {
    throw new NoLedgerError(`${context.home} knows no federation yet, and so no privacy mechanism`)
  }
  const { privacy, training } = document
  if (privacy.mechanism === 'none') {
    return undefined
  }
  const isNew = expect !== undefined && await readDatasetRecord(context.home) === undefined
  const dataset = isNew ? await expect(context.home, context.settings, document) : await openDatasetLedger(context)
  const charge = roundCharge({ privacy, training }, dataset.record.examples)!
  return { account: { ...dataset, settings: privacy, training, charge, limit: ownLimit ?? context.settings.epsilonLimit }, facts }
}

export async function forecastInit ({ settings, charge, ledger, limit }: PrivacyAccount): Promise<ForecastInit> {
  return { settings, charge, totals: await ledger.totals(), limit }
}

/** `sampling rate 0.0085 (32 of 3 750 examples), 118 steps a round` */
export function formatCharge ({ sampleRate, steps, mechanism }: RoundCharge, { batchSize, examples }: { batchSize: number, examples: number }): string {
  return mechanism === 'update-level'
    ? 'noise on the update of a round as a whole'
    : `sampling rate ${Number(sampleRate.toPrecision(3))} (${batchSize} of ${formatCount(examples)} examples expected), ${formatCount(steps)} step${steps === 1 ? '' : 's'} a round`
}

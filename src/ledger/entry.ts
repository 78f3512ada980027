/**
 * One entry of the privacy ledger: a charge to a dataset's privacy budget, or a fact about it
 *
 * An entry holds the hash of the one before it, so that none can be changed, removed or put in without changing every
 * hash after it (the chain of Haber and Stornetta 1991). Its own hash is the sha-256 of its canonical dag-cbor
 * encoding.
 */
import { createHash } from 'node:crypto'
import * as dagCbor from '@ipld/dag-cbor'
import * as z from 'zod'

/** Hash and index of an entry: whoever knows them can tell whether a ledger still holds it */
export interface LedgerHead {
  /** From 0; -1 for a ledger without entries */
  index: number
  /** sha-256, hex */
  hash: string
}

/**
 * How a model was noised. `dp-sgd`: every gradient, neighbours differ by one example. `update-level`: a whole update
 */
export type LedgerMechanism = 'dp-sgd' | 'update-level'

const text = (maxLength: number) => z.string().min(1).max(maxLength)
const hash = z.string().regex(/^[0-9a-f]{64}$/)

const link = { index: z.int().min(0), previousHash: hash, time: z.number() }

const charge = {
  federation: text(256),
  peer: text(256),
  round: z.int().min(0),
  mechanism: z.enum(['dp-sgd', 'update-level']),
  sampleRate: z.number().positive().max(1),
  noiseMultiplier: z.number().positive(),
  clipNorm: z.number().positive(),
  steps: z.int().min(1),
  reason: text(1024).optional()
}

const statistic = {
  federation: text(256),
  peer: text(256),
  name: text(256),
  noiseMultiplier: z.number().positive(),
  sensitivity: z.number().positive(),
  releases: z.int().min(1),
  reason: text(1024).optional()
}

const assumption = { statement: text(1024), federation: text(256).optional(), peer: text(256).optional() }

const note = { reason: text(1024), federation: text(256).optional(), peer: text(256).optional() }

const chargeSchema = z.strictObject(charge)
const statisticSchema = z.strictObject(statistic)
const assumptionSchema = z.strictObject(assumption)
const noteSchema = z.strictObject(note)
const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...link, ...charge, kind: z.literal('reserve') }),
  z.strictObject({ ...link, ...statistic, kind: z.literal('statistic') }),
  z.strictObject({ ...link, ...assumption, kind: z.literal('assumption') }),
  z.strictObject({ ...link, ...note, kind: z.literal('note') })
])

/** What one round, or one manual correction, takes from the budget */
export interface LedgerCharge {
  /** Id of the federation, 1 to 256 characters */
  federation: string
  /** Peer id, 1 to 256 characters */
  peer: string
  round: number
  mechanism: LedgerMechanism
  /** q in (0, 1]: probability with which Poisson sampling takes an example */
  sampleRate: number
  /** sigma > 0: standard deviation of the noise in units of clipNorm */
  noiseMultiplier: number
  /** C > 0: L2 norm to which each example's part is clipped. Of no account to epsilon, kept for audits */
  clipNorm: number
  /** Noisy steps that the round will take, at least 1 */
  steps: number
  /** Why, where it is not a round's own charge; 1 to 1024 characters */
  reason?: string | undefined
}

/** What noisy figures about the data take from the budget, such as a histogram: the Gaussian mechanism, unsampled */
export interface LedgerStatistic {
  /** Id of the federation, 1 to 256 characters */
  federation: string
  /** Peer id, 1 to 256 characters */
  peer: string
  /** What is released, 1 to 256 characters */
  name: string
  /** sigma > 0: standard deviation of the noise in units of `sensitivity` */
  noiseMultiplier: number
  /** L2 sensitivity > 0 of the figures to one example. Of no account to epsilon, kept for audits */
  sensitivity: number
  /** Independent releases, at least 1 */
  releases: number
  /** 1 to 1024 characters */
  reason?: string | undefined
}

/** What a guarantee rests on and nobody can check here, such as that no record is held by two members. Costs nothing */
export interface LedgerAssumption {
  /** 1 to 1024 characters */
  statement: string
  federation?: string | undefined
  peer?: string | undefined
}

/** A fact that costs nothing, such as a restored backup */
export interface LedgerNote {
  /** 1 to 1024 characters */
  reason: string
  federation?: string | undefined
  peer?: string | undefined
}

interface Link {
  /** From 0 */
  index: number
  /** Hash of the entry before; of the dataset's fingerprint for the first */
  previousHash: string
  /** Milliseconds since 1970, by this machine's clock */
  time: number
}

/**
 * `reserve`: gradients or an update, by its mechanism. Version 0.1 knew `reserve` and `note`: it refuses a ledger that
 * ends with another kind, and counts it in one that goes on (summary.ts)
 */
export type EntryContent =
  | (Link & LedgerCharge & { kind: 'reserve' })
  | (Link & LedgerStatistic & { kind: 'statistic' })
  | (Link & LedgerAssumption & { kind: 'assumption' })
  | (Link & LedgerNote & { kind: 'note' })

/** An entry as the ledger returns it: with the hash of its content */
export type LedgerEntry = EntryContent & { hash: string }

function checked<T> (schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) {
    return parsed.data
  }
  const [issue] = parsed.error.issues
  throw new RangeError(`${issue?.path.join('.') ?? ''} of the ${what} is not acceptable: ${issue?.message ?? ''}`)
}

/** Throws RangeError, naming the field, when a number is out of its bounds or a text has a wrong length */
export function checkedCharge (value: LedgerCharge): LedgerCharge {
  return checked(chargeSchema, value, 'charge')
}

/** Throws RangeError as `checkedCharge` does */
export function checkedStatistic (value: LedgerStatistic): LedgerStatistic {
  return checked(statisticSchema, value, 'statistic')
}

/** Throws RangeError as `checkedCharge` does */
export function checkedAssumption (value: LedgerAssumption): LedgerAssumption {
  return checked(assumptionSchema, value, 'assumption')
}

/** Throws RangeError as `checkedCharge` does */
export function checkedNote (value: LedgerNote): LedgerNote {
  return checked(noteSchema, value, 'note')
}

export function sha256 (bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What the first entry follows: it binds the chain to its dataset, so that no other dataset's ledger can stand in */
export function genesis (fingerprint: string): LedgerHead {
  return { index: -1, hash: sha256(dagCbor.encode({ ledger: 1, fingerprint })) }
}

/** Canonical: sorted fields, shortest numbers, absent fields left out */
export function encodeEntry (content: EntryContent): Uint8Array {
  return dagCbor.encode(Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined)))
}

/** Undefined when the bytes are not the canonical encoding of an entry */
export function decodeEntry (bytes: Uint8Array): LedgerEntry | undefined {
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch {
    // the caller reports the damage: only it knows where the bytes came from
    return undefined
  }
  const parsed = entrySchema.safeParse(value)
  if (!parsed.success || !Buffer.from(encodeEntry(parsed.data)).equals(bytes)) {
    return undefined
  }
  return { ...parsed.data, hash: sha256(bytes) }
}

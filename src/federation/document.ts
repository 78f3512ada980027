/**
 * The federation document: everything that all peers must agree on
 *
 * Encoded canonically (dag-cbor); its id is the CID of that encoding (dag-cbor, sha-256), and part of every topic.
 * Local matters (data path, addresses, home, backend) are not in it.
 */
import * as dagCbor from '@ipld/dag-cbor'
import * as z from 'zod'
import { needsLosses, unmetPrecondition } from '../aggregators/rules.ts'
import { InvalidFederationError } from '../errors.ts'
import { MAX_FEDERATION_BYTES } from '../limits.ts'
import { plainValueProblem } from '../plain-value.ts'
import { quoted } from '../quoted.ts'
import { gradientNoiseMultiplier } from './noise-multiplier.ts'
import { issueLines, issuesMessage } from './document-issues.ts'
import { membershipProblem, membershipSchema } from './membership-settings.ts'
import { modelSchema, newModelField } from './model-schema.ts'
import { privacySchema } from './privacy-settings.ts'
import { tableProblem } from './table-input.ts'
import { taskProblem } from './task.ts'
import { textProblem } from './text-input.ts'
import type { TableDescription } from './table-input.ts'

/** A topology of layers in layers in layers nests about 20 deep */
const MAX_DEPTH = 64
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u
const MAX_NAME = 64
const NAME_WORDS = `must have 1 to ${MAX_NAME} letters, digits, blanks, ".", "_" and "-", and begin with a letter or digit`
const federationName = z.string().refine((name) => name.length <= MAX_NAME && NAME.test(name), NAME_WORDS)
const finite = z.number()
const positive = finite.positive()

const schedule = {
  /** Of the first round */
  learningRate: positive.max(100),
  /**
   * The learning rate falls linearly, by the same step each round, to zero after this many rounds. Without it: it stays
   */
  decayRounds: z.int().min(1).max(1_000_000_000).optional()
}

const optimizerSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('sgd'),
    ...schedule,
    momentum: finite.min(0).lt(1).default(0)
  }),
  z.strictObject({
    name: z.literal('adam'),
    ...schedule,
    beta1: finite.min(0).lt(1).default(0.9),
    beta2: finite.min(0).lt(1).default(0.999),
    epsilon: positive.max(1).default(1e-7)
  })
])

/**
 * Fields may be added that are optional, and whose absence means what it meant before: ids are for ever. A document
 * that uses one says format 2, so that an older version tells it from a mistake; one that uses none stays format 1
 */
const FORMAT = 2

/** CID as `documentId` makes it: version 1, dag-cbor, sha-256, base32 */
const documentCid = z.string().regex(/^bafyrei[a-z2-7]{52}$/, 'must be the id of a document, such as bafyrei…')

/** A document that the members agreed on after the first one. Format 2 */
const epochSchema = z.strictObject({
  /** How often the document was changed before: 1 for the first change */
  number: z.int().min(1).max(0x7fffffff),
  /** Id of the first document, and so of the federation */
  federation: documentCid,
  /** Id of the document before this one */
  previous: documentCid
})

export const documentSchema = z.strictObject({
  format: z.literal([1, FORMAT]),
  epoch: epochSchema.optional(),
  /** Who may take part and who decides. Absent: whoever connects is a member. Format 2 */
  membership: membershipSchema.optional(),
  name: federationName,
  model: modelSchema,
  training: z.strictObject({
    /** Passes over the own examples in a round. Exactly one of `epochs` and `steps` */
    epochs: z.int().min(1).max(1000).optional(),
    /** Optimiser steps in a round */
    steps: z.int().min(1).max(1_000_000).optional(),
    batchSize: z.int().min(1).max(65_536),
    optimizer: optimizerSchema
  }),
  aggregation: z.strictObject({
    /** Such as `gated-geometric-median` or `nnm+trimmed-mean`: see aggregators/rules.ts */
    rule: z.string().max(64),
    /** Liars among a peer's neighbours that the rule must withstand */
    f: z.int().min(0).max(64),
    /** Radius of the clipping rules in parameter space; without it they choose one */
    clipRadius: z.number().positive().max(1e6).optional(),
    /** Whether a peer holds back what its most suspicious neighbours send, f at most. Without it: yes */
    quarantine: z.boolean().optional()
  }),
  codec: z.strictObject({
    name: z.enum(['float32', 'float16', 'int8'])
  }),
  topology: z.strictObject({
    /** Neighbours of each peer, k */
    degree: z.int().min(1).max(64),
    /**
     * About how many of them are replaced every round, by a draw that all peers compute alike. Without it neighbours
     * stay
     */
    resample: z.int().min(0).max(64).optional()
  }),
  round: z.strictObject({
    /** A peer never waits longer than this for its neighbours' updates */
    deadlineMs: z.int().min(100).max(86_400_000),
    /** Updates of rounds r - staleness .. r take part in round r */
    staleness: z.int().min(0).max(64)
  }),
  privacy: privacySchema
})

/** What all peers of a federation agree on. Every default is filled in */
export type FederationDocument = z.output<typeof documentSchema>
/** The same with defaults left out */
export type FederationInit = z.input<typeof documentSchema>
export type { ModelInput } from './input-schema.ts'
export type OptimizerSettings = FederationDocument['training']['optimizer']

function requirePlain (value: unknown): void {
  const problem = plainValueProblem(value, { maxDepth: MAX_DEPTH, maxValues: MAX_FEDERATION_BYTES })
  if (problem !== undefined) {
    throw new InvalidFederationError(`document is not plain data: ${problem}`)
  }
}

/** A later version's document has fields that this one does not know: not its author's mistake */
function requireKnownFormat (value: unknown): void {
  const format = (value as { format?: unknown } | null | undefined)?.format
  if (Number.isSafeInteger(format) && (format as number) > FORMAT) {
    throw new InvalidFederationError(`the document is of format ${String(format)}, and this version of Grapevine reads formats 1 and ${FORMAT}: update it`)
  }
}

/** The format that follows from the fields of a document: 1 as long as a reader of format 1 would know all of them */
export function neededFormat (document: Pick<FederationDocument, 'epoch' | 'membership' | 'model'>): 1 | typeof FORMAT {
  return newField(document) === undefined ? 1 : FORMAT
}

function newField ({ epoch, membership, model }: Pick<FederationDocument, 'epoch' | 'membership' | 'model'>): string | undefined {
  if (epoch !== undefined) {
    return 'epoch'
  }
  return membership === undefined ? newModelField(model) : 'membership'
}

/** One document, one encoding: the format follows from the fields */
function requireFormat (document: FederationDocument): void {
  const { format, epoch } = document
  const field = newField(document)
  if (format !== neededFormat(document)) {
    throw new InvalidFederationError(`format: must be ${field === undefined ? '1 where no field came with format 2' : `2 with the field "${field}"`}`)
  }
  if (epoch?.number === 1 && epoch.previous !== epoch.federation) {
    throw new InvalidFederationError('epoch.previous: the first change follows on the first document, whose id is epoch.federation')
  }
}

/** Two classes, columns or values of one name could not be told apart in the data */
function requireDistinct (path: string, names: readonly string[]): void {
  const seen = new Set<string>()
  const twice = names.find((name) => seen.size === seen.add(name).size)
  if (twice !== undefined) {
    throw new InvalidFederationError(`${path}: ${quoted(twice)} stands there twice`)
  }
}

function requireDistinctNames ({ model: { labels, input } }: FederationDocument): void {
  requireDistinct('model.labels', labels)
  if (input.kind === 'text') {
    requireDistinct('model.input.vocabulary', input.vocabulary ?? [])
    requireNoProblem(textProblem(input))
  }
  if (input.kind === 'table') {
    requireTable(input)
    for (const [index, column] of input.columns.entries()) {
      requireDistinct(`model.input.columns.${index}.values`, column.kind === 'categorical' ? column.values : [])
    }
  }
}

function requireTable (input: TableDescription): void {
  const { label, group, columns } = input
  requireDistinct(`model.input: label${group === undefined ? '' : ', group'} and columns`, [label, ...(group === undefined ? [] : [group]), ...columns.map(({ name }) => name)])
  requireDistinct('model.input.marks', input.marks ?? [])
  requireNoProblem(tableProblem(input))
}

function requireNoProblem (problem: string | undefined): void {
  if (problem !== undefined) {
    throw new InvalidFederationError(problem)
  }
}

function requireOneLength (document: FederationDocument): void {
  const { epochs, steps } = document.training
  if ((epochs === undefined) === (steps === undefined)) {
    throw new InvalidFederationError('training: exactly one of "epochs" and "steps" must be given')
  }
}

/** With too few neighbours the rule could never run: every peer would keep its own model for ever */
function requireRule ({ aggregation, topology: { degree } }: FederationDocument): void {
  let problem
  try {
    problem = unmetPrecondition(aggregation, degree)
  } catch (err) {
    throw new InvalidFederationError(`aggregation.rule: ${(err as Error).message}`, { cause: err })
  }
  if (problem !== undefined) {
    throw new InvalidFederationError(`aggregation: ${problem}`)
  }
}

/** What reads private data beside the mechanism would leak past it */
function requirePrivacy ({ privacy, aggregation: { rule } }: FederationDocument): void {
  if (privacy.mechanism === 'none') {
    return
  }
  if (needsLosses(rule)) {
    throw new InvalidFederationError(`aggregation.rule: "${rule}" weighs neighbours by losses on own examples, which privacy.mechanism "${privacy.mechanism}" does not cover; choose another rule`)
  }
  try {
    gradientNoiseMultiplier(privacy)
  } catch (err) {
    throw new InvalidFederationError((err as Error).message, { cause: err })
  }
}

/**
 * Checks a document and fills in the defaults
 *
 * Throws InvalidFederationError, whose one-line message names every offending field
 */
export function parseFederation (value: unknown): FederationDocument {
  requirePlain(value)
  requireKnownFormat(value)
  const parsed = documentSchema.safeParse(value, { reportInput: true })
  if (!parsed.success) {
    throw new InvalidFederationError(issuesMessage(documentSchema, parsed.error.issues))
  }
  BETWEEN_FIELDS.forEach((check) => { check(parsed.data) })
  return parsed.data
}

/** What fields, which each for itself are right, are to each other. Each throws InvalidFederationError */
const BETWEEN_FIELDS: ReadonlyArray<(document: FederationDocument) => void> = [
  requireFormat, requireOneLength, requireRule, requirePrivacy, requireDistinctNames, ({ model }) => { requireNoProblem(taskProblem(model)) },
  ({ membership }) => { requireNoProblem(membership === undefined ? undefined : membershipProblem(membership)) }
]

/**
 * Everything that `parseFederation` would refuse a document for, a line each with its path in front; none for a valid
 * one. As far as can be told: what fields are to each other is looked at once each is right
 */
export function federationProblems (value: unknown): string[] {
  const before = problemsOf([() => { requirePlain(value) }, () => { requireKnownFormat(value) }])
  if (before.length > 0) {
    return before
  }
  const parsed = documentSchema.safeParse(value, { reportInput: true })
  return parsed.success
    ? problemsOf(BETWEEN_FIELDS.map((check) => () => { check(parsed.data) }))
    : issueLines(documentSchema, parsed.error.issues)
}

function problemsOf (checks: ReadonlyArray<() => void>): string[] {
  return checks.flatMap((check) => {
    try {
      check()
      return []
    } catch (err) {
      if (err instanceof InvalidFederationError) {
        return [err.message]
      }
      throw err
    }
  })
}

function requireSize (bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > MAX_FEDERATION_BYTES) {
    throw new InvalidFederationError(`document has ${bytes.byteLength} bytes, more than ${MAX_FEDERATION_BYTES}`)
  }
  return bytes
}

/**
 * Canonical bytes of a document: equal documents give equal bytes on every machine
 *
 * Throws InvalidFederationError when they are more than MAX_FEDERATION_BYTES
 */
export function encodeFederation (document: FederationDocument): Uint8Array {
  return requireSize(dagCbor.encode(withoutUndefined(document)))
}

/**
 * Throws InvalidFederationError on anything that is not the canonical encoding of a valid document
 *
 * So a document has one id: encoding the result gives the same bytes again. Sorted keys, shortest numbers, no tags,
 * every default written out
 */
export function decodeFederation (bytes: Uint8Array): FederationDocument {
  requireSize(bytes)
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch (err) {
    throw new InvalidFederationError('document is not dag-cbor', { cause: err })
  }
  const document = parseFederation(value)
  if (!Buffer.from(encodeFederation(document)).equals(bytes)) {
    throw new InvalidFederationError('document is not in canonical form: two encodings of one document would be two federations')
  }
  return document
}

/** dag-cbor has no undefined: optional fields are left out */
function withoutUndefined (value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutUndefined)
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined).map(([key, field]) => [key, withoutUndefined(field)]))
  }
  return value
}

/**
 * The federation document: everything that all peers must agree on
 *
 * Encoded canonically (dag-cbor); its id is the CID of that encoding (dag-cbor, sha-256), and part of every topic.
 * Local matters (data path, addresses, home, backend) are not in it.
 */
import * as dagCbor from '@ipld/dag-cbor'
import * as z from 'zod'
import { needsLosses, unmetPrecondition } from '../aggregators/rules.ts'
import { closest } from '../closest.ts'
import { InvalidFederationError } from '../errors.ts'
import { MAX_FEDERATION_BYTES } from '../limits.ts'
import { plainValueProblem } from '../plain-value.ts'
import { quoted } from '../quoted.ts'
import { gradientNoiseMultiplier } from './noise-multiplier.ts'
import { privacySchema } from './privacy-settings.ts'

/** Numbers in `model.constants`. As fractions of 9 bytes each fewer fit into MAX_FEDERATION_BYTES */
export const MAX_CONSTANTS = 65_536

/** A topology of layers in layers in layers nests about 20 deep */
const MAX_DEPTH = 64
/** Problems that a message lists; a stranger's document may have thousands */
const MAX_ISSUES = 5

/** A path that needs no quotes */
const PLAIN_PATH = /^[\w./-]{1,128}$/

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u
const MAX_NAME = 64
const NAME_WORDS = `must have 1 to ${MAX_NAME} letters, digits, blanks, ".", "_" and "-", and begin with a letter or digit`
const federationName = z.string().refine((name) => name.length <= MAX_NAME && NAME.test(name), NAME_WORDS)
const finite = z.number()
const positive = finite.positive()

const inputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('image'),
    /** height, width, channels. Pixels are scaled from 0..255 to 0..1, then standardised */
    shape: z.array(z.int().min(1).max(4096)).length(3),
    mean: finite.default(0),
    stdDev: positive.default(1)
  }),
  z.strictObject({
    kind: z.literal('table'),
    /** The column that holds the class */
    label: z.string().min(1).max(256),
    /** In the order of the input vector. A categorical column becomes one input for each value */
    columns: z.array(z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('numeric'), name: z.string().min(1).max(256), mean: finite, stdDev: positive }),
      z.strictObject({
        kind: z.literal('categorical'),
        name: z.string().min(1).max(256),
        values: z.array(z.string().max(256)).min(1).max(1024),
        /** Any other value, and none at all, is no error: all inputs of the column are 0 then */
        other: z.literal(true).optional()
      })
    ])).min(1).max(4096)
  })
])

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

function fewConstants (constants: Record<string, readonly number[]>): boolean {
  return Object.values(constants).reduce((sum, values) => sum + values.length, 0) <= MAX_CONSTANTS
}

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

const schema = z.strictObject({
  format: z.literal([1, FORMAT]),
  epoch: epochSchema.optional(),
  name: federationName,
  model: z.strictObject({
    /** `LayersModel.toJSON()` of tfjs: class_name, config, … */
    topology: z.record(z.string(), z.unknown()),
    /**
     * Weights of the layers with `trainable: false`, row-major, such as `"features/kernel": [0.5, …]`: part of the
     * agreement, neither trained nor sent
     */
    constants: z.record(z.string(), z.array(finite)).refine(fewConstants, `must have at most ${MAX_CONSTANTS} numbers in all`).optional(),
    /** Seed of the common initial weights */
    seed: z.int().min(0).max(0xffffffff),
    loss: z.enum(['categoricalCrossentropy', 'binaryCrossentropy']),
    input: inputSchema,
    /** Names of the classes, in the order of the model's outputs */
    labels: z.array(z.string().min(1).max(256)).min(2).max(65_536)
  }),
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
export type FederationDocument = z.output<typeof schema>
/** The same with defaults left out */
export type FederationInit = z.input<typeof schema>
export type ModelInput = FederationDocument['model']['input']
export type OptimizerSettings = FederationDocument['training']['optimizer']

/** Dotted path of every field, e.g. `training.batchSize` */
function fieldPaths (type: z.core.$ZodType, path = ''): string[] {
  if (type instanceof z.ZodObject) {
    return Object.entries(type.shape).flatMap(([key, field]) => {
      const own = path === '' ? key : `${path}.${key}`
      return [own, ...fieldPaths(field as z.core.$ZodType, own)]
    })
  }
  if (type instanceof z.ZodDiscriminatedUnion) {
    return type.options.flatMap((option) => fieldPaths(option, path))
  }
  return type instanceof z.ZodArray ? fieldPaths(type.element, path) : []
}

function lastName (path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** The full path of a field of this name elsewhere, else a near one of the same object, else a near one elsewhere */
function suggestion (parent: string, key: string): string | undefined {
  const own = parent === '' ? key : `${parent}.${key}`
  const paths = [...new Set(fieldPaths(schema))].filter((path) => path !== own)
  const siblings = paths.filter((path) => path === (parent === '' ? lastName(path) : `${parent}.${lastName(path)}`)).map(lastName)
  const named = (name: string | undefined): string | undefined => paths.find((path) => lastName(path) === name)
  return named(key) ?? closest(key, siblings) ?? named(closest(key, paths.map(lastName)))
}

function unknownFieldMessage (path: readonly PropertyKey[], keys: readonly string[]): string {
  const parent = path.filter((part) => typeof part === 'string').join('.')
  const named = keys.slice(0, MAX_ISSUES).map((key) => {
    const near = suggestion(parent, key)
    return `${quoted([...path.map(String), key].join('.'))}${near === undefined ? '' : ` (did you mean "${near}"?)`}`
  })
  return `unknown field ${named.join(', ')}${keys.length > MAX_ISSUES ? ` and ${keys.length - MAX_ISSUES} more` : ''}`
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'an object', record: 'an object', array: 'a list', string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false'
}

function typeWords ({ expected, input }: z.core.$ZodIssueInvalidType): string {
  return `must be ${TYPES[expected] ?? expected}${input === undefined ? ', and is missing' : ''}`
}

function choiceWords (choices: readonly unknown[]): string {
  return `must be ${choices.length === 1 ? '' : 'one of '}${choices.map((choice) => JSON.stringify(choice)).join(', ')}`
}

const LENGTH_UNITS: Readonly<Record<string, [one: string, many: string]>> = { string: ['character', 'characters'], array: ['entry', 'entries'] }

function boundWords (issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const [bound, inclusive, exclusive] = issue.code === 'too_small' ? [issue.minimum, 'at least', 'more than'] : [issue.maximum, 'at most', 'less than']
  const comparison = issue.exact === true ? 'exactly' : issue.inclusive === false ? exclusive : inclusive
  const units = LENGTH_UNITS[issue.origin]
  return units === undefined ? `must be ${comparison} ${bound}` : `must have ${comparison} ${bound} ${units[bound === 1 ? 0 : 1]}`
}

/** Zod's own words name its types and patterns */
function plainWords (issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': return typeWords(issue)
    case 'invalid_value': return choiceWords(issue.values)
    case 'too_small':
    case 'too_big': return boundWords(issue)
    case 'invalid_union': return 'options' in issue && issue.options !== undefined ? choiceWords(issue.options) : issue.message
    default: return issue.message
  }
}

function issueMessage (issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return unknownFieldMessage(issue.path, issue.keys)
  }
  return `${pathText(issue.path)}: ${plainWords(issue)}`
}

/** The keys of `model.constants` are the author's, all others are those of the schema */
function pathText (path: readonly PropertyKey[]): string {
  const text = path.map(String).join('.')
  return text === '' ? 'document' : PLAIN_PATH.test(text) ? text : quoted(text)
}

function issuesMessage (issues: readonly z.core.$ZodIssue[]): string {
  const messages = issues.slice(0, MAX_ISSUES).map(issueMessage)
  return messages.join('; ') + (issues.length > MAX_ISSUES ? `; and ${issues.length - MAX_ISSUES} more` : '')
}

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

/** One document, one encoding: the format follows from the fields */
function requireFormat ({ format, epoch }: FederationDocument): void {
  const needed = epoch === undefined ? 1 : 2
  if (format !== needed) {
    throw new InvalidFederationError(`format: must be ${needed} ${epoch === undefined ? 'without' : 'with'} the field "epoch"`)
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
  if (input.kind === 'table') {
    requireDistinct('model.input: label and columns', [input.label, ...input.columns.map(({ name }) => name)])
    for (const [index, column] of input.columns.entries()) {
      requireDistinct(`model.input.columns.${index}.values`, column.kind === 'categorical' ? column.values : [])
    }
  }
}

function requireOneLength (document: FederationDocument): void {
  const { epochs, steps } = document.training
  if ((epochs === undefined) === (steps === undefined)) {
    throw new InvalidFederationError('training: exactly one of "epochs" and "steps" must be given')
  }
  requireRule(document)
  requirePrivacy(document)
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
  const parsed = schema.safeParse(value, { reportInput: true })
  if (!parsed.success) {
    throw new InvalidFederationError(issuesMessage(parsed.error.issues))
  }
  requireFormat(parsed.data)
  requireOneLength(parsed.data)
  requireDistinctNames(parsed.data)
  return parsed.data
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

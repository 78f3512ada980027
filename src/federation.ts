/**
 * The federation document: everything that all peers must agree on
 *
 * Encoded canonically (dag-cbor); its id is the CID of that encoding (dag-cbor, sha-256), and part of every topic.
 * Local matters (data path, addresses, home, backend) are not in it.
 */
import { createHash } from 'node:crypto'
import * as dagCbor from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { z } from 'zod'
import { InvalidFederationError } from './errors.ts'
import { closest } from './closest.ts'

/** A document larger than this is refused unread: a topology is a few kilobytes */
export const MAX_FEDERATION_BYTES = 262_144

/** More parameters than this cannot be federated: 256 MiB as float32 */
export const MAX_PARAMETERS = 67_108_864

const SHA2_256 = 0x12

const unitName = z.string().min(1).max(64).regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u)
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
      z.strictObject({ kind: z.literal('categorical'), name: z.string().min(1).max(256), values: z.array(z.string().max(256)).min(1).max(1024) })
    ])).min(1).max(4096)
  })
])

const optimizerSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('sgd'),
    learningRate: positive.max(100),
    momentum: finite.min(0).lt(1).default(0)
  }),
  z.strictObject({
    name: z.literal('adam'),
    learningRate: positive.max(100),
    beta1: finite.min(0).lt(1).default(0.9),
    beta2: finite.min(0).lt(1).default(0.999),
    epsilon: positive.max(1).default(1e-7)
  })
])

const schema = z.strictObject({
  format: z.literal(1),
  name: unitName,
  model: z.strictObject({
    /** `LayersModel.toJSON()` of tfjs: class_name, config, … */
    topology: z.record(z.string(), z.unknown()),
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
    rule: z.enum(['mean', 'trimmed-mean', 'gated-geometric-median']),
    /** Liars among a peer's neighbours that the rule must withstand */
    f: z.int().min(0).max(64)
  }),
  codec: z.strictObject({
    name: z.enum(['float32', 'float16', 'int8'])
  }),
  topology: z.strictObject({
    /** Neighbours of each peer, k */
    degree: z.int().min(1).max(64)
  }),
  round: z.strictObject({
    /** A peer never waits longer than this for its neighbours' updates */
    deadlineMs: z.int().min(100).max(86_400_000),
    /** Updates of rounds r - staleness .. r take part in round r */
    staleness: z.int().min(0).max(64)
  }),
  /** Reserved: `none` is all that this version knows */
  privacy: z.strictObject({
    mechanism: z.literal('none')
  })
})

/** What all peers of a federation agree on. Every default is filled in */
export type FederationDocument = z.output<typeof schema>
/** The same with defaults left out */
export type FederationInit = z.input<typeof schema>
export type ModelInput = FederationDocument['model']['input']
export type OptimizerSettings = FederationDocument['training']['optimizer']

/** Field names that may stand at `path`, for suggestions */
function unknownKeyMessage (path: string, keys: readonly string[]): string {
  const known = ['format', 'name', 'model', 'topology', 'seed', 'loss', 'input', 'labels', 'kind', 'shape', 'mean', 'stdDev', 'label', 'columns', 'values',
    'training', 'epochs', 'steps', 'batchSize', 'optimizer', 'learningRate', 'momentum', 'beta1', 'beta2', 'epsilon', 'aggregation', 'rule', 'f', 'codec',
    'degree', 'round', 'deadlineMs', 'staleness', 'privacy', 'mechanism']
  const named = keys.map((key) => {
    const suggestion = closest(key, known)
    return `"${path === '' ? '' : path + '.'}${key}"${suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`}`
  })
  return `unknown field ${named.join(', ')}`
}

function issueMessage (issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return unknownKeyMessage(path, issue.keys)
  }
  return `${path === '' ? 'document' : path}: ${issue.message}`
}

function requireOneLength (document: FederationDocument): void {
  const { epochs, steps } = document.training
  if ((epochs === undefined) === (steps === undefined)) {
    throw new InvalidFederationError('training: exactly one of "epochs" and "steps" must be given')
  }
  if (document.aggregation.rule === 'trimmed-mean' && document.topology.degree < 2 * document.aggregation.f) {
    throw new InvalidFederationError(`aggregation.f: trimmed-mean needs degree >= 2f, but degree is ${document.topology.degree} and f is ${document.aggregation.f}`)
  }
}

/**
 * Checks a document and fills in the defaults
 *
 * Throws InvalidFederationError, whose one-line message names every offending field
 */
export function parseFederation (value: unknown): FederationDocument {
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    throw new InvalidFederationError(parsed.error.issues.map(issueMessage).join('; '))
  }
  requireOneLength(parsed.data)
  return parsed.data
}

/** Canonical bytes of a document: equal documents give equal bytes on every machine */
export function encodeFederation (document: FederationDocument): Uint8Array {
  return dagCbor.encode(withoutUndefined(document))
}

/** Throws InvalidFederationError on anything that is not the canonical encoding of a valid document */
export function decodeFederation (bytes: Uint8Array): FederationDocument {
  if (bytes.byteLength > MAX_FEDERATION_BYTES) {
    throw new InvalidFederationError(`document has ${bytes.byteLength} bytes, more than ${MAX_FEDERATION_BYTES}`)
  }
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch (err) {
    throw new InvalidFederationError('document is not dag-cbor', { cause: err })
  }
  return parseFederation(value)
}

/** CID (version 1, dag-cbor, sha-256, base32) of the canonical bytes */
export function federationId (bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest()
  return CID.createV1(dagCbor.code, createDigest(SHA2_256, digest)).toString()
}

/** Number of inputs of the model, as a shape without the batch */
export function inputShape (input: ModelInput): number[] {
  if (input.kind === 'image') {
    return [...input.shape]
  }
  return [input.columns.reduce((sum, column) => sum + (column.kind === 'numeric' ? 1 : column.values.length), 0)]
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

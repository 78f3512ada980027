/**
 * The audit of a federation's mechanism on the data of one peer, with the code that trains in a node
 *
 * One training run answers two questions: which epsilon the canaries refute (one-run.ts), and how well the final model
 * gives training examples away (membership-inference.ts). Everything stays on this machine, and as nothing is
 * published, no ledger is charged. The result is private, as the data are.
 */
import { indices } from '../data/partition.ts'
import { selectExamples } from '../data/select-examples.ts'
import { DatasetError } from '../errors.ts'
import { seededRandom, shuffle } from '../seeded-random.ts'
import type { Examples } from '../data/examples.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { AbortOptions, BackendName, DatasetSource, Partition } from '../interface.ts'
import type { NoiseSource } from '../privacy/noise/noise-source.ts'
import type { AuditReport } from './audit-report.ts'

export const AUDIT_DEFAULTS = {
  canaries: 400,
  /** In the demo the fewest of which missing noise shows */
  rounds: 20,
  /** At most: the more examples, the longer it takes and the less each canary shows */
  examples: 4000
} as const

/** Fewer coins cannot refute anything */
const FEWEST_CANARIES = 20

export interface AuditInit {
  document: FederationDocument
  /** A safetensors file, where the document has `model.weights` */
  weights?: Uint8Array
  data: DatasetSource
  partition?: Partition
  /** @default 'auto' */
  backend?: BackendName | 'auto'
  /** Coins to toss, at least 20. @default 400 */
  canaries?: number
  /** @default 20 */
  rounds?: number
  /** How many of the own training examples take part, chosen at random. @default all, but at most 4000 */
  examples?: number
  /** Of canaries, coins and choices. Whoever knows it knows the canaries: nothing of the run is to be published */
  seed: number | string
  /** @default the secure source that trains in a node */
  noise?: NoiseSource
}

export interface AuditProgress {
  round: number
  rounds: number
}

export interface AuditOptions extends AbortOptions {
  onProgress?: (progress: AuditProgress) => void
}

/**
 * Trains on a copy of the data with canaries among them and measures what the published models give away
 *
 * A violation does not throw: it is in the report (`auditError` makes the error). Throws RangeError for impossible
 * numbers, DatasetError, BackendError, InvalidFederationError, WeightsError, TrainingError, and the signal's reason
 */
export async function runAudit (init: AuditInit, options: AuditOptions = {}): Promise<AuditReport> {
  const { document, data, partition, canaries = AUDIT_DEFAULTS.canaries, rounds = AUDIT_DEFAULTS.rounds, examples, seed, backend = 'auto', noise } = init
  requireWhole('canaries', canaries, FEWEST_CANARIES)
  requireWhole('rounds', rounds, 1)
  requireWhole('examples', examples ?? AUDIT_DEFAULTS.examples, 1)
  // whoever only imports the library does not wait for a tensor library
  const { loadDataset } = await import('../data/data-formats.ts')
  const { openWeights } = await import('../model/initial-weights.ts')
  const { auditDataset } = await import('./audit-dataset.ts')
  const weights = openWeights(document.model, init.weights)
  const dataset = await loadDataset(data, document.model, partition)
  options.signal?.throwIfAborted()
  const own = chosenExamples(dataset.train, examples, seed)
  return auditDataset({ document, weights, backend, noise, seed, rounds, canaryCount: canaries, dataset: { train: own, test: dataset.test } }, options)
}

function chosenExamples (train: Examples, wanted: number | undefined, seed: AuditInit['seed']): Examples {
  if (wanted !== undefined && wanted > train.count) {
    throw new DatasetError(`the audit cannot use ${wanted} training examples: this peer has ${train.count}`)
  }
  const rows = shuffle(indices(train.count), seededRandom(`audit/${seed}/examples`))
  return selectExamples(train, rows.subarray(0, wanted ?? AUDIT_DEFAULTS.examples))
}

function requireWhole (name: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least)) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, not ${value}`)
  }
}

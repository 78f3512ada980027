/**
 * The port of training, and what crosses it
 */
import type { AbortOptions, ParameterSlot } from './interface.ts'

export type BackendName = 'tensorflow' | 'wasm' | 'cpu'

export interface TrainResult {
  /** New parameters, d elements; the caller owns them */
  parameters: Float32Array
  /** Mean training loss over the local steps. Local knowledge: never sent */
  loss: number
  /** Examples seen */
  examples: number
  /** Optimiser steps taken */
  steps: number
  /**
   * What the next round goes on from besides the parameters (momentum, moments, the place in the data): kept beside the
   * version, for `restore` of the next process. There when `withState` asks for it. Local knowledge: never sent
   */
  state?: Uint8Array | undefined
}

/** What a round's algorithm asks of its local steps */
export interface LocalSteps {
  /** From 1: the learning rate and dropout follow it */
  round?: number | undefined
  /**
   * d elements that are added to the gradient of each step, behind clipping and noise. Must be computed from what was
   * released and received alone where the federation has a privacy mechanism
   *
   * @default nothing
   */
  correction?: Float32Array | undefined
  /** Give the state along, where there is any: it costs copies of the optimiser's vectors. @default false */
  withState?: boolean | undefined
}

/** Of one class on the test examples. What cannot be had, for want of examples, is left out */
export interface FiguresOfClass {
  label: string
  /** Test examples of the class, and those that were taken for it */
  examples: number
  predicted: number
  /** Share of its examples that were found, 0 to 1 */
  recall?: number
  /** Share of what was taken for it that is of it, 0 to 1 */
  precision?: number
  /** Against all other classes together; with more than two classes */
  auc?: number
  averagePrecision?: number
}

/**
 * How a model of classes does on the own test examples, beside what an answer without any inputs would get: formulas in
 * docs/data.md. What cannot be had is left out. Local knowledge: never sent
 */
export interface ClassFigures {
  kind: 'classes'
  /** Mean of the recalls of the classes that occur, 0 to 1 */
  balancedAccuracy: number
  /**
   * Area under the ROC curve: of the second of two classes, each time; of more, the mean of each against all others,
   * when detailed
   */
  auc?: number
  averagePrecision?: number
  /** The most frequent class of the test examples in place of every answer */
  baseline: {
    label: string
    accuracy: number
    balancedAccuracy: number
    averagePrecision?: number
    /** Of answering with the shares of the classes */
    logLoss?: number
  }
  /** Nats. This and all below when detailed */
  logLoss?: number
  /** Expected calibration error, 0 to 1 */
  calibrationError?: number
  classes?: FiguresOfClass[]
  /** By true class, then by predicted one; for 64 classes at most */
  confusion?: number[][]
}

/** How a model of a number does on the own test examples, in the unit of the target. Local knowledge: never sent */
export interface RegressionFigures {
  kind: 'regression'
  /** Of the target, as the document names it */
  unit?: string
  meanSquaredError: number
  meanAbsoluteError: number
  /** Share of the targets' variance that is explained: 1 at best, below 0 for worse than their mean */
  r2?: number
  /** The mean, and for absolute errors the median, of the own training targets in place of every answer */
  baseline: { mean: number, median: number, meanSquaredError: number, meanAbsoluteError: number, r2?: number }
}

export type Figures = ClassFigures | RegressionFigures

export interface EvaluationResult {
  /** Mean loss over the test examples */
  loss: number
  /** Fraction of correct predictions, 0 to 1; null where a number is predicted */
  accuracy: number | null
  examples: number
  /** Left out by trainers that have none */
  figures?: Figures
}

export interface EvaluateOptions extends AbortOptions {
  /** Figures of each class, and those that cost more than a pass. @default false */
  detailed?: boolean | undefined
}

export interface TrainerDescription {
  backend: BackendName
  /** Measured milliseconds of one real training step on each backend that was tried; why the backend was chosen */
  stepMs: Partial<Record<BackendName, number>>
  /** Why a backend could not be used, by name, one line each */
  unavailable: Partial<Record<BackendName, string>>
  /** Total number of parameters, d */
  parameterCount: number
  layout: readonly ParameterSlot[]
  trainExamples: number
  testExamples: number
  /** Of the training set; there when the federation has a privacy mechanism */
  dataset?: DatasetIdentity
  /**
   * How the own table differs from what the document was made for, a line each; left out where it does not. Never sent
   */
  remarks?: readonly string[]
  /** How the test examples were told from the training examples; left out where the data came apart */
  split?: TestSplit
}

/**
 * What the test examples of a table are: some of its rows, all rows of some groups (values of a column, such as a
 * patient), or a file of their own
 */
export type TestSplit = { by: 'rows' } | { by: 'groups', column: string } | { by: 'file' }

/** A sample of a training set's keyed hashes: how much of it is in another set, told by that set's (data/sketch.ts) */
export interface Sketch {
  /** Up to SKETCH_HASHES hashes of HASH_BYTES bytes, ascending, each once */
  hashes: Uint8Array
  /** The hashes are those of all examples */
  complete: boolean
}

/** By what a training set is recognised, whatever the order of its examples. Local knowledge: never sent */
export interface DatasetIdentity {
  /** sha-256, hex */
  fingerprint: string
  /** For finding sets that share examples with it */
  sketch: Sketch
  /** Of the same set as earlier versions named it; left out where that is the same */
  former?: { fingerprint: string, sketch: Sketch } | undefined
}

/**
 * Trains and evaluates the federation's model on the peer's own examples
 *
 * Implementations keep the optimiser's state (momentum, Adam moments) between calls: it is local and never gossiped.
 */
export interface Trainer {
  /** Loads data and model and picks the backend. Throws DatasetError, BackendError */
  start: (options?: AbortOptions) => Promise<TrainerDescription>
  stop: () => Promise<void>
  /** The common starting point: a pure function of the federation document, equal on every backend and machine */
  initialParameters: () => Promise<Float32Array>
  /** One round of local training from `parameters` (not mutated, not kept). Throws TrainingError when it diverges */
  train: (parameters: Float32Array, options?: AbortOptions & LocalSteps) => Promise<TrainResult>
  /**
   * Goes on from the `state` of an earlier process, before the first round; false, and it starts afresh, when that is
   * of another model or optimiser. Left out where results have no state
   */
  restore?: (state: Uint8Array) => Promise<boolean>
  evaluate: (parameters: Float32Array, options?: EvaluateOptions) => Promise<EvaluationResult>
  /** Mean loss on one batch of own training examples, the same batch for every call with the same round */
  sampleLoss: (parameters: Float32Array, options?: AbortOptions & { round?: number }) => Promise<number>
}

/**
 * The product's rounds of one peer on its own, seen update after update
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { anySignal } from 'any-signal'
import { lonelyRounds } from '../simulation/lonely-rounds.ts'
import { participationScores } from './participation-scores.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { AbortOptions, EvaluationResult, LocalSteps, TrainResult } from '../interface.ts'
import type { GradientProjections } from './canary-scores.ts'
import type { Participation } from './participation-scores.ts'

export interface AuditedTrainingInit {
  /** A part of a round, as in a node */
  train: (parameters: Float32Array, options: { round: number }) => TrainResult
  /** d, of a model */
  parameterCount: number
  /** Updates that are seen of a round, one for each call of `train` */
  updates: number
  /** Of a canary that is in, in one update */
  participation: Participation
  /** How an update becomes the sum of gradients that it was made from */
  gradientOf: UpdateGradient
  /** On the clipped gradients of the canaries */
  project: GradientProjections
  /** Classes of the canaries */
  labels: ArrayLike<number>
}

export interface AuditedRoundsInit extends Omit<AuditedTrainingInit, 'parameterCount'> {
  /** Of the federation: `train` makes a part of its rounds */
  document: FederationDocument
  /** The model that the federation starts with */
  parameters: Float32Array
  rounds: number
  evaluate: (parameters: Float32Array) => EvaluationResult
}

/** Divides what an optimiser multiplies by */
export interface UpdateGradient {
  /** Of a round, as all peers know it */
  learningRate: (round: number) => number
  /** Of the optimiser, where an update is one step; else 0 */
  momentum: number
  /** The expected batch size, by which a sum of gradients was divided */
  batchSize: number
}

export interface AuditedRounds {
  /** The last model that was published */
  parameters: Float32Array
  /** One for each canary: higher speaks for one that was trained on */
  scores: Float64Array
  /** Optimiser steps in all rounds */
  steps: number
  /** Those that took a step: only they touch the data */
  trainedRounds: number
  /** Of the last model on the test examples, 0 to 1 */
  accuracy: number
}

export interface AuditedRoundsOptions extends AbortOptions {
  /** Called after each round */
  onRound?: (round: number) => void
}

/**
 * Trains and scores, holding no more than a few models at a time
 *
 * Every update starts from the model that the one before it ended with: no neighbour's model is mixed in, which would
 * blur what a neighbour sees. Throws what `train` throws, at once, and the signal's reason between two updates
 */
export async function auditedRounds (init: AuditedRoundsInit, { signal, onRound }: AuditedRoundsOptions = {}): Promise<AuditedRounds> {
  const { document, parameters, rounds, evaluate } = init
  const audited = new AuditedTraining({ ...init, parameterCount: parameters.length })
  // a node goes on after a round that failed: nothing can be said of that
  const failure = new AbortController()
  const either = anySignal([signal, failure.signal])
  const trainer = {
    initialParameters: async () => parameters,
    train: async (before: Float32Array, { round = 0 }: LocalSteps = {}) => audited.train(before, { round, signal: either }).catch((err: unknown) => {
      failure.abort(err)
      throw err
    }),
    evaluate: async (model: Float32Array) => evaluate(model),
    // no neighbour's model is there to be judged
    sampleLoss: async () => Infinity
  }
  try {
    const last = await lonelyRounds({ document, trainer, rounds, signal: either, onRound: ({ round }) => { onRound?.(round) } })
    const { scores, steps, trainedRounds } = audited
    return { parameters: last.parameters, scores, steps, trainedRounds, accuracy: last.report.accuracy ?? evaluate(last.parameters).accuracy! }
  } finally {
    either.clear()
  }
}

/** Makes the training of a round out of updates, and scores each */
export class AuditedTraining {
  private readonly init: AuditedTrainingInit
  private readonly gradients: UpdateGradients
  readonly scores: Float64Array
  steps = 0
  trainedRounds = 0

  constructor (init: AuditedTrainingInit) {
    this.init = init
    this.gradients = new UpdateGradients(init.gradientOf, init.parameterCount)
    this.scores = new Float64Array(init.labels.length)
  }

  async train (parameters: Float32Array, { round, signal }: { round: number } & AbortOptions): Promise<TrainResult> {
    let result: TrainResult = { parameters, loss: 0, examples: 0, steps: 0 }
    for (let update = 0; update < this.init.updates; update++) {
      // training blocks the thread: whoever waits gets a turn
      await nextTurn(undefined, { ...(signal === undefined ? {} : { signal }) })
      const before = result.parameters
      const trained = this.init.train(before, { round })
      if (trained.steps > 0) {
        this.score(before, trained.parameters, round)
      }
      result = { ...trained, examples: result.examples + trained.examples, steps: result.steps + trained.steps }
    }
    this.steps += result.steps
    this.trainedRounds += result.steps > 0 ? 1 : 0
    return result
  }

  private score (before: Float32Array, after: Float32Array, round: number): void {
    const { project, labels, participation } = this.init
    const observed = project(before, this.gradients.next(before, after, round))
    participationScores({ ...observed, labels }, participation).forEach((score, canary) => { this.scores[canary]! += score })
  }
}

/**
 * Turns models back into gradients: the noise of a gradient does not shrink with the learning rate, nor is momentum's
 * it fresh
 */
class UpdateGradients {
  private readonly init: UpdateGradient
  private readonly velocity: Float64Array

  constructor (init: UpdateGradient, parameterCount: number) {
    this.init = init
    this.velocity = new Float64Array(parameterCount)
  }

  /** The sum of gradients between two models, one after the other */
  next (before: Float32Array, after: Float32Array, round: number): Float64Array {
    const { learningRate, momentum, batchSize } = this.init
    const rate = learningRate(round)
    return this.velocity.map((last, at) => {
      const velocity = (before[at]! - after[at]!) / rate
      this.velocity[at] = velocity
      return batchSize * (velocity - momentum * last)
    })
  }
}

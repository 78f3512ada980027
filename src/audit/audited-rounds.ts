/**
 * The training of one peer on its own, seen update after update
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { participationScores } from './participation-scores.ts'
import type { AbortOptions, TrainResult } from '../interface.ts'
import type { GradientProjections } from './canary-scores.ts'
import type { Participation } from './participation-scores.ts'

export interface AuditedRoundsInit {
  /** A part of a round, as in a node */
  train: (parameters: Float32Array, options: { round: number }) => TrainResult
  /** The model that the federation starts with */
  parameters: Float32Array
  rounds: number
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
}

export interface AuditedRoundsOptions extends AbortOptions {
  /** Called after each round */
  onRound?: (round: number) => void
}

/**
 * Trains and scores, holding no more than two models at a time
 *
 * Every update starts from the model that the one before it ended with: no neighbour's model is mixed in, which would
 * blur what a neighbour sees. Throws what `train` throws, and the signal's reason between two updates
 */
export async function auditedRounds (init: AuditedRoundsInit, { signal, onRound }: AuditedRoundsOptions = {}): Promise<AuditedRounds> {
  const gradients = new UpdateGradients(init.gradientOf, init.parameters.length)
  const scores = new Float64Array(init.labels.length)
  let before = init.parameters
  let [steps, trainedRounds] = [0, 0]
  for (let round = 1; round <= init.rounds; round++) {
    let trainedSteps = 0
    for (let update = 0; update < init.updates; update++) {
      // training blocks the thread: whoever waits gets a turn
      await nextTurn(undefined, { ...(signal === undefined ? {} : { signal }) })
      const trained = init.train(before, { round })
      if (trained.steps > 0) {
        const observed = init.project(before, gradients.next(before, trained.parameters, round))
        participationScores({ ...observed, labels: init.labels }, init.participation).forEach((score, canary) => { scores[canary]! += score })
      }
      trainedSteps += trained.steps
      before = trained.parameters
    }
    steps += trainedSteps
    trainedRounds += trainedSteps > 0 ? 1 : 0
    onRound?.(round)
  }
  return { parameters: before, scores, steps, trainedRounds }
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

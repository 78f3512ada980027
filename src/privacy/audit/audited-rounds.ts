/**
 * The training of one peer on its own, seen by a neighbour round after round
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { updateScores } from './canary-scores.ts'
import type { AbortOptions, TrainResult } from '../../interface.ts'
import type { GradientProducts } from './canary-scores.ts'

export interface AuditedRoundsInit {
  /** One round, as in a node */
  train: (parameters: Float32Array, options: { round: number }) => TrainResult
  /** The model that the federation starts with */
  parameters: Float32Array
  rounds: number
  /** Of a round, as all peers know it */
  learningRate: (round: number) => number
  /** With the clipped gradients of the canaries */
  products: GradientProducts
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
 * Every round starts from the model that the one before it published: no neighbour's model is mixed in, which would blur what a
 * neighbour sees. Throws what `train` throws, and the signal's reason between two rounds
 */
export async function auditedRounds (init: AuditedRoundsInit, { signal, onRound }: AuditedRoundsOptions = {}): Promise<AuditedRounds> {
  let before = init.parameters
  let scores = new Float64Array()
  let [steps, trainedRounds] = [0, 0]
  for (let round = 1; round <= init.rounds; round++) {
    // training blocks the thread: whoever waits gets a turn
    await nextTurn(undefined, { ...(signal === undefined ? {} : { signal }) })
    const trained = init.train(before, { round })
    if (trained.steps > 0) {
      const own = updateScores([{ before, after: trained.parameters }], init.products)
      // the noise of a gradient does not shrink with the learning rate: neither may its weight
      scores = own.map((score, canary) => (scores[canary] ?? 0) + score / init.learningRate(round))
      trainedRounds++
    }
    steps += trained.steps
    before = trained.parameters
    onRound?.(round)
  }
  return { parameters: before, scores, steps, trainedRounds }
}

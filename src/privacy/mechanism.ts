/**
 * What one round costs and what noise it takes: the mechanism as the accountants see it
 *
 * Poisson sampling with q = batchSize / N, so that batchSize is what a batch is expected to hold. Pure.
 */
import type { FederationDocument } from '../federation.ts'
import type { DpSgdSettings } from './settings.ts'

/** Equal steps that a round takes */
export interface RoundCharge {
  mechanism: 'dp-sgd' | 'update-level'
  /** q: probability with which an example takes part in a step; 1 for whole updates */
  sampleRate: number
  /** sigma, with everything that was learned privately on the way */
  noiseMultiplier: number
  steps: number
}

type Document = Pick<FederationDocument, 'privacy' | 'training'>

/** Optimiser steps of a round on N examples; a pass over the data is N / batchSize steps, rounded up */
export function stepsOf ({ training: { steps, epochs = 1, batchSize } }: Pick<FederationDocument, 'training'>, examples: number): number {
  return steps ?? epochs * Math.ceil(examples / batchSize)
}

/** Undefined when the document asks for no privacy */
export function roundCharge (document: Document, examples: number): RoundCharge | undefined {
  const { privacy, training } = document
  switch (privacy.mechanism) {
    case 'none': return undefined
    case 'update-level': return { mechanism: 'update-level', sampleRate: 1, noiseMultiplier: privacy.noiseMultiplier, steps: 1 }
    case 'dp-sgd': return {
      mechanism: 'dp-sgd',
      sampleRate: Math.min(1, training.batchSize / examples),
      noiseMultiplier: privacy.noiseMultiplier,
      steps: stepsOf(document, examples)
    }
  }
}

/**
 * How far the noise alone moves d parameters in a round, at least: a model that starts at zero is that long after its first one,
 * and no liar for it. 0 without a mechanism, and with DP-SGD and an optimiser that scales its steps itself
 */
export function noiseReach ({ privacy, training }: Document, parameterCount: number, examples: number): number {
  if (privacy.mechanism === 'update-level') {
    return privacy.noiseMultiplier * privacy.clipNorm * Math.sqrt(parameterCount)
  }
  if (privacy.mechanism === 'none' || training.optimizer.name !== 'sgd') {
    return 0
  }
  const { learningRate, momentum } = training.optimizer
  const step = learningRate * privacy.noiseMultiplier * privacy.clipNorm * Math.sqrt(parameterCount) / Math.min(training.batchSize, examples)
  return step * Math.sqrt(stepsOf({ training }, examples)) / (1 - momentum)
}

/**
 * Noise multiplier of the gradients. With adaptive clipping a part of the budget goes to the noisy count: both together cost as much as
 * `noiseMultiplier` alone (Andrew et al. 2021, theorem 1: z_gradient = (z^-2 - (2 sigma_b)^-2)^-1/2)
 *
 * Throws RangeError when the count's noise is so small that nothing is left
 */
export function gradientNoiseMultiplier ({ noiseMultiplier, adaptiveClipping }: Pick<DpSgdSettings, 'noiseMultiplier' | 'adaptiveClipping'>): number {
  if (adaptiveClipping === undefined) {
    return noiseMultiplier
  }
  const left = noiseMultiplier ** -2 - (2 * adaptiveClipping.countDeviation) ** -2
  if (left <= 0) {
    throw new RangeError(`privacy.adaptiveClipping.countDeviation must be more than half of privacy.noiseMultiplier (${noiseMultiplier}), not ${adaptiveClipping.countDeviation}: the count alone would spend the whole budget`)
  }
  return left ** -0.5
}

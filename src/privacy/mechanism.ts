/**
 * What one round costs and what noise it takes: the mechanism as the accountants see it
 *
 * Poisson sampling with q = batchSize / N, so that batchSize is what a batch is expected to hold. Pure.
 */
import { gradientNoiseMultiplier } from '../federation/noise-multiplier.ts'
import type { FederationDocument } from '../federation/document.ts'

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
 * How far the noise alone moves d parameters in a round, about: a model that starts at zero is that long after its
 * first one, and no liar for it. 0 without privacy
 *
 * Plain steps add up as a random walk, which momentum stretches. Adam's do not follow the noise's size: a coordinate
 * moves by about the learning rate a step at most (Kingma and Ba 2015, section 2.1; more only after gradients that were
 * much smaller, which noise does not make), in one direction where the gradient has one
 */
export function noiseReach ({ privacy, training }: Document, parameterCount: number, examples: number): number {
  const root = Math.sqrt(parameterCount)
  switch (privacy.mechanism) {
    case 'none': return 0
    case 'update-level': return privacy.clipNorm * (1 + privacy.noiseMultiplier * root)
    case 'dp-sgd': {
      const { optimizer, batchSize } = training
      const steps = stepsOf({ training }, examples)
      return optimizer.name === 'adam'
        ? optimizer.learningRate * root * steps
        : optimizer.learningRate * gradientNoiseMultiplier(privacy) * privacy.clipNorm * root / Math.min(batchSize, examples) * Math.sqrt(steps) / (1 - optimizer.momentum)
    }
  }
}

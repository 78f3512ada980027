/**
 * What an auditor sees of training: single steps where he can, and not only the rounds that a neighbour sees
 *
 * The epsilon of DP-SGD is that of an observer who sees every step (Abadi et al. 2016: composition), so that an audit
 * may as well. A round of ten steps shows little: after the first of them the gradients are no longer those at its
 * start.
 */
import { learningRateOf } from '../federation/learning-rate.ts'
import { stepsOf } from '../privacy/mechanism.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { AuditedTrainingInit } from './audited-rounds.ts'

/** Gradients of canaries that an audit computes, about; with more, an update is made of several steps */
const MOST_GRADIENTS = 80_000

/**
 * Expected participations below which a canary that is in may well never have been sampled, and so looks like one that
 * is out
 */
const OFTEN = 3

export interface AuditView extends Pick<AuditedTrainingInit, 'updates' | 'participation' | 'gradientOf'> {
  /** The same training, in rounds that are one update each */
  document: FederationDocument
  /** False: it is of no use to guess who is out */
  isOftenSampled: boolean
}

export interface AuditSize {
  /** With the canaries that are in */
  exampleCount: number
  /** The same before the coins fall: guesses may know nothing of them, not even how many say in */
  expectedCount: number
  rounds: number
  canaryCount: number
}

/** How training by this document is seen. Pure */
export function auditView (document: FederationDocument, { exampleCount, expectedCount, rounds, canaryCount }: AuditSize): AuditView {
  const { training, privacy } = document
  const { optimizer } = training
  const learningRate = (round: number): number => learningRateOf(optimizer, round)
  // whole passes over the data cannot be cut into steps, and the noise of whole updates comes at their end
  if (privacy.mechanism === 'update-level' || (privacy.mechanism === 'none' && training.steps === undefined)) {
    // all examples take part in each round, once or more; the mean gradient will do, as only its direction counts
    return { document, updates: 1, participation: { steps: 1, sampleRate: 1 }, gradientOf: { learningRate, momentum: 0, batchSize: 1 }, isOftenSampled: true }
  }
  const steps = stepsOf(document, exampleCount)
  const sampleRate = Math.min(1, training.batchSize / expectedCount)
  const own = stepsOfUpdate(steps, MOST_GRADIENTS / (rounds * canaryCount))
  const { epochs: _, ...rest } = training
  return {
    document: { ...document, training: { ...rest, steps: own } },
    updates: steps / own,
    participation: { steps: own, sampleRate },
    gradientOf: { learningRate, momentum: own === 1 && optimizer.name === 'sgd' ? optimizer.momentum : 0, batchSize: Math.min(training.batchSize, exampleCount) },
    isOftenSampled: rounds * stepsOf(document, expectedCount) * sampleRate >= OFTEN
  }
}

/** The fewest steps that divide those of a round into no more updates than this, or all of them */
function stepsOfUpdate (steps: number, mostUpdates: number): number {
  for (let own = 1; own < steps; own++) {
    if (steps % own === 0 && steps / own <= mostUpdates) {
      return own
    }
  }
  return steps
}

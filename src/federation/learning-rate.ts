/**
 * The learning rate of a round: constant, or falling linearly to zero
 *
 * The last iterate of stochastic gradient descent is as good as an average of iterates when the rate falls linearly
 * (Defazio et al. 2023, "Optimal Linear Decay Learning Rate Schedules and Further Refinements"), which is what peers
 * exchange: no second model is kept to average them. By rounds, not by steps: all peers of a federation count the same
 * rounds.
 */
import type { OptimizerSettings } from './document.ts'

/**
 * learningRate x max(0, 1 - (round - 1) / decayRounds). Rounds count from 1; before that the rate is that of the first
 */
export function learningRateOf ({ learningRate, decayRounds }: Pick<OptimizerSettings, 'learningRate' | 'decayRounds'>, round: number): number {
  return decayRounds === undefined ? learningRate : learningRate * Math.min(1, Math.max(0, 1 - (round - 1) / decayRounds))
}

/** The last round whose learning rate is not zero; Infinity where it stays */
export function lastLearningRound ({ decayRounds = Infinity }: Pick<OptimizerSettings, 'decayRounds'>): number {
  return decayRounds
}

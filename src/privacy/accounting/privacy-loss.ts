/**
 * The privacy loss of one step of the Poisson-subsampled Gaussian mechanism
 *
 * With the example the outcome has distribution (1 - q) N(0, s^2) + q N(1, s^2), without it N(0, s^2) (Mironov, Talwar,
 * Zhang 2019, section 3; units of the clip norm). The loss of an outcome x is the logarithm of the ratio of the two
 * densities, L(x) = ln((1 - q) + q e^{(2x - 1) / (2 s^2)}), which grows with x. Removing the example and adding one are
 * two different pairs; both must be counted to the end, and the worse one holds (Zhu, Dong, Wang 2022, "Optimal
 * accounting of differential privacy via characteristic function", proposition 30).
 */
import { logAdd } from './log-space.ts'
import { erf, normalTail } from './special-functions.ts'
import type { SampledGaussian } from './renyi-divergence.ts'

/**
 * `remove`: outcomes are drawn with the example there, and the loss is L. `add`: they are drawn without it, and the
 * loss is -L
 */
export type Direction = 'remove' | 'add'

export const DIRECTIONS: readonly Direction[] = ['remove', 'add']

/** Beyond this exponent e^x would overflow, and 1 - q no longer counts beside q e^x */
const LARGE_EXPONENT = 600

const HALF_LOG_TWO_PI = 0.9189385332046728

/** L(x), nats */
export function lossAt ({ sampleRate: q, noiseMultiplier: sigma }: SampledGaussian, outcome: number): number {
  const exponent = (2 * outcome - 1) / (2 * sigma * sigma)
  if (q === 1) {
    return exponent
  }
  return exponent < LARGE_EXPONENT ? Math.log1p(q * Math.expm1(exponent)) : exponent + Math.log(q)
}

/** The x at which L(x) is `loss`; -Infinity for losses that no outcome has */
export function outcomeAt ({ sampleRate: q, noiseMultiplier: sigma }: SampledGaussian, loss: number): number {
  const variance = sigma * sigma
  if (q === 1) {
    return variance * loss + 0.5
  }
  if (loss > 1) {
    return variance * (loss + Math.log1p((q - 1) * Math.exp(-loss)) - Math.log(q)) + 0.5
  }
  const ratio = Math.expm1(loss) / q
  return ratio > -1 ? variance * Math.log1p(ratio) + 0.5 : -Infinity
}

/**
 * No loss in this direction, but for some of this probability, is above this one, nats; Infinity when there is no bound
 */
export function largestLoss (mechanism: SampledGaussian, direction: Direction, tail: number): number {
  const { from, to } = outcomeRange(mechanism, direction, { tail, lowTail: tail })
  return direction === 'add' ? -lossAt(mechanism, from) : lossAt(mechanism, to)
}

/**
 * Distance in total variation of the two distributions, q (Phi(1 / (2 s)) - Phi(-1 / (2 s))): the delta of epsilon 0.
 * That of a composition is at most the sum
 */
export function totalVariation ({ sampleRate: q, noiseMultiplier: sigma }: SampledGaussian): number {
  return q * erf(Math.SQRT1_2 / (2 * sigma))
}

/** Logarithm of the density from which this direction draws its outcomes */
export function logDensity ({ sampleRate: q, noiseMultiplier: sigma }: SampledGaussian, direction: Direction, outcome: number): number {
  const without = logNormalDensity(outcome / sigma) - Math.log(sigma)
  if (direction === 'add') {
    return without
  }
  const within = Math.log(q) + logNormalDensity((outcome - 1) / sigma) - Math.log(sigma)
  return logAdd(Math.log1p(-q) + without, within)
}

/** Of the standard normal distribution */
function logNormalDensity (standardScore: number): number {
  return -0.5 * standardScore * standardScore - HALF_LOG_TWO_PI
}

/** An upper bound of the z above which a standard normal variable has this much probability; at least 1 */
function tailScore (probability: number): number {
  return probability < 0.5 ? Math.max(1, Math.sqrt(-2 * Math.log(2 * probability))) : 1
}

/** Outcomes from one to the other, and the probabilities of those outside in the direction's own distribution */
export interface OutcomeRange {
  readonly from: number
  readonly to: number
  /** Of those with larger losses */
  readonly above: number
  /** Of those with smaller losses */
  readonly below: number
}

/**
 * A range outside of which there is at most `tail` on the side of the larger losses and `lowTail` on that of the
 * smaller ones
 */
export function outcomeRange (mechanism: SampledGaussian, direction: Direction, tails: { tail: number, lowTail: number }): OutcomeRange {
  const { sampleRate: q, noiseMultiplier: sigma } = mechanism
  if (direction === 'add') {
    return withTails(mechanism, direction, { from: -sigma * tailScore(tails.tail), to: sigma * tailScore(tails.lowTail) })
  }
  const to = Math.max(1 + sigma * tailScore(tails.tail / (2 * q)), q < 1 ? sigma * tailScore(tails.tail / (2 - 2 * q)) : 0)
  return withTails(mechanism, direction, { from: (q < 1 ? 0 : 1) - sigma * tailScore(tails.lowTail), to })
}

/** The range without the losses below this one */
export function aboveLoss (mechanism: SampledGaussian, direction: Direction, range: OutcomeRange, loss: number): OutcomeRange {
  return direction === 'add'
    ? withTails(mechanism, direction, { from: range.from, to: Math.min(range.to, Math.max(range.from, outcomeAt(mechanism, -loss))) })
    : withTails(mechanism, direction, { from: Math.max(range.from, Math.min(range.to, outcomeAt(mechanism, loss))), to: range.to })
}

function withTails ({ sampleRate: q, noiseMultiplier: sigma }: SampledGaussian, direction: Direction, { from, to }: { from: number, to: number }): OutcomeRange {
  if (direction === 'add') {
    return { from, to, above: normalTail(-from / sigma), below: normalTail(to / sigma) }
  }
  const mixtureTail = (near: number, far: number): number => (1 - q) * normalTail(near / sigma) + q * normalTail(far / sigma)
  return { from, to, above: mixtureTail(to, to - 1), below: mixtureTail(-from, 1 - from) }
}

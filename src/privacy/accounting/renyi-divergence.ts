/**
 * Rényi divergence of one step of the Poisson-subsampled Gaussian mechanism
 *
 * Mironov, Talwar, Zhang 2019, "Rényi differential privacy of the sampled Gaussian mechanism", sections 3.3: the
 * divergence of order alpha is ln A / (alpha - 1) with
 * A = E_{x ~ N(0, s^2)} [ ((1 - q) + q e^{(2x - 1) / (2 s^2)})^alpha ].
 */
import { log1pExp, logAdd, logExpm1 } from './log-space.ts'
import { logErfc, logGamma } from './special-functions.ts'

/**
 * Terms of a fractional order's series before the order counts as not converging; Google's dp_accounting stops there
 * too
 */
const MAX_TERMS = 1000

/** Terms this many nats below the sum no longer change it: e^-30 = 1e-13 */
const NEGLIGIBLE_NATS = 30

/** Rounding in A, which is near 1, of which the logarithm is taken; far below what any number of steps makes visible */
const SERIES_ROUNDING = 1e-14

export interface SampledGaussian {
  /** q in (0, 1] */
  readonly sampleRate: number
  /** sigma > 0 */
  readonly noiseMultiplier: number
}

/**
 * Rényi divergence of this order, an upper bound, in nats
 *
 * `order` is above 1. Whole orders are exact. For others the series has terms of both signs, and as in Google's
 * dp_accounting all of them are counted as positive: up to 4 % too much at order 1.5, less above. +Infinity where that
 * series does not converge, and where the divergence overflows
 */
export function sampledGaussianDivergence ({ sampleRate, noiseMultiplier }: SampledGaussian, order: number): number {
  const twoVariances = 2 * noiseMultiplier * noiseMultiplier
  if (twoVariances === 0) {
    return Infinity
  }
  if (sampleRate === 1) {
    return order / twoVariances
  }
  const logA = Number.isInteger(order)
    ? logMomentWhole(sampleRate, twoVariances, order)
    : logMomentFractional(sampleRate, noiseMultiplier, order)
  return logA / (order - 1)
}

/**
 * ln A for a whole order
 *
 * The exponents of the terms k = 0 and 1 are 0 and all binomial probabilities add up to 1, so A - 1 is the sum of
 * probability times (e^exponent - 1) from k = 2 on: no digits are lost when A is near 1
 */
function logMomentWhole (q: number, twoVariances: number, order: number): number {
  const logQ = Math.log(q)
  const logRest = Math.log1p(-q)
  let logExcess = -Infinity
  for (let k = 2; k <= order; k++) {
    const logProbability = logBinomial(order, k) + k * logQ + (order - k) * logRest
    const exponent = k * (k - 1) / twoVariances
    if (exponent === Infinity) {
      return Infinity
    }
    // A noise so large that the exponent underflows is not no leak
    logExcess = logAdd(logExcess, logProbability + logExpm1(Math.max(exponent, Number.MIN_VALUE)))
  }
  return log1pExp(logExcess)
}

/** ln A for an order that is not whole: the integral is split at z0, where both parts of the mixture weigh the same */
function logMomentFractional (q: number, sigma: number, order: number): number {
  const split = sigma * sigma * (Math.log1p(-q) - Math.log(q)) + 0.5
  let total = -Infinity
  let previous = { below: -Infinity, above: -Infinity }
  for (let i = 0; i < MAX_TERMS; i++) {
    const terms = fractionalTerms({ q, sigma, order, split }, i)
    total = logAdd(total, logAdd(terms.below, terms.above))
    if (total === Infinity || Number.isNaN(total)) {
      return Infinity
    }
    const decreasing = terms.below < previous.below && terms.above < previous.above
    if (decreasing && Math.max(terms.below, terms.above) < total - NEGLIGIBLE_NATS) {
      return Math.max(0, total) + SERIES_ROUNDING
    }
    previous = terms
  }
  return Infinity
}

/** Logarithms of the i-th terms of the integrals below and above the split */
function fractionalTerms ({ q, sigma, order, split }: { q: number, sigma: number, order: number, split: number }, i: number): { below: number, above: number } {
  const j = order - i
  const logCoefficient = logBinomial(order, i)
  const logQ = Math.log(q)
  const logRest = Math.log1p(-q)
  const twoVariances = 2 * sigma * sigma
  return {
    below: logCoefficient + i * logQ + j * logRest + i * (i - 1) / twoVariances + logHalfErfc((i - split) / sigma),
    above: logCoefficient + j * logQ + i * logRest + j * (j - 1) / twoVariances + logHalfErfc((split - j) / sigma)
  }
}

function logHalfErfc (standardScore: number): number {
  return logErfc(standardScore * Math.SQRT1_2) - Math.LN2
}

/** ln |n over k| for any real n */
function logBinomial (n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
}

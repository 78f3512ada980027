/**
 * Binomial probabilities as logarithms, so that tails far below the smallest float64 keep their precision
 */
import { largestWhere } from './largest-where.ts'

/**
 * ln P[Binomial(trials, p) = k] for k = 0 .. trials, where p = 1 / (1 + e^-logit)
 *
 * ln C(n, k) + k ln p + (n - k) ln(1 - p), with ln p - ln(1 - p) = logit: neither p nor 1 - p is ever rounded to one.
 * Absolute error below 1e-9 up to 100,000 trials
 */
export function logBinomialMasses (trials: number, logit: number): Float64Array {
  const masses = new Float64Array(trials + 1)
  const logSuccess = -log1pExp(-logit)
  const logFailure = -log1pExp(logit)
  let logChoose = 0
  for (let k = 0; k <= trials; k++) {
    masses[k] = logChoose + k * logSuccess + (trials - k) * logFailure
    logChoose += Math.log((trials - k) / (k + 1))
  }
  return masses
}

/** ln P[Binomial(trials, p) >= least], where p = 1 / (1 + e^-logit); -Infinity when `least` is above `trials` */
export function logBinomialTail (trials: number, least: number, logit: number): number {
  return least <= 0 ? 0 : logSum(logBinomialMasses(trials, logit).subarray(least))
}

/**
 * The largest p with P[Binomial(trials, p) <= count] >= 1 - confidence: Clopper and Pearson 1934, one-sided
 *
 * With this confidence the rate behind `count` successes in `trials` is not above it
 */
export function rateUpperBound (count: number, trials: number, confidence: number): number {
  if (count >= trials) {
    return 1
  }
  const logLimit = Math.log1p(-confidence)
  // as many failures at least, at the opposite odds
  const isPossible = (logit: number): boolean => logBinomialTail(trials, trials - count, -logit) >= logLimit
  const logit = largestWhere(isPossible, -1, 1)
  return 1 / (1 + Math.exp(-logit))
}

/** ln of the sum of e^value; -Infinity of none */
function logSum (values: Float64Array): number {
  const greatest = values.reduce((most, value) => Math.max(most, value), -Infinity)
  if (greatest === -Infinity) {
    return greatest
  }
  return Math.min(0, greatest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - greatest), 0)))
}

/** ln(1 + e^x) */
function log1pExp (x: number): number {
  return Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)))
}

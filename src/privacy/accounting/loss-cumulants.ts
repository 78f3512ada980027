/**
 * Cumulant function of the privacy loss, ln E[e^(tilt L)], and what follows from it for a whole composition
 *
 * The cumulant functions of independent steps add up. By Chernoff they tell roughly where on the axis of losses an
 * (epsilon, delta) lies; nothing here need be exact, since the distribution computed there is bounded on its own.
 */
import { logDensity, lossAt, outcomeRange } from './privacy-loss.ts'
import type { Direction } from './privacy-loss.ts'
import type { SampledGaussian } from './renyi-divergence.ts'

/** The cumulant function and its first two derivatives at one tilt: logarithm of the moment, mean, variance */
export interface Cumulants {
  readonly value: number
  readonly mean: number
  readonly variance: number
}

/** For any real tilt */
export type CumulantFunction = (tilt: number) => Cumulants

/** Probability of small losses that is left out */
const LOW_TAIL = 1e-300

/**
 * Of the loss of one step without its largest ones, of probability `tail` together
 *
 * Without that, a moment may consist of nothing but losses that are rarer than any delta. By the trapezoidal rule, which
 * converges exponentially for such integrands
 */
export function stepCumulants (mechanism: SampledGaussian, direction: Direction, tail: number): CumulantFunction {
  const { noiseMultiplier: sigma } = mechanism
  const { from, to } = outcomeRange(mechanism, direction, { tail, lowTail: LOW_TAIL })
  // The loss bends within sigma^2, the density within sigma
  const width = Math.min(sigma / 4, sigma * sigma / 2)
  const count = Math.floor((to - from) / width) + 1
  const logWeights = new Float64Array(count)
  const losses = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const outcome = direction === 'add' ? from + i * width : to - i * width
    logWeights[i] = logDensity(mechanism, direction, outcome) + Math.log(width)
    losses[i] = lossAt(mechanism, outcome) * (direction === 'remove' ? 1 : -1)
  }
  return (tilt) => cumulantsOf(logWeights, losses, tilt)
}

function cumulantsOf (logWeights: Float64Array, losses: Float64Array, tilt: number): Cumulants {
  const count = losses.length
  let largest = -Infinity
  for (let i = 0; i < count; i++) {
    largest = Math.max(largest, logWeights[i]! + tilt * losses[i]!)
  }
  const weights = new Float64Array(count)
  let total = 0
  let sum = 0
  for (let i = 0; i < count; i++) {
    weights[i] = Math.exp(logWeights[i]! + tilt * losses[i]! - largest)
    total += weights[i]!
    sum += weights[i]! * losses[i]!
  }
  const mean = sum / total
  let squares = 0
  for (let i = 0; i < count; i++) {
    squares += weights[i]! * (losses[i]! - mean) ** 2
  }
  return { value: largest + Math.log(total), mean, variance: squares / total }
}

/** Of the sum of independent losses */
export function composedCumulants (parts: ReadonlyArray<{ steps: number, cumulants: CumulantFunction }>): CumulantFunction {
  return (tilt) => {
    const sum = { value: 0, mean: 0, variance: 0 }
    for (const { steps, cumulants } of parts) {
      const { value, mean, variance } = cumulants(tilt)
      sum.value += steps * value
      sum.mean += steps * mean
      sum.variance += steps * variance
    }
    return sum
  }
}

/**
 * The tilt > 0 whose Chernoff bound min_t e^(K(t) - t l) reaches this ln(probability) < 0, at l = K'(t); undefined when
 * the probability is beyond float64
 */
export function chernoffTilt (cumulants: CumulantFunction, logProbability: number): number | undefined {
  return leastTilt(cumulants, (tilt, { value, mean }) => value - tilt * mean <= logProbability)
}

/**
 * The tilt >= 0 under which the mean loss is this one; 0 when it is no more than the mean without a tilt, undefined when
 * no loss is so large, or its probability is beyond float64
 */
export function tiltOfMean (cumulants: CumulantFunction, loss: number): number | undefined {
  return cumulants(0).mean >= loss ? 0 : leastTilt(cumulants, (_, { mean }) => mean >= loss)
}

/** Doublings of the tilt before the search gives up */
const MAX_DOUBLINGS = 100

/** The tilt from which on `reached` holds, to 1 part in 1000; undefined when it never does */
function leastTilt (cumulants: CumulantFunction, reached: (tilt: number, at: Cumulants) => boolean): number | undefined {
  const unit = 1 / Math.sqrt(Math.max(cumulants(0).variance, Number.MIN_VALUE))
  let high = unit / 1024
  for (let doubling = 0; !reached(high, cumulants(high)); doubling++) {
    if (doubling === MAX_DOUBLINGS) {
      return undefined
    }
    high *= 2
  }
  let low = high / 2
  while (high - low > 1e-3 * high) {
    const middle = (low + high) / 2
    if (reached(middle, cumulants(middle))) {
      high = middle
    } else {
      low = middle
    }
  }
  return high
}

/**
 * Cumulant function of the privacy loss, ln E[e^(tilt L)], and what follows from it for a whole composition
 *
 * The cumulant functions of independent steps add up. By Chernoff they tell roughly where on the axis of losses an
 * (epsilon, delta) lies; nothing here need be exact, since the distribution computed there is bounded on its own.
 */
import { logDensity, lossAt, outcomeRange } from './privacy-loss.ts'
import type { Direction } from './privacy-loss.ts'
import type { SampledGaussian } from './renyi-divergence.ts'

export interface Cumulants {
  /** ln E[e^(tilt L)] */
  readonly value: number
  /** First derivative: the mean loss under this tilt */
  readonly mean: number
  /** Second derivative */
  readonly variance: number
  /** Loss of one step, whatever the tilt */
  readonly largest: number
}

/** For any real tilt */
export type CumulantFunction = (tilt: number) => Cumulants

/**
 * Of the loss of one step without its largest and its smallest ones, of probability `tail` and `lowTail`
 *
 * Without that, a moment may consist of nothing but losses that are rarer than any delta. By the trapezoidal rule,
 * which converges exponentially for such integrands
 */
export function stepCumulants (mechanism: SampledGaussian, direction: Direction, tails: { tail: number, lowTail: number }): CumulantFunction {
  const { noiseMultiplier: sigma } = mechanism
  const { from, to } = outcomeRange(mechanism, direction, tails)
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
  let exponent = -Infinity
  let largest = -Infinity
  for (let i = 0; i < count; i++) {
    exponent = Math.max(exponent, logWeights[i]! + tilt * losses[i]!)
    largest = Math.max(largest, losses[i]!)
  }
  const weights = new Float64Array(count)
  let total = 0
  let sum = 0
  for (let i = 0; i < count; i++) {
    weights[i] = Math.exp(logWeights[i]! + tilt * losses[i]! - exponent)
    total += weights[i]!
    sum += weights[i]! * losses[i]!
  }
  const mean = sum / total
  let squares = 0
  for (let i = 0; i < count; i++) {
    squares += weights[i]! * (losses[i]! - mean) ** 2
  }
  return { value: exponent + Math.log(total), mean, variance: squares / total, largest }
}

/** Of the sum of independent losses */
export function composedCumulants (parts: ReadonlyArray<{ steps: number, cumulants: CumulantFunction }>): CumulantFunction {
  return (tilt) => {
    const sum = { value: 0, mean: 0, variance: 0, largest: -Infinity }
    for (const { steps, cumulants } of parts) {
      const { value, mean, variance, largest } = cumulants(tilt)
      sum.value += steps * value
      sum.mean += steps * mean
      sum.variance += steps * variance
      sum.largest = Math.max(sum.largest, largest)
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
 * The tilt >= 0 under which the mean loss is this one; 0 when it is no more than the mean without a tilt, undefined
 * when no loss is so large, or its probability is beyond float64
 */
export function tiltOfMean (cumulants: CumulantFunction, loss: number): number | undefined {
  return cumulants(0).mean >= loss ? 0 : leastTilt(cumulants, (_, { mean }) => mean >= loss)
}

/** Doublings of the tilt before the search gives up */
const MAX_DOUBLINGS = 100

/** Tilt times loss of one step; with more the masses lose digits, see `MASS_ROUNDING` */
const MAX_EXPONENT = 2 ** 17

/**
 * The tilt from which on `reached` holds, to 1 part in 1000, or the largest sensible one; undefined when there is none
 */
function leastTilt (cumulants: CumulantFunction, reached: (tilt: number, at: Cumulants) => boolean): number | undefined {
  const unit = 1 / Math.sqrt(Math.max(cumulants(0).variance, Number.MIN_VALUE))
  let high = unit / 1024
  for (let doubling = 0; ; doubling++) {
    const at = cumulants(high)
    if (reached(high, at)) {
      break
    }
    if (high * at.largest > MAX_EXPONENT) {
      return high
    }
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

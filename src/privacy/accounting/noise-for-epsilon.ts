/**
 * How much noise a plan needs
 */
import { checkedDelta, checkedEvent } from './accountant.ts'
import { createAccountant } from './accountants.ts'
import type { AccountantName } from './accountant.ts'

export interface NoiseTarget {
  /** Finite, above 0 */
  readonly epsilon: number
  /** In (0, 1) */
  readonly delta: number
  /** q in (0, 1] */
  readonly sampleRate: number
  /** Whole number >= 1 */
  readonly steps: number
  readonly accountant: AccountantName
}

/** Relative; the result is above the least noise multiplier by no more */
const TOLERANCE = 1e-4

/** Beyond these there is no use, and float64 ends */
const LEAST = 1e-3
const MOST = 1e12

/**
 * A noise multiplier with which the steps stay within epsilon, at most 1e-4 (relative) above the least one
 *
 * What the accountant says of the result is never above epsilon. Takes some 15 evaluations: milliseconds with `rdp`, a
 * second with `pld` and many steps. Throws RangeError when a number is outside its bounds
 */
export function noiseForEpsilon ({ epsilon, delta, sampleRate, steps, accountant }: NoiseTarget): number {
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw new RangeError(`epsilon must be a finite number above 0, not ${epsilon}`)
  }
  checkedDelta(delta)
  checkedEvent({ sampleRate, steps, noiseMultiplier: 1 })
  if (steps === 0) {
    throw new RangeError('steps must be at least 1: no step needs no noise')
  }
  const start = createAccountant(accountant)
  const enough = (noiseMultiplier: number): boolean => start.compose({ sampleRate, noiseMultiplier, steps }).epsilon(delta) <= epsilon
  let { high, low } = bracket(enough, accountant === 'rdp' ? 1 : noiseForEpsilon({ epsilon, delta, sampleRate, steps, accountant: 'rdp' }))
  while (high > low * (1 + TOLERANCE)) {
    const middle = Math.sqrt(low * high)
    if (enough(middle)) {
      high = middle
    } else {
      low = middle
    }
  }
  return high
}

/**
 * Two noise multipliers near `guess`, of which `high` is enough and `low` is not; both are the least there is when that
 * is enough
 */
function bracket (enough: (noiseMultiplier: number) => boolean, guess: number): { high: number, low: number } {
  let factor = 1.1
  let high = guess
  let low = guess
  if (enough(guess)) {
    for (low = guess / factor; low > LEAST && enough(low); low /= factor) {
      high = low
      factor *= factor
    }
    return low > LEAST ? { high, low } : endOfRange(enough, high)
  }
  for (high = guess * factor; !enough(high); high *= factor) {
    if (high > MOST) {
      throw new RangeError(`no noise multiplier up to ${MOST} is enough`)
    }
    low = high
    factor *= factor
  }
  return { high, low }
}

function endOfRange (enough: (noiseMultiplier: number) => boolean, high: number): { high: number, low: number } {
  return enough(LEAST) ? { high: LEAST, low: LEAST } : { high, low: LEAST }
}

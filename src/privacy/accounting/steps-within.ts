/**
 * How long a plan may go on
 */
import { checkedDelta, checkedEpsilon, checkedEvent } from './accountant.ts'
import { rdpAccountant } from './rdp.ts'
import type { Accountant } from './accountant.ts'

export interface StepsBudget {
  /** All that may be spent in the end, >= 0 */
  readonly epsilon: number
  /** In (0, 1) */
  readonly delta: number
  /** What was spent so far */
  readonly spent: Accountant
  /** q in (0, 1] of the steps to come */
  readonly sampleRate: number
  /** sigma of the steps to come */
  readonly noiseMultiplier: number
}

/** More steps than anyone takes; so many may be free with enough noise */
const MAX_STEPS = 2 ** 31

/**
 * How many more steps keep the accountant at or below epsilon: 0 when it is there already, at most 2^31
 *
 * With one step more it would say more than epsilon. Takes some 15 evaluations: milliseconds with `rdp`, up to a second
 * with `pld`. Throws RangeError when a number is outside its bounds
 */
export function stepsWithin ({ epsilon, delta, spent, sampleRate, noiseMultiplier }: StepsBudget): number {
  checkedEpsilon(epsilon)
  checkedDelta(delta)
  checkedEvent({ sampleRate, noiseMultiplier, steps: 0 })
  const fit = (accountant: Accountant, steps: number): boolean =>
    accountant.compose({ sampleRate, noiseMultiplier, steps }).epsilon(delta) <= epsilon
  if (spent.name === 'rdp') {
    return mostSteps((steps) => fit(spent, steps), 1)
  }
  // Cheap, and never more than what fits
  const sameByRdp = spent.events.reduce((accountant: Accountant, event) => accountant.compose(event), rdpAccountant())
  return mostSteps((steps) => fit(spent, steps), Math.max(1, mostSteps((steps) => fit(sameByRdp, steps), 1)))
}

/** The most steps that fit, searched for from the guess on */
function mostSteps (fit: (steps: number) => boolean, guess: number): number {
  let low = 0
  let high = guess
  for (let stride = Math.ceil(guess / 8); fit(high); stride *= 2) {
    if (high >= MAX_STEPS) {
      return MAX_STEPS
    }
    low = high
    high = Math.min(MAX_STEPS, high + stride)
  }
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2)
    if (fit(middle)) {
      low = middle
    } else {
      high = middle
    }
  }
  return low
}

/**
 * Where on the axis of losses to look, how finely, and under which tilt
 *
 * All of it costs accuracy at worst, never the bound: see `composed-losses.ts`.
 */
import { chernoffTilt, tiltOfMean } from './loss-cumulants.ts'
import type { CumulantFunction, Cumulants } from './loss-cumulants.ts'

/** One of the two is given, the other one looked for */
export type Target = { readonly logDelta: number } | { readonly epsilon: number }

/** What the discretisation of one step depends on. Rounded to few values, so that one more step finds the same again */
export interface LossGrid {
  /** Distance of neighbouring losses, nats */
  readonly spacing: number
  /** Length of the transform, a power of 2; losses that far apart (in units of spacing) fall on each other */
  readonly cells: number
  /**
   * >= 0: masses are kept times e^(tilt loss), so that those near the target are the largest, and rounding is relative
   * to them
   */
  readonly tilt: number
  /** The tilt with which the mass above the window is bounded */
  readonly tailTilt: number
  /** Probability that one step may give to an infinite loss */
  readonly tail: number
  /** Probability whose loss one step may raise to the least one of its grid */
  readonly lowTail: number
}

export interface LossPlan {
  readonly grid: LossGrid
  /** Least loss of the window, in units of spacing */
  readonly first: number
}

/**
 * How much of epsilon the discretisation may cost, relative, or absolute in units of 1 / tilt when epsilon is less
 *
 * A loss at distances a and b from its neighbours on the grid adds tilt (tilt + 1) a b / 2 to the cumulant function,
 * where a b is spacing^2 / 6 on average; that divided by the tilt is added to epsilon.
 */
const TOLERANCE = 1e-4

const MIN_CELLS = 2 ** 14

/** 10 ms a transform; with some 100,000 steps and more the tolerance grows with their number instead */
const MAX_CELLS = 2 ** 18

/** Share of delta that is spent on losses above the window and on the largest losses of each step */
const LOG_TAIL_SHARE = Math.log(1e-6)

/** Of the tilted probability; what lies outside the window falls into it elsewhere, which only adds to the bound */
const LOG_OUTSIDE = Math.log(1e-12)

const MAX_ROUNDS = 12

/** Losses that lie closer together than this, in units of the loss, are one loss to float64 */
const RESOLUTION = 1e-9

/** Still a normal number after some arithmetic */
export const LEAST_TAIL = 1e-290

const LOW_TAIL = 1e-10

/** Spacing, and spacing times tilt, above which the grid says nothing about single steps any more; 0.01 is usual */
const COARSEST = 4

/** In standard deviations: changes of the tilt with which the ends of the window are bounded, best of all */
const EXPONENTS = [0.25, 0.5, 1, 2, 4, 6, 8, 12, 16, 24]

/** What one step may give to an infinite loss, and what may be raised to the least one of its grid */
export type Tails = Pick<LossGrid, 'tail' | 'lowTail'>

/** Cumulant function of a composition whose steps each lack these tails */
export type TruncatedCumulants = (tails: Tails) => CumulantFunction

/** For a composition of this many steps; undefined when float64 or the grid's length cannot do it */
export function planLosses (truncated: TruncatedCumulants, steps: number, target: Target): LossPlan | undefined {
  const logDelta = 'logDelta' in target ? target.logDelta : logDeltaAt(truncated, steps, target.epsilon)
  if (logDelta === undefined) {
    return undefined
  }
  const tails = tailsAt(logDelta, steps)
  const cumulants = truncated(tails)
  const exactTilt = 'logDelta' in target ? chernoffTilt(cumulants, logDelta) : tiltOfMean(cumulants, target.epsilon)
  const exactTailTilt = chernoffTilt(cumulants, logDelta + LOG_TAIL_SHARE)
  if (exactTilt === undefined || exactTailTilt === undefined) {
    return undefined
  }
  const tilt = exactTilt === 0 ? 0 : rounded(exactTilt, 4)
  const tailTilt = Math.max(tilt, rounded(exactTailTilt, 4))
  const { value, mean, variance } = cumulants(tilt)
  const deviation = Math.sqrt(variance)
  if (!(deviation > RESOLUTION * Math.abs(mean))) {
    return undefined
  }
  const changes = EXPONENTS.map((exponent) => exponent / deviation)
  const top = Math.max(
    (cumulants(tailTilt).value - logDelta - LOG_TAIL_SHARE) / tailTilt,
    Math.min(...changes.map((change) => (cumulants(tilt + change).value - value - LOG_OUTSIDE) / change))
  )
  const bottom = Math.min(
    'epsilon' in target ? target.epsilon - deviation / 16 : Infinity,
    Math.max(...changes.map((change) => (value - cumulants(tilt - change).value + LOG_OUTSIDE) / change))
  )
  const epsilon = 'epsilon' in target ? target.epsilon : (value - logDelta) / tilt
  // Without a tilt, what counts is how much wider the distribution becomes
  const steepness = Math.max(tilt, 1 / deviation)
  const finest = Math.sqrt(12 * TOLERANCE * Math.max(1, tilt * epsilon) / (steps * steepness * (steepness + 1)))
  const cells = Math.min(MAX_CELLS, Math.max(MIN_CELLS, 2 ** Math.ceil(Math.log2((top - bottom) / finest))))
  const spacing = rounded((top - bottom) / cells, 8, Math.ceil)
  return spacing * Math.max(1, tilt) < COARSEST ? { grid: { spacing, cells, tilt, tailTilt, ...tails }, first: Math.floor(bottom / spacing) } : undefined
}

function tailsAt (logDelta: number, steps: number): Tails {
  return {
    tail: rounded(Math.max(LEAST_TAIL, Math.exp(logDelta + LOG_TAIL_SHARE) / (4 * steps)), 1, Math.floor),
    lowTail: rounded(LOW_TAIL / steps, 1, Math.floor)
  }
}

/** Which losses are too rare to matter depends on the delta sought for: a few rounds, from all losses on */
function logDeltaAt (truncated: TruncatedCumulants, steps: number, epsilon: number): number | undefined {
  let logDelta = -Infinity
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const cumulants = truncated(tailsAt(logDelta, steps))
    const tilt = tiltOfMean(cumulants, epsilon)
    if (tilt === undefined && round === 0) {
      return undefined
    }
    // When what is left does not reach epsilon, delta is less than what was left out
    const next: number = tilt === undefined ? logDelta + LOG_TAIL_SHARE : estimatedLogDelta(cumulants(tilt), tilt, epsilon)
    if (Math.abs(next - logDelta) < 1) {
      return next
    }
    logDelta = next
  }
  return logDelta
}

/** Rather too small: the saddle-point estimate of the integral of e^(K(t) - t epsilon) / (t (t + 1)), which delta is */
function estimatedLogDelta ({ value, variance }: Cumulants, tilt: number, epsilon: number): number {
  const divisor = tilt * (tilt + 1) * Math.sqrt(2 * Math.PI * variance)
  return Math.min(value - tilt * epsilon, 0) - Math.log(Math.max(1, divisor)) - 1
}

/** To a power of 2^(1 / parts) */
function rounded (positive: number, parts: number, round: (x: number) => number = Math.round): number {
  return 2 ** (round(parts * Math.log2(positive)) / parts)
}

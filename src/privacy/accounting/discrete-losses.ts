/**
 * One step's privacy losses on a grid, never less private than they are
 *
 * Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022, "Connect the dots: tighter discrete approximations of privacy loss
 * distributions": the outcomes whose loss lies between two neighbours of the grid are given to these two so that their
 * probability with the example and that without it stay what they are. The curve delta(e^epsilon) is convex and the
 * result has its chords as curve, so it is an upper bound for epsilon of any size and any composition. Moving every
 * loss to the upper neighbour would be a bound too, but costs spacing / 2 of epsilon in every step instead of
 * spacing^2 / 12.
 *
 * Differences of distribution functions would lose the digits of narrow intervals. With X the outcome at the upper end,
 * what falls to the lower end is the integral of q n(x - 1) (e^{(X - x) / s^2} - 1) / (e^spacing - 1), and the other
 * way round: integrands without cancellation, integrated by Gauss's rule.
 */
import { log1pExp } from './log-space.ts'
import { stepCumulants } from './loss-cumulants.ts'
import { aboveLoss, lossAt, outcomeAt, outcomeRange } from './privacy-loss.ts'
import type { LossGrid } from './loss-plan.ts'
import type { Direction, OutcomeRange } from './privacy-loss.ts'
import type { SampledGaussian } from './renyi-divergence.ts'

/** A distribution of losses on the whole multiples of a spacing */
export interface DiscreteLosses {
  /** Loss of the first mass, in units of spacing */
  readonly first: number
  /** Probabilities times e^(tilt loss - logScale), of sum 1 */
  readonly masses: Float64Array
  /** ln E[e^(tilt loss); loss < Infinity] */
  readonly logScale: number
  /** ln E[e^(tailTilt loss); loss < Infinity] */
  readonly logTailMoment: number
  /** Probability of an infinite loss */
  readonly infinity: number
}

/** Relative error of every mass: exponents of up to 2^17 in float64, of which the exponential is taken */
export const MASS_ROUNDING = 2 ** -34

/**
 * Nodes and weights of Gauss–Legendre rules on [-1, 1]; Abramowitz & Stegun table 25.4. The second half mirrors the
 * first
 */
const NODES_4 = [0.33998104358485626, 0.8611363115940526]
const WEIGHTS_4 = [0.6521451548625461, 0.34785484513745385]
const NODES_8 = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363]
const WEIGHTS_8 = [0.362683783378362, 0.31370664587788727, 0.22238103445337448, 0.10122853629037626]

const HALF_LOG_TWO_PI = 0.9189385332046728

/** The losses of one step in this direction */
export function discreteLosses (mechanism: SampledGaussian, direction: Direction, grid: LossGrid): DiscreteLosses {
  const logScale = stepCumulants(mechanism, direction, grid)(grid.tilt).value
  // Raised to this loss, all outcomes together would weigh no more than lowTail
  const leastLoss = grid.tilt > 0 ? (logScale + Math.log(grid.lowTail)) / grid.tilt : -Infinity
  const range = aboveLoss(mechanism, direction, outcomeRange(mechanism, direction, grid), leastLoss)
  const { first, masses } = splitOutcomes({ mechanism, grid, range, logScale, exponent: direction === 'remove' ? grid.tilt : -1 - grid.tilt })
  if (direction === 'add') {
    masses.reverse()
  }
  const lowest = direction === 'remove' ? first : 1 - first - masses.length
  // What is below the range gets the upper end of the lowest cell, where its loss cannot be above
  masses[1]! += range.below * Math.exp(grid.tilt * (lowest + 1) * grid.spacing - logScale)
  return normalised({ first: lowest, masses, logScale, infinity: range.above }, grid)
}

/** Masses that are not yet of sum 1, made so; `logScale` is that of the masses given */
export function normalised ({ first, masses, logScale, infinity }: Omit<DiscreteLosses, 'logTailMoment'>, { spacing, tilt, tailTilt }: LossGrid): DiscreteLosses {
  let total = 0
  for (const mass of masses) {
    total += mass
  }
  const scaled = masses.map((mass) => mass / total)
  const exponents = scaled.map((mass, at) => Math.log(mass) + (tailTilt - tilt) * (first + at) * spacing)
  let largest = -Infinity
  for (const exponent of exponents) {
    largest = Math.max(largest, exponent)
  }
  let tailSum = 0
  for (const exponent of exponents) {
    tailSum += Math.exp(exponent - largest)
  }
  const logTotal = logScale + Math.log(total)
  return { first, masses: scaled, logScale: logTotal, logTailMoment: logTotal + largest + Math.log(tailSum), infinity }
}

interface Split {
  mechanism: SampledGaussian
  grid: LossGrid
  range: OutcomeRange
  logScale: number
  /** A mass at the value l of L is multiplied by e^(exponent l - logScale) */
  exponent: number
}

/** Masses of the values of L, whichever direction; `first` is the least one in units of spacing */
function splitOutcomes (split: Split): { first: number, masses: Float64Array } {
  const { mechanism, grid: { spacing }, range } = split
  const first = Math.floor(lossAt(mechanism, range.from) / spacing)
  const last = Math.max(first + 1, Math.ceil(lossAt(mechanism, range.to) / spacing))
  const masses = new Float64Array(last - first + 1)
  const pair = new Float64Array(2)
  let lower = outcomeAt(mechanism, first * spacing)
  for (let cell = first; cell < last; cell++) {
    const upper = outcomeAt(mechanism, (cell + 1) * spacing)
    pair.fill(0)
    splitCell(split, { cell, lower, upper }, pair)
    masses[cell - first]! += pair[0]!
    masses[cell - first + 1]! += pair[1]!
    lower = upper
  }
  return { first, masses }
}

interface Cell {
  cell: number
  /** Outcomes at the ends; `lower` may be -Infinity */
  lower: number
  upper: number
}

function splitCell (split: Split, cell: Cell, pair: Float64Array): void {
  const { mechanism: { noiseMultiplier: sigma }, range, grid: { spacing } } = split
  const integrand = integrandOf(split, cell)
  // The first and the last cell reach as far as the range does: its ends are no points of the grid
  const to = Math.min(range.to, cell.upper)
  let at = Math.max(range.from, cell.lower)
  while (at < to) {
    // Within such a piece no exponent changes by more than 1
    const steepest = Math.max(Math.abs(at), Math.abs(at - 1), sigma)
    const width = Math.min(to - at, sigma * Math.min(0.5, sigma / steepest))
    const narrow = width < sigma * Math.min(0.5, sigma / steepest) / 8
    gauss(integrand, { from: at, width, nodes: narrow ? NODES_4 : NODES_8, weights: narrow ? WEIGHTS_4 : WEIGHTS_8 }, pair)
    const next = at + width
    at = next > at ? next : to
  }
  pair[0]! /= Math.expm1(spacing)
  pair[1]! /= -Math.expm1(-spacing)
}

interface Integrand {
  /** Logarithm of the weight at x is constant - (x - 1)^2 / (2 s^2) */
  constant: number
  variance: number
  lower: number
  upper: number
  /** Where `lower` is -Infinity: the outcome at which the surplus without the example weighs 1 */
  surplus: number
  /** Factor between the weights of the upper end and the lower end */
  rise: number
}

function integrandOf ({ mechanism: { sampleRate: q, noiseMultiplier: sigma }, grid: { spacing }, logScale, exponent }: Split, { cell, lower, upper }: Cell): Integrand {
  const variance = sigma * sigma
  return {
    constant: Math.log(q) - Math.log(sigma) - HALF_LOG_TWO_PI + exponent * cell * spacing - logScale,
    variance,
    lower,
    upper,
    // Below the least loss ln(1 - q) the curve's chord reaches down to e^loss < 1 - q: (1 - q - e^loss) n(x) more
    surplus: lower === -Infinity ? variance * Math.log(Math.max(0, -Math.expm1(cell * spacing) / q - 1)) + 0.5 : -Infinity,
    rise: Math.exp(exponent * spacing)
  }
}

interface Piece {
  from: number
  width: number
  nodes: readonly number[]
  weights: readonly number[]
}

/** Adds the integrals over the piece of what falls to the lower and to the upper end */
function gauss ({ constant, variance, lower, upper, surplus, rise }: Integrand, { from, width, nodes, weights }: Piece, pair: Float64Array): void {
  const middle = from + width / 2
  for (let node = 0; node < 2 * nodes.length; node++) {
    const side = (node & 1) === 0 ? 1 : -1
    const x = middle + side * nodes[node >> 1]! * width / 2
    const weight = weights[node >> 1]! * width / 2
    const logWeight = constant - (x - 1) * (x - 1) / (2 * variance)
    const density = Math.exp(logWeight)
    pair[0]! += weight * excess(logWeight, density, (upper - x) / variance)
    const above = lower === -Infinity
      ? Math.exp(logWeight + log1pExp((surplus - x) / variance))
      : -density * Math.expm1((lower - x) / variance)
    pair[1]! += weight * rise * above
  }
}

/** e^logWeight (e^exponent - 1), where either factor alone may leave float64 */
function excess (logWeight: number, density: number, exponent: number): number {
  return exponent < 1 ? density * Math.expm1(exponent) : Math.exp(logWeight + exponent) - density
}

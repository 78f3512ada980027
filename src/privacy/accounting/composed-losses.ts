/**
 * The distribution of the sum of many privacy losses, and the (epsilon, delta) that follow from it
 *
 * Sums of losses are products of spectra (Koskela, Jälkö, Honkela 2020, "Computing tight differential privacy
 * guarantees using FFT"). Masses are kept times e^(tilt loss), the tilt chosen so that the losses around the sought
 * epsilon are the likeliest: what the transform rounds is then relative to delta, not to 1.
 *
 * Everything that could make the result too small is added to it:
 * - infinite losses, and the mass above the window, bounded by Chernoff with the moment of the discrete losses;
 * - what the transforms and the power round, bounded for every mass alike;
 * - relative errors of the masses of one step, to the power of the number of steps.
 * Mass below the window reappears in it, which only adds.
 */
import { MASS_ROUNDING } from './discrete-losses.ts'
import { modulo } from './loss-spectrum.ts'
import { fftRounding } from './real-fft.ts'
import type { LossPlan } from './loss-plan.ts'
import type { LossSpectrum } from './loss-spectrum.ts'
import type { RealFft, Spectrum } from './real-fft.ts'

export interface SpectrumPower {
  readonly spectrum: LossSpectrum
  readonly steps: number
}

/** Unit roundoff of float64 */
const UNIT = 2 ** -53

/** A frequency of a composition weighing less than e^this is left out; all together are less than any rounding */
const LOG_NEGLIGIBLE = -70

/** Of such a frequency and its conjugate */
const NEGLIGIBLE = 2 * Math.exp(LOG_NEGLIGIBLE)

export interface ComposedLosses {
  readonly spacing: number
  readonly tilt: number
  /** Least loss, in units of spacing; it is the mass of this index modulo their number, which is a power of 2 */
  readonly first: number
  /** Probability times e^(tilt loss - logScale), each within `error` */
  readonly masses: Float64Array
  readonly error: number
  readonly logScale: number
  /** Upper bound of the probability of losses above the masses, infinite ones included */
  readonly above: number
  /** Factor >= 1 for all that is summed from the masses */
  readonly slack: number
}

/** The sum of all steps' losses, spectra and plan from the same grid */
export function composeLosses (powers: readonly SpectrumPower[], { grid, first }: LossPlan, fft: RealFft): ComposedLosses {
  const { spacing, cells, tilt, tailTilt } = grid
  const { product, error } = productOf(powers, cells)
  const total = (of: (spectrum: LossSpectrum) => number): number => powers.reduce((sum, { spectrum, steps }) => sum + steps * of(spectrum), 0)
  const logScale = total((spectrum) => spectrum.logScale)
  const end = (first + cells) * spacing
  const beyond = Math.exp(total((spectrum) => spectrum.logTailMoment) - tailTilt * end)
  const steps = total(() => 1)
  const exponents = Math.abs(logScale) + tilt * Math.max(Math.abs(end), Math.abs(first * spacing))
  const slack = Math.exp(steps * MASS_ROUNDING + (8 * cells + 16 * exponents + 16 * steps) * UNIT)
  return {
    spacing,
    tilt,
    first,
    masses: fft.inverse(product),
    error,
    logScale,
    above: slack * slack * beyond - Math.expm1(total((spectrum) => Math.log1p(-spectrum.infinity))),
    slack
  }
}

/**
 * The spectrum of the sum, and a bound of the error of each of its masses
 *
 * A factor X is within r of the true one, so X^T is within T r (|X| + r)^(T - 1) of the true power; the logarithm, the
 * arc, their multiples and the exponential add less than 16 units in the last place for each step
 */
function productOf (powers: readonly SpectrumPower[], cells: number): { product: Spectrum, error: number } {
  const half = cells / 2
  const real = new Float64Array(half + 1)
  const imaginary = new Float64Array(half + 1)
  let sumOfErrors = 0
  let sumOfMagnitudes = 0
  for (let k = 0; k <= half; k++) {
    let logBound = 0
    for (const { spectrum, steps } of powers) {
      logBound += steps * spectrum.logBounds[k]!
    }
    if (logBound < LOG_NEGLIGIBLE) {
      sumOfErrors += NEGLIGIBLE
      continue
    }
    let logMagnitude = 0
    let phase = 0
    let relativeError = 0
    for (const { spectrum: { logMagnitudes, logBounds, phases }, steps } of powers) {
      logMagnitude += steps * logMagnitudes[k]!
      phase += steps * phases[k]!
      relativeError += steps * (16 * UNIT - Math.expm1(logMagnitudes[k]! - logBounds[k]!))
    }
    const magnitude = Math.exp(logMagnitude)
    const weight = k === 0 || k === half ? 1 : 2
    real[k] = magnitude * Math.cos(phase)
    imaginary[k] = magnitude * Math.sin(phase)
    sumOfErrors += weight * Math.exp(logBound) * relativeError
    sumOfMagnitudes += weight * magnitude
  }
  return { product: { real, imaginary }, error: (sumOfErrors + fftRounding(cells) * sumOfMagnitudes) / cells }
}

/** Least epsilon >= 0 at this delta; undefined when what had to be added is more than delta */
export function epsilonAt (losses: ComposedLosses, delta: number): number | undefined {
  const finite = (delta - losses.above) / losses.slack
  if (!(finite > 0)) {
    return undefined
  }
  const { tilt, spacing } = losses
  const logFinite = Math.log(finite) - losses.logScale
  const at = descend(losses, ({ loss, deltaBelow }) => loss <= 0 || Math.log(deltaBelow) - tilt * (loss - spacing) > logFinite)
  if (at === undefined) {
    return belowWindow(losses, finite)
  }
  // Between two losses of the grid delta falls linearly with e^epsilon
  const rest = Math.exp(logFinite + tilt * at.loss) - at.delta
  return at.loss <= 0 ? 0 : Math.max(0, at.loss + Math.log1p(-Math.max(0, rest / at.tail)))
}

/** As `epsilonAt`, where delta is less even at the first loss: below it delta grows with -e^epsilon, at most as fast */
function belowWindow (losses: ComposedLosses, delta: number): number {
  const start = losses.first * losses.spacing
  const rest = (delta - deltaAt({ ...losses, above: 0 }, start)) * Math.exp(-start)
  return rest < 1 ? Math.max(0, start + Math.log1p(-Math.max(0, rest))) : 0
}

/** Least delta at this epsilon, which must not be below the first loss */
export function deltaAt (losses: ComposedLosses, epsilon: number): number {
  const { above, slack, logScale, tilt, spacing } = losses
  const at = descend(losses, ({ loss }) => loss - spacing <= epsilon)
  if (at === undefined) {
    return 1
  }
  const part = at.loss > epsilon ? -Math.expm1(epsilon - at.loss) * at.tail : 0
  return Math.min(1, above + slack * Math.exp(Math.log(at.delta + part) + logScale - tilt * at.loss))
}

interface Descent {
  loss: number
  /** Mass without the example from this loss on, times e^((tilt + 1) loss) */
  tail: number
  /** delta(loss) times e^(tilt loss) */
  delta: number
  /** delta(loss - spacing) times e^(tilt (loss - spacing)) */
  deltaBelow: number
}

/** From the largest loss down to where `reached` holds, if anywhere; only sums of positive numbers */
function descend ({ masses, error, first, spacing, tilt }: ComposedLosses, reached: (at: Descent) => boolean): Descent | undefined {
  const fall = Math.exp(-tilt * spacing)
  const tailFall = Math.exp(-(tilt + 1) * spacing)
  const gain = -Math.expm1(-spacing)
  const start = modulo(first, masses.length)
  const at = { loss: 0, tail: 0, delta: 0, deltaBelow: 0 }
  for (let index = masses.length - 1; index >= 0; index--) {
    const mass = masses[(start + index) & (masses.length - 1)]!
    at.loss = (first + index) * spacing
    at.tail = Math.max(0, mass) + error + tailFall * at.tail
    at.delta = at.deltaBelow
    at.deltaBelow = fall * (at.delta + gain * at.tail)
    if (reached(at)) {
      return at
    }
  }
  return undefined
}

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

export interface ComposedLosses {
  readonly spacing: number
  readonly tilt: number
  /** Loss of the first mass, in units of spacing */
  readonly first: number
  /** Upper bounds of probability times e^(tilt loss - logScale) */
  readonly masses: Float64Array
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
  const wrapped = fft.inverse(product)
  const masses = new Float64Array(cells)
  const start = modulo(first, cells)
  for (let at = 0; at < cells; at++) {
    masses[at] = Math.max(0, wrapped[(start + at) % cells]!) + error
  }
  const total = (of: (spectrum: LossSpectrum) => number): number => powers.reduce((sum, { spectrum, steps }) => sum + steps * of(spectrum), 0)
  const logScale = total((spectrum) => spectrum.logScale)
  const end = (first + cells) * spacing
  const beyond = Math.exp(total((spectrum) => spectrum.logTailMoment) - tailTilt * end)
  const steps = total(() => 1)
  const exponents = Math.abs(logScale) + tilt * Math.max(Math.abs(end), Math.abs(first * spacing))
  return {
    spacing,
    tilt,
    first,
    masses,
    logScale,
    above: beyond - Math.expm1(total((spectrum) => Math.log1p(-spectrum.infinity))),
    slack: Math.exp(steps * MASS_ROUNDING + (8 * cells + 16 * exponents + 16 * steps) * UNIT)
  }
}

/** The spectrum of the sum, and a bound of the error of each of its masses */
function productOf (powers: readonly SpectrumPower[], cells: number): { product: Spectrum, error: number } {
  const half = cells / 2
  const rounding = fftRounding(cells)
  const real = new Float64Array(half + 1)
  const imaginary = new Float64Array(half + 1)
  let sumOfErrors = 0
  let sumOfMagnitudes = 0
  for (let k = 0; k <= half; k++) {
    const { logMagnitude, logBound, phase, relativeError } = frequency(powers, k, rounding)
    if (logBound < LOG_NEGLIGIBLE) {
      sumOfErrors += 2 * Math.exp(LOG_NEGLIGIBLE)
      continue
    }
    const magnitude = Math.exp(logMagnitude)
    const weight = k === 0 || k === half ? 1 : 2
    real[k] = magnitude * Math.cos(phase)
    imaginary[k] = magnitude * Math.sin(phase)
    sumOfErrors += weight * Math.exp(logBound) * relativeError
    sumOfMagnitudes += weight * magnitude
  }
  return { product: { real, imaginary }, error: (sumOfErrors + rounding * sumOfMagnitudes) / cells }
}

interface Frequency {
  logMagnitude: number
  /** Logarithm of the largest magnitude within the rounding of the factors */
  logBound: number
  phase: number
  /** In units of e^logBound */
  relativeError: number
}

/**
 * One frequency of the product
 *
 * A factor X is within r of the true one, so X^T is within T r (|X| + r)^(T - 1) of the true power; the logarithm, the
 * arc, their multiples and the exponential add less than 16 units in the last place for each step
 */
function frequency (powers: readonly SpectrumPower[], k: number, rounding: number): Frequency {
  const sum = { logMagnitude: 0, logBound: 0, phase: 0, relativeError: 0 }
  for (const { spectrum: { logMagnitudes, phases }, steps } of powers) {
    const logMagnitude = logMagnitudes[k]!
    const share = rounding / (Math.exp(logMagnitude) + rounding)
    sum.logMagnitude += steps * logMagnitude
    sum.logBound += steps * (logMagnitude === -Infinity ? Math.log(rounding) : logMagnitude - Math.log1p(-share))
    sum.phase += steps * phases[k]!
    sum.relativeError += steps * (share + 16 * UNIT)
  }
  return sum
}

/** Least epsilon >= 0 at this delta; undefined when what had to be added is more than delta */
export function epsilonAt (losses: ComposedLosses, delta: number): number | undefined {
  const finite = (delta - losses.above) / losses.slack
  if (!(finite > 0)) {
    return undefined
  }
  const logFinite = Math.log(finite) - losses.logScale
  for (const { loss, tail, delta: upper, deltaBelow } of descending(losses)) {
    if (loss <= 0) {
      return 0
    }
    if (Math.log(deltaBelow) - losses.tilt * (loss - losses.spacing) > logFinite) {
      // Between two losses of the grid delta falls linearly with e^epsilon
      const rest = Math.exp(logFinite + losses.tilt * loss) - upper
      return Math.max(0, loss + Math.log1p(-Math.max(0, rest / tail)))
    }
  }
  return Math.max(0, losses.first * losses.spacing)
}

/** Least delta at this epsilon, which must not be below the first loss */
export function deltaAt (losses: ComposedLosses, epsilon: number): number {
  const { above, slack, logScale, tilt, spacing } = losses
  for (const { loss, tail, delta } of descending(losses)) {
    if (loss - spacing <= epsilon) {
      const part = loss > epsilon ? -Math.expm1(epsilon - loss) * tail : 0
      return Math.min(1, above + slack * (delta + part) * Math.exp(logScale - tilt * loss))
    }
  }
  return 1
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

/** From the largest loss down; only sums of positive numbers. One object, whose fields change */
function * descending ({ masses, first, spacing, tilt }: ComposedLosses): Generator<Descent> {
  const fall = Math.exp(-tilt * spacing)
  const tailFall = Math.exp(-(tilt + 1) * spacing)
  const gain = -Math.expm1(-spacing)
  const at = { loss: 0, tail: 0, delta: 0, deltaBelow: 0 }
  for (let index = masses.length - 1; index >= 0; index--) {
    at.loss = (first + index) * spacing
    at.tail = masses[index]! + tailFall * at.tail
    at.delta = at.deltaBelow
    at.deltaBelow = fall * (at.delta + gain * at.tail)
    yield at
  }
}

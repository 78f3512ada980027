/**
 * Gabor filters: small oriented edges and bars, which see in an image what a first trained layer would
 *
 * Daugman 1985, "Uncertainty relation for resolution in space, spatial frequency, and orientation optimized by
 * two-dimensional visual cortical filters". Pure; the numbers are rounded to multiples of 2^-12, so that every engine's
 * sine gives the same ones.
 */

export interface GaborBank {
  /** Height and width in pixels */
  size: number
  /** Filters that change sign across their middle: edges. Their directions go all the way round */
  odd: number
  /**
   * Filters that are equal on both sides: bars. Their directions go half the way round, and each comes with its
   * negative
   */
  even: number
  /** Of the Gaussian window, in pixels */
  deviation: number
  /** Of the wave, in pixels */
  wavelength: number
}

/** An exact float32, and short in a document */
const PRECISION = 4096

type Wave = (phase: number) => number

/** How many filters a bank has: the channels of its output */
export function gaborCount ({ odd, even }: Pick<GaborBank, 'odd' | 'even'>): number {
  return odd + 2 * even
}

/**
 * Kernel of a convolution of one channel, row-major [size, size, 1, filters]: first the odd filters, then the even
 * ones, then the negatives of the even ones. Each filter adds up to zero (a uniform area gives nothing) and has length
 * 1, besides the rounding
 */
export function gaborKernel (bank: GaborBank): number[] {
  const odd = filters(bank, { count: bank.odd, arc: 2 * Math.PI, wave: Math.sin })
  const even = filters(bank, { count: bank.even, arc: Math.PI, wave: Math.cos })
  const all = [...odd, ...even, ...even.map((filter) => filter.map((value) => -value))]
  return Array.from({ length: bank.size ** 2 }, (_, pixel) => all.map((filter) => rounded(filter[pixel]!))).flat()
}

/** Without minus zero, which no document holds */
function rounded (value: number): number {
  return Math.round(value * PRECISION) / PRECISION + 0
}

function filters (bank: GaborBank, { count, arc, wave }: { count: number, arc: number, wave: Wave }): number[][] {
  return Array.from({ length: count }, (_, i) => filter(bank, arc * i / count, wave))
}

function filter ({ size, deviation, wavelength }: GaborBank, angle: number, wave: Wave): number[] {
  const middle = (size - 1) / 2
  const pixels = Array.from({ length: size ** 2 }, (_, i) => ({ x: i % size - middle, y: Math.floor(i / size) - middle }))
  const window = pixels.map(({ x, y }) => Math.exp(-(x * x + y * y) / (2 * deviation ** 2)))
  const waves = pixels.map(({ x, y }, i) => window[i]! * wave(2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle)) / wavelength))
  const excess = sum(waves) / sum(window)
  const balanced = waves.map((value, i) => value - excess * window[i]!)
  const length = Math.hypot(...balanced)
  return balanced.map((value) => value / length)
}

function sum (values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/**
 * Kernel of a 1 x 1 convolution, row-major [1, 1, channels, channels]: takes the mean over the channels off each of
 * them, and multiplies by `scale`. What all filters share says little about a class, and costs length that clipping
 * would take from the rest
 */
export function centringKernel (channels: number, scale: number): number[] {
  return Array.from({ length: channels ** 2 }, (_, i) => scale * ((i % (channels + 1) === 0 ? 1 : 0) - 1 / channels))
}

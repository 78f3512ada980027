/**
 * The Gaussian mechanism on a sum, as a computer can do it
 *
 * A float64 sum f plus noise n is always a multiple of the coarser one's last place, so that the low bits tell f
 * (Mironov 2012; Jin et al. 2022 for the Gaussian). Here the sum is rounded to a grid before the noise and the result
 * to the same grid after it: what leaves is then a function of the ideal mechanism on the rounded sum. Rounding moves
 * each of d coordinates by at most half a step on either of two neighbouring data sets, so that the sensitivity grows
 * by step x sqrt(d); the noise is scaled for it.
 */
import type { NoiseSource } from './noise/noise-source.ts'

/** Steps of the grid in one standard deviation: 2^28 to 2^29 */
const GRID_BITS = 28
/** Half of the float64 range of whole numbers: adding and subtracting it rounds to whole numbers, ties to even */
const ROUNDING = 1.5 * 2 ** 52

export interface NoisySumOptions {
  clipNorm: number
  noiseMultiplier: number
  /**
   * How far one record can change the sum as it was computed, in clip norms (sum-rounding.ts); 1 for a sum without
   * rounding
   */
  sensitivityFactor: number
  noise: NoiseSource
}

/** Distance of the grid's points: a power of two, so that rounding to it is exact */
export function gridStep (deviation: number): number {
  return 2 ** (Math.ceil(Math.log2(deviation)) - GRID_BITS)
}

/** Rounds in place to multiples of `step`, a power of two, for values below 2^51 steps */
function roundToGrid (values: Float64Array, step: number): void {
  const magic = ROUNDING * step
  for (let i = 0; i < values.length; i++) {
    values[i] = values[i]! + magic - magic
  }
}

/**
 * Adds N(0, (noiseMultiplier x clipNorm)^2), a little more for what rounding adds to the sensitivity, to every element
 * in place
 *
 * `sums`: d elements, a sum that one protected record changes by an L2 norm of at most clipNorm x sensitivityFactor.
 * Returns the standard deviation that was used
 */
export function addNoise (sums: Float64Array, { clipNorm, noiseMultiplier, sensitivityFactor, noise }: NoisySumOptions): number {
  const step = gridStep(noiseMultiplier * clipNorm)
  const sensitivity = clipNorm * sensitivityFactor + step * Math.sqrt(sums.length)
  const deviation = noiseMultiplier * sensitivity
  roundToGrid(sums, step)
  noise.addGaussian(sums, deviation)
  roundToGrid(sums, step)
  return deviation
}

/**
 * How much of each example's gradient goes into a clipped sum: Abadi et al. 2016, Algorithm 1
 */

/**
 * Longer gradients are taken for overflown: their squares do not fit a float, and what is left of them has lost its
 * meaning
 */
const LARGEST_NORM = 1e18

export interface ClipFactors {
  /** min(1, clipNorm / norm) of each example, or 0 when its norm is not finite or beyond LARGEST_NORM */
  factors: Float64Array
  /** L2 norm of each example's gradient before clipping */
  norms: Float64Array
  /** How many examples were scaled down */
  clipped: number
  /** How many examples contribute nothing because their gradient is not usable */
  discarded: number
}

/** The factors for gradients of the given squared L2 norms. Throws RangeError unless clipNorm is positive */
export function clipFactors (squaredNorms: Float64Array, clipNorm: number): ClipFactors {
  if (!(clipNorm > 0)) {
    throw new RangeError(`clipNorm must be a positive number, got ${clipNorm}`)
  }
  const norms = squaredNorms.map(Math.sqrt)
  const factors = norms.map((norm) => norm <= LARGEST_NORM ? Math.min(1, clipNorm / norm) : 0)
  return {
    factors,
    norms,
    clipped: factors.reduce((count, factor) => count + (factor > 0 && factor < 1 ? 1 : 0), 0),
    discarded: factors.reduce((count, factor) => count + (factor === 0 ? 1 : 0), 0)
  }
}

/**
 * Metropolis–Hastings weights: doubly stochastic mixing from local knowledge only
 *
 * Xiao, Boyd, Lall 2005, "A scheme for robust distributed sensor fusion based on average consensus", section 3
 */

/**
 * Weight of the edge between two peers: 1 / (1 + max of their degrees)
 *
 * Never above 1 / (1 + own degree), whatever degree the other side claims, so the own weight stays positive. Throws
 * RangeError when a degree is negative or not a number
 */
export function metropolisHastingsWeight (ownDegree: number, theirDegree: number): number {
  if (!(ownDegree >= 0 && theirDegree >= 0)) {
    throw new RangeError(`degrees must not be negative: ${ownDegree}, ${theirDegree}`)
  }
  return 1 / (1 + Math.max(ownDegree, theirDegree))
}

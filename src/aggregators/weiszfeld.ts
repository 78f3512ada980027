/**
 * The geometric median, the point with the least sum of distances, by the smoothed Weiszfeld iteration
 *
 * Pillutla, Kakade, Harchaoui 2022 (RFA), algorithm 3: z <- sum_u b_u u / sum_u b_u with b_u = 1 / max(nu, |z - u|).
 *
 * Every z is a weighted mean of the vectors, so the iteration needs their inner products only, never the vectors: a
 * step costs n^2 operations instead of n d, and it may go on until it has converged. It must not begin exactly at the
 * own vector, where b_own = 1 / nu holds it back: of 4 equidistant vectors, 8 steps from there go 0.2 % of the way.
 * So the first step is taken from there with nu as wide as a typical distance. The sum of distances is convex: the
 * start matters to the number of steps only, except for two vectors, where every point between them is a median and
 * this start gives the middle, the same for both peers.
 */

import { distancesFromMean, quadraticForm } from './geometry.ts'

/** nu, as a fraction of the typical distance from the own vector */
const SMOOTHING = 1e-6

/** Converged: the point moves by less than this fraction of the typical distance */
const TOLERANCE = 1e-9

/** 10 to 100 are usual; with nearly half of the vectors far away, each step gains little */
const MAX_ITERATIONS = 1000

/**
 * The weights, at least 0 and of sum 1, whose weighted mean of the vectors is their geometric median
 *
 * `products` is the n x n matrix of the vectors' inner products relative to any origin, row-major; the first vector
 * is the own one
 */
export function geometricMedianWeights (products: Float64Array): Float64Array {
  const size = Math.sqrt(products.length)
  const own = new Float64Array(size)
  own[0] = 1
  const distances = distancesFromMean({ products, count: size }, own)
  const scale = typical(distances.subarray(1))
  if (scale === 0) {
    // More than half of the vectors, the own one included, are the same: that is their geometric median
    return own
  }
  let weights = inverse(distances, scale)
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const next = inverse(distancesFromMean({ products, count: size }, weights), SMOOTHING * scale)
    const step = next.map((weight, i) => weight - weights[i]!)
    weights = next
    if (quadraticForm(step, products) <= (TOLERANCE * scale) ** 2) {
      break
    }
  }
  return weights
}

/**
 * The lower median of the neighbours' distances
 *
 * Not the mean of the two in the middle: as long as half of the neighbours are honest, no liar can stretch this one
 * beyond an honest distance, and with it nu and the tolerance
 */
function typical (distances: Float64Array): number {
  return distances.slice().sort()[(distances.length - 1) >> 1]!
}

/** 1 / max(nu, distance), divided by their sum */
function inverse (distances: Float64Array, nu: number): Float64Array {
  const weights = distances.map((distance) => 1 / Math.max(nu, distance))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

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
  const weights = new Float64Array(size)
  weights[0] = 1
  if (size === 1) {
    // a bucket may hold all vectors there are: no distance says how wide to smooth
    return weights
  }
  const along = products.slice(0, size)
  const distances = distancesFrom(weights, along, products)
  const scale = typical(distances.subarray(1))
  if (scale === 0) {
    // More than half of the vectors, the own one included, are the same: that is their geometric median
    return weights
  }
  const state: State = { weights, along, distances, products }
  step(state, scale)
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    if (step(state, SMOOTHING * scale) <= (TOLERANCE * scale) ** 2) {
      break
    }
  }
  return weights
}

interface State {
  weights: Float64Array
  /** products . weights */
  along: Float64Array
  /** Of the weighted mean from each vector */
  distances: Float64Array
  products: Float64Array
}

/**
 * One iteration, in place; returns the square of how far the point moved
 *
 * There may be a thousand: they must not cost more than reading the vectors
 */
function step ({ weights, along, distances, products }: State, nu: number): number {
  const size = weights.length
  let total = 0
  for (let i = 0; i < size; i++) {
    total += 1 / Math.max(nu, distances[i]!)
  }
  let moved = 0
  const before = distances.map((distance, i) => {
    const weight = 1 / Math.max(nu, distance) / total
    const change = weight - weights[i]!
    weights[i] = weight
    return change
  })
  for (let i = 0; i < size; i++) {
    let sum = 0
    for (let j = 0, at = i * size; j < size; j++, at++) {
      sum += products[at]! * weights[j]!
    }
    moved += before[i]! * (sum - along[i]!)
    along[i] = sum
  }
  updateDistances(distances, weights, along, products)
  return moved
}

function distancesFrom (weights: Float64Array, along: Float64Array, products: Float64Array): Float64Array {
  const distances = new Float64Array(weights.length)
  updateDistances(distances, weights, along, products)
  return distances
}

function updateDistances (distances: Float64Array, weights: Float64Array, along: Float64Array, products: Float64Array): void {
  const size = weights.length
  let norm = 0
  for (let i = 0; i < size; i++) {
    norm += weights[i]! * along[i]!
  }
  for (let i = 0; i < size; i++) {
    // Rounding may push what is zero below it
    distances[i] = Math.sqrt(Math.max(0, norm - 2 * along[i]! + products[i * size + i]!))
  }
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

/**
 * Rules that clip what a neighbour says: x + sum_j w_j clip(m_j - x, tau)
 *
 * A difference longer than tau is shortened to tau, so that nobody pulls by more than w_j tau. The rules differ in tau:
 *
 * `clipped-gossip`: self-centred clipping of He, Karimireddy, Jaggi 2022 ("Byzantine-robust decentralized learning via
 * ClippedGossip"). tau is the document's `clipRadius`; without one it adapts: from the nearest on, messages count until
 * their weight and the own one reach 1 - beta, and tau^2 = sum of w_j |m_j - x|^2 over them / beta, beta the weight of
 * the f heaviest neighbours. Adaptive, it is too generous to a liar who knows it.
 *
 * `cs-plus`: CS+ of Gaucher, Dieuleveut, Hendrikx 2025. The farthest messages of total weight 2 beta are clipped to the
 * next smaller distance; near the best possible on sparse graphs, and slow where honest peers are far apart.
 *
 * `centered-clipping`: Karimireddy, He, Jaggi 2021. v <- v + 1/n sum_u clip(u - v, tau), a few times from the own
 * model, over all n vectors; tau is `clipRadius` or the median distance from the own model.
 */
import { distancesFromMean, distancesFromVector, ranked } from './geometry.ts'
import { median } from './median.ts'
import type { Combination, CombinationRule, Geometry, RuleContext } from './rule.ts'

const CENTERED_ITERATIONS = 5

/** Share of a difference of length `distance` that is left: 1 within the radius, and where there is nothing to clip */
function share (distance: number, radius: number): number {
  return distance <= radius ? 1 : radius / distance
}

/** x + sum_j w_j clip(m_j - x, radius), as weights of the vectors */
function selfCentred ({ gossipWeights }: Geometry, distances: Float64Array, radius: number): Combination {
  const weights = gossipWeights.map((weight, j) => j === 0 ? 0 : weight * share(distances[j]!, radius))
  weights[0] = 1 - weights.reduce((sum, weight) => sum + weight, 0)
  return { weights }
}

/** Weight that f neighbours can have at most */
function byzantineWeight ({ gossipWeights }: Geometry, f: number): number {
  return gossipWeights.slice(1).sort().reverse().subarray(0, f).reduce((sum, weight) => sum + weight, 0)
}

/** Of neighbours from the nearest on, those whose weight and the own one stay within `limit` */
function nearestWithin ({ gossipWeights }: Geometry, distances: Float64Array, limit: number): number[] {
  let total = 0
  const within: number[] = []
  for (const j of [0, ...ranked(distances).filter((index) => index !== 0)]) {
    total += gossipWeights[j]!
    // sums of equal weights miss their total by rounding
    if (total > limit + 1e-9) {
      break
    }
    within.push(j)
  }
  return within
}

/**
 * tau of the practical adaptive version in section 5 of He, Karimireddy, Jaggi 2022; without liars nothing is clipped
 */
export function adaptiveRadius (geometry: Geometry, distances: Float64Array, beta: number): number {
  if (beta === 0) {
    return Infinity
  }
  const near = nearestWithin(geometry, distances, 1 - beta)
  return Math.sqrt(near.reduce((sum, j) => sum + geometry.gossipWeights[j]! * distances[j]! ** 2, 0) / beta)
}

/** tau of CS+: the largest distance that is not among the farthest of weight 2 beta; 0 when all are */
export function csPlusRadius (geometry: Geometry, distances: Float64Array, beta: number): number {
  if (beta === 0) {
    return Infinity
  }
  const near = nearestWithin(geometry, distances, 1 - 2 * beta).filter((j) => j !== 0)
  return near.length === 0 ? 0 : distances[near.at(-1)!]!
}

export const clippedGossip: CombinationRule = {
  kind: 'combination',
  minimumVectors: (f) => 2 * f + 1,
  combine: (geometry, { f, clipRadius }) => {
    const distances = distancesFromVector(geometry, 0)
    return selfCentred(geometry, distances, clipRadius ?? adaptiveRadius(geometry, distances, byzantineWeight(geometry, f)))
  }
}

export const csPlus: CombinationRule = {
  kind: 'combination',
  minimumVectors: (f) => 2 * f + 2,
  combine: (geometry, { f }) => {
    const distances = distancesFromVector(geometry, 0)
    return selfCentred(geometry, distances, csPlusRadius(geometry, distances, byzantineWeight(geometry, f)))
  }
}

/** `iterations` steps of centered clipping from the weighted mean `start` */
export function centredClip (geometry: Geometry, start: Float64Array, { radius, iterations }: { radius: number, iterations: number }): Float64Array {
  const { count } = geometry
  let weights = start
  for (let step = 0; step < iterations; step++) {
    const shares = distancesFromMean(geometry, weights).map((distance) => share(distance, radius) / count)
    const moved = shares.reduce((sum, part) => sum + part, 0)
    weights = weights.map((weight, u) => weight * (1 - moved) + shares[u]!)
  }
  return weights
}

function centred (geometry: Geometry, { clipRadius }: RuleContext): Combination {
  const own = new Float64Array(geometry.count)
  own[0] = 1
  if (geometry.count === 1) {
    // a bucket may hold all vectors there are: there is no distance to choose a radius by
    return { weights: own }
  }
  const radius = clipRadius ?? median(distancesFromVector(geometry, 0).subarray(1))
  return { weights: centredClip(geometry, own, { radius, iterations: CENTERED_ITERATIONS }) }
}

export const centeredClipping: CombinationRule = {
  kind: 'combination',
  minimumVectors: (f) => 2 * f + 1,
  combine: centred
}

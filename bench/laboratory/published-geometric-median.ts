/**
 * The geometric median as the ClippedGossip experiments computed it ("RFA8"): eight smoothed Weiszfeld steps from zero
 *
 * Pillutla, Kakade, Harchaoui 2022, algorithm 3, with nu = 0.1. Eight steps from there do not reach the median when a
 * liar stands near zero, while the product's rule begins at the own model and iterates until it has converged. As
 * there, the steps need the vectors' inner products only, here relative to zero.
 */
import { differenceProducts } from '../../src/aggregators/kernels/difference-products.ts'
import { weightedSum } from '../../src/aggregators/kernels/weighted-sum.ts'
import type { Aggregator } from '../../src/interface.ts'

const STEPS = 8
const SMOOTHING = 0.1

/** The point after these steps, of vectors of equal weight */
export function eightWeiszfeldSteps (vectors: readonly Float32Array[]): Float32Array {
  const count = vectors.length
  const products = differenceProducts(new Float32Array(vectors[0]!.length), vectors)
  // all zero: the first point
  let weights = new Float64Array(count)
  for (let step = 0; step < STEPS; step++) {
    const along = weights.map((_, i) => weights.reduce((sum, weight, j) => sum + weight * products[i * count + j]!, 0))
    const square = weights.reduce((sum, weight, i) => sum + weight * along[i]!, 0)
    const pulls = along.map((inner, i) => 1 / Math.max(SMOOTHING, Math.sqrt(Math.max(0, square - 2 * inner + products[i * count + i]!))))
    const total = pulls.reduce((sum, pull) => sum + pull, 0)
    weights = pulls.map((pull) => pull / total)
  }
  return weightedSum(vectors, weights)
}

export const publishedGeometricMedian: Aggregator = {
  name: 'rfa8',
  minimumNeighbours: 1,
  needsLosses: false,
  aggregate: ({ own, neighbours }) => ({ parameters: eightWeiszfeldSteps([own, ...neighbours.map(({ parameters }) => parameters)]), excluded: [] })
}

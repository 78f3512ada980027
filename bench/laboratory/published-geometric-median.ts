/**
 * The geometric median as the ClippedGossip experiments computed it ("RFA8"): eight smoothed Weiszfeld steps from zero
 *
 * Pillutla, Kakade, Harchaoui 2022, algorithm 3, with nu = 0.1. Eight steps from there do not reach the median when a liar
 * stands near zero: it is the start that fails, which is why the product's rule iterates until it has converged.
 */
import { weightedSum } from '../../src/aggregators/kernels/weighted-sum.ts'
import { squaredDistance } from '../../src/attacks/statistics.ts'
import type { Aggregator } from '../../src/interface.ts'

const STEPS = 8
const SMOOTHING = 0.1

/** The point after these steps, of vectors of equal weight */
export function eightWeiszfeldSteps (vectors: readonly Float32Array[]): Float32Array {
  let point: Float32Array = new Float32Array(vectors[0]!.length)
  for (let step = 0; step < STEPS; step++) {
    const pulls = vectors.map((vector) => 1 / Math.max(SMOOTHING, Math.sqrt(squaredDistance(point, vector))))
    const total = pulls.reduce((sum, pull) => sum + pull, 0)
    point = weightedSum(vectors, Float64Array.from(pulls, (pull) => pull / total))
  }
  return point
}

export const publishedGeometricMedian: Aggregator = {
  name: 'rfa8',
  minimumNeighbours: 1,
  needsLosses: false,
  aggregate: ({ own, neighbours }) => ({ parameters: eightWeiszfeldSteps([own, ...neighbours.map(({ parameters }) => parameters)]), excluded: [] })
}

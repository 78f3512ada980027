/**
 * Rule `geometric-median`: the point with the least sum of distances from the own model and the neighbours'
 *
 * Pillutla, Kakade, Harchaoui 2022, "Robust aggregation for federated learning" (RFA), here on a peer's neighbourhood.
 * The own model counts as one of n = neighbours + 1 equal vectors. While fewer than half of them lie the result stays
 * near the honest ones wherever the liars are, but they do pull it: far colluders in one direction by more than
 * the gated rule lets them.
 */
import { checkedNeighbours } from './checked-input.ts'
import { differenceProducts } from './kernels/difference-products.ts'
import { weightedSum } from './kernels/weighted-sum.ts'
import { geometricMedianWeights } from './weiszfeld.ts'
import type { Aggregator } from '../interface.ts'

const NAME = 'geometric-median'

/**
 * Tolerates f liars among at least 2 f neighbours
 *
 * The rule itself does not use f: it says how few neighbours are too few. With f = 0 one is enough, and the result is
 * the middle between the two models
 */
export function geometricMedian (f: number): Aggregator {
  const minimumNeighbours = Math.max(1, 2 * f)
  return {
    name: NAME,
    minimumNeighbours,
    aggregate: (input) => {
      const neighbours = checkedNeighbours(input, NAME, minimumNeighbours)
      const replicas = neighbours.map(({ parameters }) => parameters)
      const products = withOwn(differenceProducts(input.own, replicas), replicas.length, replicas.map((_, j) => j))
      return {
        parameters: weightedSum([input.own, ...replicas], geometricMedianWeights(products)),
        excluded: []
      }
    }
  }
}

/** Rows and columns `kept` of a size x size matrix of products relative to the own vector, and the own one's zeros first */
export function withOwn (products: Float64Array, size: number, kept: readonly number[]): Float64Array {
  const wider = kept.length + 1
  const result = new Float64Array(wider * wider)
  for (const [row, i] of kept.entries()) {
    for (const [column, j] of kept.entries()) {
      result[(row + 1) * wider + column + 1] = products[i * size + j]!
    }
  }
  return result
}

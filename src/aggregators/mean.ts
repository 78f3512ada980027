/**
 * Rule `mean`: plain gossip averaging with Metropolis–Hastings weights
 *
 * x + sum_j w_j (x_j - x). The right rule when nobody lies: one liar moves the result wherever it wants.
 */
import { checkedNeighbours } from './checked-input.ts'
import { weightedSum } from './kernels/weighted-sum.ts'
import type { AggregationInput, AggregationResult, Aggregator } from '../interface.ts'

const NAME = 'mean'
const MINIMUM_NEIGHBOURS = 1

/** Rounding of sums of weights such as 1/3 */
const TOLERANCE = 1e-9

function aggregate (input: AggregationInput): AggregationResult {
  const neighbours = checkedNeighbours(input, NAME, MINIMUM_NEIGHBOURS)
  const weights = neighbours.map(({ weight }) => weight)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (!weights.every((weight) => weight >= 0) || !(total <= 1 + TOLERANCE)) {
    throw new RangeError(`the neighbours' weights must not be negative and not add up to more than 1: ${weights.join(', ')}`)
  }
  return {
    parameters: weightedSum([input.own, ...neighbours.map(({ parameters }) => parameters)], [1 - total, ...weights]),
    excluded: []
  }
}

/** `mean` has no parameter: it tolerates no liar, whatever f the document declares */
export function mean (): Aggregator {
  return { name: NAME, minimumNeighbours: MINIMUM_NEIGHBOURS, aggregate }
}

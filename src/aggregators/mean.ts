/**
 * Rule `mean`: plain gossip averaging with Metropolis–Hastings weights
 *
 * x + sum_j w_j (x_j - x). The right rule when nobody lies: one liar moves the result wherever it wants.
 */
import { checkedNeighbours } from './checked-input.ts'
import { weightedSum } from './kernels/weighted-sum.ts'
import type { AggregationInput, AggregationResult, Aggregator, NeighbourReplica } from '../interface.ts'

const NAME = 'mean'
const MINIMUM_NEIGHBOURS = 1

function aggregate (input: AggregationInput): AggregationResult {
  const neighbours = checkedNeighbours(input, NAME, MINIMUM_NEIGHBOURS)
  const weights = neighbourWeights(neighbours)
  const own = 1 - weights.reduce((sum, weight) => sum + weight, 0)
  return {
    parameters: weightedSum([input.own, ...neighbours.map(({ parameters }) => parameters)], [own, ...weights]),
    excluded: []
  }
}

/**
 * The edges' weights as they are, unless they leave the own model less than an equal share: then they shrink to that
 *
 * Metropolis–Hastings weights never do while no more replicas arrive than the own degree has counted. During a change
 * of neighbours more may, and the own weight must not become negative
 */
function neighbourWeights (neighbours: readonly NeighbourReplica[]): number[] {
  const weights = neighbours.map(({ weight }) => weight)
  if (!weights.every((weight) => weight >= 0 && weight <= 1)) {
    throw new RangeError(`weights of neighbours must lie between 0 and 1: ${weights.join(', ')}`)
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const most = weights.length / (weights.length + 1)
  return total > most ? weights.map((weight) => weight * most / total) : weights
}

/** `mean` has no parameter: it tolerates no liar, whatever f the document declares */
export function mean (): Aggregator {
  return { name: NAME, minimumNeighbours: MINIMUM_NEIGHBOURS, aggregate }
}

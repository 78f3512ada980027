/**
 * Rule `gated-geometric-median`, the default: drop what is far away, then the geometric median of the rest
 *
 * The gate drops a replica whose distance from the own model is more than twice the median of the neighbours'
 * distances; then the smoothed Weiszfeld iteration runs over the own model and the survivors. The gate takes away the
 * pull that far colluders have on a geometric median, needs no knowledge of how many lie, and costs honest peers
 * little: models of one round lie at similar distances from each other, also when their data differ. What passes is
 * bounded by twice the median distance, and half of the neighbours always pass.
 *
 * Limits. With one neighbour there is nothing to compare with: the result is the middle between the two models, so
 * that neighbour is trusted. With two the gate never closes (neither distance exceeds their sum) and the geometric
 * median of three, which outvotes one liar, is the whole defence. When half of the neighbours or more lie, they choose
 * the median distance and can shut the others out. A liar inside the gate still pulls, boundedly, and near-consensus
 * attacks that lie within the honest spread (ALIE, small inner-product manipulation) are slowed, not stopped.
 */
import { checkedNeighbours } from './checked-input.ts'
import { withOwn } from './geometric-median.ts'
import { differenceProducts } from './kernels/difference-products.ts'
import { weightedSum } from './kernels/weighted-sum.ts'
import { median } from './median.ts'
import { geometricMedianWeights } from './weiszfeld.ts'
import type { AggregationInput, AggregationResult, Aggregator, PeerName } from '../interface.ts'

const NAME = 'gated-geometric-median'

/** The gate, as a multiple of the median distance */
const GATE = 2

/**
 * Tolerates f liars among at least 2 f neighbours
 *
 * The rule itself does not use f: it says how few neighbours are too few. With f = 0 one is enough
 */
export function gatedGeometricMedian (f: number): Aggregator {
  const minimumNeighbours = Math.max(1, 2 * f)
  return {
    name: NAME,
    minimumNeighbours,
    aggregate: (input) => aggregate(input, minimumNeighbours)
  }
}

function aggregate (input: AggregationInput, minimumNeighbours: number): AggregationResult {
  const neighbours = checkedNeighbours(input, NAME, minimumNeighbours)
  const products = differenceProducts(input.own, neighbours.map(({ parameters }) => parameters))
  const distances = neighbours.map((_, j) => Math.sqrt(products[j * neighbours.length + j]!))
  const gate = GATE * median(distances)
  const kept: number[] = []
  const excluded: Array<{ peer: PeerName, reason: string }> = []
  for (const [j, { peer }] of neighbours.entries()) {
    if (distances[j]! > gate) {
      excluded.push({ peer, reason: 'distance-gate' })
    } else {
      kept.push(j)
    }
  }
  const vectors = [input.own, ...kept.map((j) => neighbours[j]!.parameters)]
  return {
    parameters: weightedSum(vectors, geometricMedianWeights(withOwn(products, neighbours.length, kept))),
    excluded
  }
}

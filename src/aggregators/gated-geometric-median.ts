/**
 * Rule `gated-geometric-median`, the default: drop what is far away, then the geometric median of the rest
 *
 * The gate drops a replica whose distance from the own model is more than three times the median of the neighbours'
 * distances; then the smoothed Weiszfeld iteration runs over the own model and the survivors. The gate takes away the
 * pull that far colluders have on a geometric median, needs no knowledge of how many lie, and costs honest peers
 * little: models of one round lie at similar distances from each other, also when their data differ. What passes is
 * bounded by three times the median distance, and half of the neighbours always pass.
 *
 * Limits. With one neighbour there is nothing to compare with: the result is the middle between the two models, so
 * that neighbour is trusted. With two the gate never closes (neither distance exceeds their sum) and the geometric
 * median of three, which outvotes one liar, is the whole defence. When half of the neighbours or more lie, they choose
 * the median distance and can shut the others out. A liar inside the gate still pulls, boundedly, and near-consensus
 * attacks that lie within the honest spread (ALIE, small inner-product manipulation) are slowed, not stopped.
 */
import { distancesFromVector, picked } from './geometry.ts'
import { median } from './median.ts'
import { geometricMedianWeights } from './weiszfeld.ts'
import type { Combination, CombinationRule, ExclusionReason, Geometry } from './rule.ts'

/**
 * The gate, as a multiple of the median distance. At 2 it shut out honest peers with unusual data: 3 points without an
 * attack on one of three splits of grid A (docs/robustness.md)
 */
const GATE = 3

/** Needs n >= 2f + 1. The rule itself does not use f: it says how few neighbours are too few */
export const gatedGeometricMedian: CombinationRule = {
  kind: 'combination',
  minimumVectors: (f) => 2 * f + 1,
  combine
}

function combine (geometry: Geometry): Combination {
  const distances = distancesFromVector(geometry, 0)
  const gate = GATE * median(distances.subarray(1))
  const excluded = new Map<number, ExclusionReason>()
  const kept: number[] = []
  for (const [index, distance] of distances.entries()) {
    if (distance > gate) {
      excluded.set(index, 'distance-gate')
    } else {
      kept.push(index)
    }
  }
  const weights = new Float64Array(geometry.count)
  const medianWeights = geometricMedianWeights(picked(geometry, kept).products)
  for (const [position, index] of kept.entries()) {
    weights[index] = medianWeights[position]!
  }
  return { weights, excluded }
}

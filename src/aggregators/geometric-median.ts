/**
 * Rule `geometric-median`: the point with the least sum of distances from the own model and the neighbours'
 *
 * Pillutla, Kakade, Harchaoui 2022, "Robust aggregation for federated learning" (RFA), here on a peer's neighbourhood.
 * The own model counts as one of n equal vectors, n >= 2f + 1. While fewer than half of them lie the result stays
 * near the honest ones wherever the liars are, but they do pull it: far colluders in one direction by more than
 * the gated rule lets them. The rule itself does not use f: it says how few neighbours are too few.
 */
import { geometricMedianWeights } from './weiszfeld.ts'
import type { CombinationRule } from './rule.ts'

export const geometricMedian: CombinationRule = {
  kind: 'combination',
  minimumVectors: (f) => 2 * f + 1,
  combine: ({ products }) => ({ weights: geometricMedianWeights(products) })
}

/**
 * Rule `mean`: plain gossip averaging with Metropolis–Hastings weights
 *
 * x + sum_j w_j (x_j - x). The right rule when nobody lies: one liar moves the result wherever it wants, whatever f
 * the document declares.
 */
import type { CombinationRule } from './rule.ts'

export const mean: CombinationRule = {
  kind: 'combination',
  minimumVectors: () => 2,
  combine: ({ gossipWeights }) => ({ weights: gossipWeights })
}

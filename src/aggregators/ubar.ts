/**
 * Rule `ubar`: the nearest neighbours whose models are no worse on own examples
 *
 * Guo et al. 2021 ("Byzantine-resilient decentralized stochastic gradient descent", UBAR/Mozi): of the k neighbours the
 * k - f nearest to the own model are candidates; those whose loss on a batch of own examples is at most the own one are
 * averaged, or the best one when there is none. Strong when data are alike; honest neighbours with other data look bad.
 */
import { averageAccepted } from './balance.ts'
import { distancesFromVector, ranked } from './geometry.ts'
import type { Combination, CombinationRule, Geometry, RuleContext } from './rule.ts'

function combine (geometry: Geometry, { f, losses }: RuleContext): Combination {
  if (losses?.length !== geometry.count) {
    throw new RangeError(`ubar needs the losses of ${geometry.count} models on own examples, got ${losses?.length ?? 'none'}`)
  }
  const distances = distancesFromVector(geometry, 0)
  const candidates = new Set(ranked(distances.subarray(1)).slice(0, geometry.count - 1 - f).map((index) => index + 1))
  const good = new Set([...candidates].filter((index) => losses[index]! <= losses[0]!))
  if (good.size === 0) {
    good.add([...candidates].reduce((best, index) => losses[index]! < losses[best]! ? index : best))
  }
  return averageAccepted(geometry.count, (index) => good.has(index) ? undefined : candidates.has(index) ? 'loss-gate' : 'distance-gate')
}

export const ubar: CombinationRule = {
  kind: 'combination',
  minimumVectors: (f) => f + 2,
  needsLosses: true,
  needsOriginals: true,
  combine
}

/**
 * Rule `balance`: accept what is near the own model, relative to the own model's length
 *
 * Fang et al. 2024 ("Byzantine-robust decentralized federated learning", BALANCE), equation 5: neighbour j is accepted
 * when |m_j - x| <= gamma exp(-kappa t / T) |x|, and x <- alpha x + (1 - alpha) mean of the accepted. Needs no f. Where
 * data differ it rejects honest peers, and an attacker within the threshold can lengthen x round after round.
 */
import { distancesFromVector } from './geometry.ts'
import type { Combination, CombinationRule, ExclusionReason, Geometry, RuleContext } from './rule.ts'

const GAMMA = 0.3
const KAPPA = 1
const ALPHA = 0.5
/** T: a federation has no last round; after this many the threshold shrinks no further */
const HORIZON_ROUNDS = 100

/** Averages the own vector with those of the neighbours that `accepts` */
export function averageAccepted (count: number, accepts: (index: number) => ExclusionReason | undefined): Combination {
  const excluded = new Map<number, ExclusionReason>()
  const accepted: number[] = []
  for (let index = 1; index < count; index++) {
    const reason = accepts(index)
    if (reason === undefined) {
      accepted.push(index)
    } else {
      excluded.set(index, reason)
    }
  }
  const weights = new Float64Array(count)
  weights[0] = accepted.length === 0 ? 1 : ALPHA
  for (const index of accepted) {
    weights[index] = (1 - ALPHA) / accepted.length
  }
  return { weights, excluded }
}

function combine (geometry: Geometry, { round, ownNorm }: RuleContext): Combination {
  const threshold = GAMMA * Math.exp(-KAPPA * Math.min(1, (round - 1) / HORIZON_ROUNDS)) * ownNorm()
  const distances = distancesFromVector(geometry, 0)
  return averageAccepted(geometry.count, (index) => distances[index]! <= threshold ? undefined : 'distance-gate')
}

export const balance: CombinationRule = {
  kind: 'combination',
  minimumVectors: () => 2,
  needsOriginals: true,
  combine
}

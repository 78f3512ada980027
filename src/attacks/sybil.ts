/**
 * Attack `sybil[:strength]`: many ids of one operator publish the same lie, to look like the majority
 *
 * What they say is the mean of the honest models that they know plus `strength` times these models' usual distance from
 * it, along one direction that all of them draw alike from the round: neighbours that agree so well are what rules by
 * distance trust most. In use with as many liars as ids: `--byzantine 5:sybil`.
 */
import { seededNormal, seededRandom } from '../seeded-random.ts'
import { checkedStrength } from './checked-strength.ts'
import { meanOf, plus, squaredDistance } from './statistics.ts'
import type { Attack } from './attack.ts'

export function sybil (strength: number = 1): Attack {
  checkedStrength('sybil', strength, { above: 0, atMost: 1e6 })
  return {
    name: 'sybil',
    corrupt: ({ own, observed, round }) => {
      const known = observed.length === 0 ? [own] : observed
      const mean = meanOf(known)
      const spread = known.reduce((sum, model) => sum + Math.sqrt(squaredDistance(model, mean)), 0) / known.length
      const normal = seededNormal(seededRandom(`sybil ${round}`))
      // of length 1, nearly: there are many coordinates
      const direction = mean.map(() => normal() / Math.sqrt(mean.length))
      return plus(mean, strength * spread, direction)
    }
  }
}

/**
 * Pre-aggregation `bucketing`: means of two vectors each, drawn at random
 *
 * Karimireddy, He, Jaggi 2022 ("Byzantine-robust learning on heterogeneous datasets via bucketing"), s = 2: halves what
 * honest peers differ by, and doubles the share of the liars, each of whom may spoil a bucket of its own.
 */
import type { Random } from '../interface.ts'
import { shuffle } from '../seeded-random.ts'
import type { PreAggregation } from './rule.ts'

const SIZE = 2

function drawn (count: number, random: Random): Uint32Array {
  return shuffle(Uint32Array.from({ length: count }, (_, i) => i), random)
}

export const bucketing: PreAggregation = {
  // ceil(n / 2) buckets must be as many vectors as the rule needs
  minimumVectors: (_f, needed) => SIZE * needed - 1,
  mix: ({ count }, { random }) => {
    const order = drawn(count, random)
    const buckets: Float64Array[] = []
    for (let first = 0; first < count; first += SIZE) {
      const members = order.subarray(first, first + SIZE)
      const row = new Float64Array(count)
      members.forEach((index) => { row[index] = 1 / members.length })
      // the bucket of the own vector stands for it in what follows
      if (members.includes(0)) {
        buckets.unshift(row)
      } else {
        buckets.push(row)
      }
    }
    return buckets
  }
}

/**
 * Rules `krum` and `multi-krum`: the vectors whose nearest others are nearest
 *
 * Blanchard, El Mhamdi, Guerraoui, Stainer 2017: the score of a vector is the sum of its squared distances to its
 * n - f - 2 nearest others; n >= 2f + 3. Krum takes the vector of the lowest score, Multi-Krum the mean of the n - f
 * lowest. Where data differ Krum hands on one peer's model: everything that the others learned is lost.
 */
import { picked, ranked, squaredDistanceOf } from './geometry.ts'
import type { Combination, CombinationRule, Geometry } from './rule.ts'

const minimumVectors = (f: number): number => 2 * f + 3

/** Krum's score of every vector: the sum of squared distances to its n - f - 2 nearest others, at least to one */
export function krumScores (geometry: Geometry, f: number): Float64Array {
  const { count } = geometry
  const nearest = Math.max(1, count - f - 2)
  return Float64Array.from({ length: count }, (_, i) => {
    const others = new Float64Array(count - 1)
    for (let j = 0, at = 0; j < count; j++) {
      if (j !== i) {
        others[at++] = squaredDistanceOf(geometry, i, j)
      }
    }
    return others.sort().subarray(0, nearest).reduce((sum, value) => sum + value, 0)
  })
}

/** Indices of the vectors that repeated Krum takes, one after the other, each out of those that are left */
export function krumSelection (geometry: Geometry, f: number, size: number): number[] {
  const left = Array.from({ length: geometry.count }, (_, i) => i)
  const chosen: number[] = []
  while (chosen.length < size) {
    const winner = left.length === 1 ? 0 : ranked(krumScores(picked(geometry, left), f))[0]!
    chosen.push(...left.splice(winner, 1))
  }
  return chosen
}

/** The mean of the first `size` of the vectors in order of score */
function best (geometry: Geometry, f: number, size: number): Combination {
  const order = ranked(krumScores(geometry, f))
  const weights = new Float64Array(geometry.count)
  for (const index of order.slice(0, size)) {
    weights[index] = 1 / size
  }
  return { weights, excluded: new Map(order.slice(size).map((index) => [index, 'not-selected'])) }
}

export const krum: CombinationRule = {
  kind: 'combination',
  minimumVectors,
  combine: (geometry, { f }) => best(geometry, f, 1)
}

export const multiKrum: CombinationRule = {
  kind: 'combination',
  minimumVectors,
  combine: (geometry, { f }) => best(geometry, f, geometry.count - f)
}

/**
 * The strength that hurts most: a search for each target, against the rule that it uses
 *
 * s* maximises |Agg(with the lie) - Agg(of the honest alone)|: the true deviation. Evaluated on a random subset of the
 * coordinates, on which distances keep their ratios.
 */
import { plus } from '../../src/attacks/statistics.ts'
import type { AggregationInput, Aggregator, Random } from '../../src/interface.ts'
import type { Direction } from './lies.ts'

export const FACTORS: readonly number[] = [0.25, 0.5, 1, 1.5, 2, 4, 10]
const SUBSET = 4_000

/** So many coordinates, ascending, or all */
export function drawCoordinates (size: number, random: Random): Uint32Array {
  if (size <= SUBSET) {
    return Uint32Array.from({ length: size }, (_, i) => i)
  }
  const chosen = new Set<number>()
  while (chosen.size < SUBSET) {
    chosen.add(Math.floor(random() * size))
  }
  return Uint32Array.from(chosen).sort()
}

export interface Search {
  /** With f, as the target runs it */
  rule: Aggregator
  /** The same rule with f = 0, for what the honest alone would give */
  ideal: Aggregator
  coordinates: Uint32Array
}

/** Who lies to a target */
export interface Liars {
  count: number
  /** Weight of the messages of each */
  weight: number
}

function restricted (vector: Float32Array, coordinates: Uint32Array): Float32Array {
  return Float32Array.from(coordinates, (i) => vector[i]!)
}

/** So many neighbours more, each heard with this weight */
export function withLies (input: AggregationInput, lies: readonly Float32Array[], weight: number): AggregationInput {
  return { ...input, neighbours: [...input.neighbours, ...lies.map((parameters, b) => ({ peer: `liar-${b}`, parameters, weight }))] }
}

/** The same mesh without the liars: what was theirs goes to all others in proportion */
function withoutLiars (input: AggregationInput, weightOfLiars: number): AggregationInput {
  return { ...input, neighbours: input.neighbours.map((neighbour) => ({ ...neighbour, weight: neighbour.weight / (1 - weightOfLiars) })) }
}

/**
 * The factor that moves the target's result farthest from what the honest alone would give. `input` is without the
 * liars, but weighs as if they were there
 */
export function worstFactor (input: AggregationInput, { base, direction }: Direction, { count, weight }: Liars, { rule, ideal, coordinates }: Search): number {
  const small: AggregationInput = {
    ...input,
    own: restricted(input.own, coordinates),
    neighbours: input.neighbours.map((neighbour) => ({ ...neighbour, parameters: restricted(neighbour.parameters, coordinates) }))
  }
  const from = restricted(base, coordinates)
  const along = restricted(direction, coordinates)
  const honest = ideal.aggregate(withoutLiars(small, count * weight)).parameters
  const harm = (factor: number): number => {
    const lie = plus(from, factor, along)
    const { parameters } = rule.aggregate(withLies(small, Array.from({ length: count }, () => lie), weight))
    return parameters.reduce((sum, value, i) => sum + (value - honest[i]!) ** 2, 0)
  }
  let worst = FACTORS[0]!
  let most = -1
  for (const factor of FACTORS) {
    const done = harm(factor)
    if (done > most) {
      worst = factor
      most = done
    }
  }
  return worst
}

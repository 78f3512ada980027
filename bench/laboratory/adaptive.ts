/**
 * The strength that hurts most: a search for each message, against the rule that its targets use
 *
 * s* maximises |Agg(with the lie) - Agg(of the honest alone)|: the true deviation, squared and summed over the targets.
 * Evaluated on a random subset of the coordinates, on which distances keep their ratios.
 */
import { plus } from '../../src/attacks/statistics.ts'
import type { AggregationInput, Aggregator, Random } from '../../src/interface.ts'
import type { Direction } from './lies.ts'

export const FACTORS: readonly number[] = [0.25, 0.5, 1, 1.5, 2, 4, 10]
const SUBSET = 4_000

/** The papers' usual strength, against a rule that judges by losses: there are none on a subset of the coordinates */
export const UNSEARCHED = 1.5

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

/** Who lies to a target, and what it would not hear at all */
export interface Told extends Liars {
  /** A lie that is longer than this is refused before the rule sees it. @default none is */
  longest?: number
}

/** Squared length of base + factor * direction, in all coordinates */
function squaredLength ({ base, direction }: Direction): (factor: number) => number {
  let [start, cross, square] = [0, 0, 0]
  for (let i = 0; i < base.length; i++) {
    start += base[i]! * base[i]!
    cross += base[i]! * direction[i]!
    square += direction[i]! * direction[i]!
  }
  return (factor) => start + 2 * factor * cross + factor * factor * square
}

/**
 * What a factor does to a target: the squared distance between its result and what the honest alone would give; 0 for a
 * lie that is refused. `input` is without the liars, but weighs as if they were there
 */
export function harmOf (input: AggregationInput, towards: Direction, { count, weight, longest = Infinity }: Told, { rule, ideal, coordinates }: Search): (factor: number) => number {
  const small: AggregationInput = {
    ...input,
    own: restricted(input.own, coordinates),
    neighbours: input.neighbours.map((neighbour) => ({ ...neighbour, parameters: restricted(neighbour.parameters, coordinates) }))
  }
  const from = restricted(towards.base, coordinates)
  const along = restricted(towards.direction, coordinates)
  const honest = ideal.aggregate(withoutLiars(small, count * weight)).parameters
  const length = longest === Infinity ? () => 0 : squaredLength(towards)
  return (factor) => {
    if (length(factor) > longest * longest) {
      return 0
    }
    const lie = plus(from, factor, along)
    const { parameters } = rule.aggregate(withLies(small, Array.from({ length: count }, () => lie), weight))
    return parameters.reduce((sum, value, i) => sum + (value - honest[i]!) ** 2, 0)
  }
}

/** The factor that does most harm to all targets of one message together */
export function worstFactor (harms: ReadonlyArray<(factor: number) => number>): number {
  let worst = FACTORS[0]!
  let most = -1
  for (const factor of FACTORS) {
    const done = harms.reduce((sum, harm) => sum + harm(factor), 0)
    if (done > most) {
      worst = factor
      most = done
    }
  }
  return worst
}

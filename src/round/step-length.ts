/**
 * How long the own step may be, so that neighbours do not take it for a lie
 *
 * Who was away, or has data that the others have not learned, takes long steps where theirs are short by now. Robust
 * rules leave long steps out and suspicion holds them back; then its data stay unknown, its steps stay long, and it is
 * left out for good. So a peer looks at the last round as its neighbours saw it, and shortens its next step to what
 * they take for usual. It is heard again, they learn its data, and its steps become short by themselves;
 * docs/robustness.md. A liar gains nothing: it could always stay within what the others take for usual.
 *
 * All of a round's replicas moved by what is common to their steps, so the comparison is of one round, and the result
 * holds for the next.
 */
import { median } from '../aggregators/median.ts'
import { relativeTo } from '../aggregators/geometry.ts'
import { LEAST_SPREAD, LEAST_UPDATES, NORMAL_MAD } from './suspicion.ts'
import type { Positions } from '../aggregators/geometry.ts'
import type { RoundPositions } from './round-positions.ts'

/**
 * Of the median of a neighbour's distances. The default rule's gate closes at 3, and steps scatter from round to round:
 * at 2, one in ten was still left out
 */
const USUAL_RATIO = 1.5
/** Robust standard deviations from that median. Suspicion begins at 3 */
const USUAL_SCORE = 2
/** The own and two more: of fewer there is no middle, and no gate ever closes */
const LEAST_NEIGHBOURS = 3
/** A step is never shortened to less than this part: of what is shorter nobody learns anything */
const LEAST_SCALE = 1 / 20
/** A step that was shortened may be this many times longer in the next round */
const GROWTH = 2
/** Halvings of the search for the longest usual step: to a part in a thousand */
const HALVINGS = 11

/** What this neighbour would make of the own update: its distance over the longest one that is usual there */
function strangeness (distance: number, others: readonly number[]): number {
  const seen = [...others, distance]
  const middle = median(seen)
  const spread = Math.max(median(seen.map((value) => Math.abs(value - middle))), LEAST_SPREAD * middle) / NORMAL_MAD
  const usual = seen.length < LEAST_UPDATES ? USUAL_RATIO * middle : Math.min(USUAL_RATIO * middle, middle + USUAL_SCORE * spread)
  return usual === 0 ? 0 : distance / usual
}

function root (square: number): number {
  // rounding may push what is zero below it
  return Math.sqrt(Math.max(0, square))
}

/**
 * For an own step `factor` times as long: the greatest strangeness, but for the `spared` neighbours where it is
 * greatest
 *
 * @param positions - Of what the neighbours decoded from the own update, and of their replicas, all of them relative to
 * the own model before the step
 */
function judgement ({ products, count }: Positions, factor: number, spared: number): number {
  const product = (i: number, j: number): number => products[i * count + j]!
  const neighbours = Array.from({ length: count - 1 }, (_, index) => index + 1)
  const scores = neighbours.map((j) => {
    const distance = root(factor * factor * product(0, 0) - 2 * factor * product(0, j) + product(j, j))
    return strangeness(distance, neighbours.filter((k) => k !== j).map((k) => root(product(j, j) + product(k, k) - 2 * product(j, k))))
  })
  return scores.sort((a, b) => b - a)[Math.min(spared, scores.length - 1)]!
}

/**
 * The longest step that neighbours would have taken for usual, in lengths of the one that was made, from 0 to 2
 *
 * 2 where no step, however short, would have been: then it is the model that stands apart, and a shorter step is no
 * help
 *
 * @param spared - Neighbours whose view does not count: as many as may lie
 */
export function usualFactor (positions: RoundPositions, spared: number): number {
  const shown = Array.from({ length: positions.peers.length + 1 }, (_, index) => index)
  const vectors = relativeTo(positions, positions.count - 1, shown)
  const isUsual = (factor: number): boolean => judgement(vectors, factor, spared) <= 1
  if (vectors.products[0] === 0 || isUsual(GROWTH) || !isUsual(0)) {
    return GROWTH
  }
  let [usual, strange] = [0, GROWTH]
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (usual + strange) / 2
    if (isUsual(middle)) {
      usual = middle
    } else {
      strange = middle
    }
  }
  return usual
}

export class StepLength {
  private readonly spared: number | undefined
  /** Part of the step that training made which is taken */
  scale = 1

  /** @param spared - See {@link usualFactor}; undefined: steps are never shortened */
  constructor (spared: number | undefined) {
    this.spared = spared
  }

  /** The model after as much of the step as is usual; `trained` itself where that is all of it */
  shortened (before: Float32Array, trained: Float32Array): Float32Array {
    return this.scale === 1 ? trained : trained.map((value, i) => before[i]! + this.scale * (value - before[i]!))
  }

  /** Reads where the own model was before the training */
  get isActive (): boolean {
    return this.spared !== undefined
  }

  /** Learns from a round how long the next step may be. Nothing where it is not known where the own model was before */
  observe (round: RoundPositions): void {
    if (this.spared !== undefined && round.hasBefore && round.peers.length >= LEAST_NEIGHBOURS) {
      this.scale = Math.min(1, Math.max(LEAST_SCALE, this.scale * usualFactor(round, this.spared)))
    }
  }
}

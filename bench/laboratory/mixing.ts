/**
 * How much each honest peer of a laboratory listens to each of its neighbours, the liars among them
 *
 * `equal`: own model and messages alike. `lazy`: Metropolis–Hastings, then as much added to every own weight as brings
 * the smallest of them to 1, and all divided by the sum (He, Karimireddy, Jaggi 2022, in the code of their ring
 * experiment).
 */
import { metropolisHastingsWeight } from '../../src/aggregators/metropolis-hastings.ts'
import type { Cell } from './cell.ts'

export interface Weights {
  /** In the order of the peer's neighbours in the graph */
  honest: number[]
  /** Of each of its liars */
  liar: number
}

export function liarsBeside ({ byzantine, extraLiars }: Pick<Cell, 'byzantine' | 'extraLiars'>, index: number): number {
  return byzantine + (index === 0 ? extraLiars : 0)
}

/** One row for each honest peer. A liar has one neighbour, its target */
export function mixingWeights (cell: Pick<Cell, 'byzantine' | 'extraLiars' | 'mixing'>, graph: ReadonlyArray<readonly number[]>): Weights[] {
  const degrees = graph.map(({ length }, index) => length + liarsBeside(cell, index))
  if (cell.mixing === 'equal') {
    return graph.map((neighbours, i) => ({ honest: neighbours.map(() => 1 / (1 + degrees[i]!)), liar: 1 / (1 + degrees[i]!) }))
  }
  const rows = graph.map((neighbours, i) => ({
    honest: neighbours.map((j) => metropolisHastingsWeight(degrees[i]!, degrees[j]!)),
    liar: metropolisHastingsWeight(degrees[i]!, 1)
  }))
  const own = rows.map(({ honest, liar }, i) => 1 - honest.reduce((sum, weight) => sum + weight, 0) - liar * liarsBeside(cell, i))
  const total = 2 - Math.min(...own)
  return rows.map(({ honest, liar }) => ({ honest: honest.map((weight) => weight / total), liar: liar / total }))
}

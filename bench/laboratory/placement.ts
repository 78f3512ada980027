/**
 * Where liars stand who hear every round of a mesh: each beside several honest peers, on one side of its weakest cut
 *
 * Honest peers are lined up by the Fiedler vector of their graph and cut into groups of equal size; the same liars
 * stand beside all of a group. So a liar that tells everybody the same tells it to peers of one side.
 */
import { colluderName } from '../../src/simulation/colluders.ts'
import { peerName } from '../../src/simulation/simulated-peers.ts'
import { fiedlerVector, honestGraph } from './graph.ts'
import type { DrawGraph } from '../../src/simulation/simulated-mesh.ts'
import type { Cell } from './cell.ts'

/** Indices of honest peers that have the same liars beside them, ascending; a liar has as many neighbours as a peer */
export function liarGroups (cell: Pick<Cell, 'degree' | 'byzantine'>, graph: ReadonlyArray<readonly number[]>): number[][] {
  if (cell.byzantine === 0) {
    return []
  }
  const sides = fiedlerVector(graph)
  const line = Array.from(graph.keys()).sort((a, b) => sides[a]! - sides[b]! || a - b)
  const groups = Math.ceil(line.length / (cell.degree + cell.byzantine))
  return Array.from({ length: groups }, (_, g) => line.slice(Math.round(g * line.length / groups), Math.round((g + 1) * line.length / groups)).sort((a, b) => a - b))
}

/** Liars of a group, by number: those of the first group come first */
export function liarsOf (group: number, { byzantine }: Pick<Cell, 'byzantine'>): number[] {
  return Array.from({ length: byzantine }, (_, b) => group * byzantine + b)
}

/** The honest graph of the cell and its liars: they stay where the first round's graph is weakest */
export function placedGraph (cell: Cell, groups: ReadonlyArray<readonly number[]>): DrawGraph {
  if (cell.rule === 'alone') {
    return () => new Map()
  }
  const liars = groups.flatMap((members, group) => liarsOf(group, cell).map((liar): [string, string[]] => [colluderName(liar), members.map(peerName)]))
  const beside = Array.from({ length: cell.peers }, (_, index) => groups.flatMap((members, group) => members.includes(index) ? liarsOf(group, cell).map(colluderName) : []))
  return (_, round) => new Map([
    ...honestGraph(cell, round).map((neighbours, index): [string, string[]] => [peerName(index), [...neighbours.map(peerName), ...beside[index]!]]),
    ...liars
  ])
}

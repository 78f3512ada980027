/**
 * The honest graph of a laboratory round, and its Fiedler vector
 */
import { neighbourGraph, rotationPeriod } from '../../src/topology/neighbour-graph.ts'
import type { Cell } from './cell.ts'

/** Neighbours of each honest peer, by index, ascending: a ring, or the graph that real peers would draw */
export function honestGraph ({ peers, graph, degree, resample, seed }: Pick<Cell, 'peers' | 'graph' | 'degree' | 'resample' | 'seed'>, round: number): number[][] {
  if (graph === 'ring') {
    return Array.from({ length: peers }, (_, i) => [(i + peers - 1) % peers, (i + 1) % peers].sort((a, b) => a - b))
  }
  const names = Array.from({ length: peers }, (_, i) => String(i).padStart(3, '0'))
  const rotation = resample === 0 ? undefined : { round, period: rotationPeriod(peers, degree, resample) }
  const drawn = neighbourGraph(names, degree, `laboratory ${seed}`, rotation)
  return names.map((name) => drawn.get(name)!.map(Number))
}

/** Eigenvector of the second smallest eigenvalue of the Laplacian, of length 1, by power iteration on c I - L */
export function fiedlerVector (graph: ReadonlyArray<readonly number[]>): Float64Array {
  const shift = 2 * Math.max(...graph.map(({ length }) => length))
  let vector = Float64Array.from(graph, (_, i) => Math.sin(1 + i * i))
  for (let step = 0; step < 2_000; step++) {
    const mean = vector.reduce((sum, value) => sum + value, 0) / vector.length
    const centred = vector.map((value) => value - mean)
    const next = centred.map((value, i) => graph[i]!.reduce((sum, j) => sum + centred[j]!, (shift - graph[i]!.length) * value))
    const length = Math.hypot(...next)
    vector = next.map((value) => value / length)
  }
  return vector
}

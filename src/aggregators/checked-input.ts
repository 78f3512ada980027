/**
 * What every rule demands of its input
 */
import type { AggregationInput, NeighbourReplica } from '../interface.ts'

/**
 * The neighbours in ascending order of peer id, so that a sum never depends on who came first
 *
 * Throws RangeError when there are fewer than `minimumNeighbours` (the caller must keep the own model instead), when a
 * peer is there twice, and when a replica has another length than the own vector. Replicas come from the codec, which
 * has screened out NaN and Inf
 */
export function checkedNeighbours ({ own, neighbours }: AggregationInput, rule: string, minimumNeighbours: number): NeighbourReplica[] {
  if (neighbours.length < minimumNeighbours) {
    throw new RangeError(`${rule} needs updates of at least ${minimumNeighbours} neighbours, got ${neighbours.length}`)
  }
  const sorted = [...neighbours].sort((a, b) => a.peer < b.peer ? -1 : a.peer > b.peer ? 1 : 0)
  for (const [index, { peer, parameters }] of sorted.entries()) {
    if (parameters.length !== own.length) {
      throw new RangeError(`replica of ${peer} has ${parameters.length} parameters, the own model ${own.length}`)
    }
    if (index > 0 && sorted[index - 1]!.peer === peer) {
      throw new RangeError(`${peer} takes part twice`)
    }
  }
  return sorted
}

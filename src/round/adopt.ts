/**
 * Taking over the neighbours' model: for a newcomer, and for a node that fell far behind
 *
 * The own model is worthless there, so the rule's centre is the medoid of the neighbours' replicas (the one with the
 * smallest sum of distances to the others): below one half of liars it is never far from the honest ones. Where the
 * replicas are just as many as the rule needs beside the own model, the own model must make up the number.
 */
import { distancesFromVector, positionsOf, ranked } from '../aggregators/geometry.ts'
import type { Aggregator, NeighbourReplica, PeerName, ReceivedUpdate, RejectionReason, Replicas } from '../interface.ts'

/** A neighbour's replica and the update that it came from */
export interface DecodedReplica extends NeighbourReplica {
  updateId: string
}

/** Index of the replica with the smallest sum of distances to all others; the first of such */
export function medoid (replicas: readonly Float32Array[]): number {
  const positions = positionsOf(replicas[0]!, replicas.slice(1))
  const sums = replicas.map((_, i) => distancesFromVector(positions, i).reduce((sum, distance) => sum + distance, 0))
  return ranked(sums)[0]!
}

export interface AdoptOptions {
  own: Float32Array
}

/**
 * One model from the neighbours' replicas, in ascending order of peer id; undefined when they are fewer than the rule
 * needs
 *
 * A rule that needs one neighbour withstands no liar anyway, and takes what there is
 */
export function adoptModel (replicas: readonly NeighbourReplica[], aggregator: Aggregator, { own }: AdoptOptions): Float32Array | undefined {
  const needed = aggregator.minimumNeighbours
  if (replicas.length < Math.max(1, needed)) {
    return undefined
  }
  const isVoteNeeded = needed > 1 && replicas.length === needed
  const centre = medoid(replicas.map(({ parameters }) => parameters))
  const from = isVoteNeeded ? own : replicas[centre]!.parameters
  const others = isVoteNeeded ? replicas : replicas.filter((_, index) => index !== centre)
  // losses on own examples say nothing before the own model has learned anything
  if (others.length < Math.max(1, needed) || aggregator.needsLosses) {
    return replicas[centre]!.parameters.slice()
  }
  const weight = 1 / (others.length + 1)
  return aggregator.aggregate({ own: from, neighbours: others.map((replica) => ({ ...replica, weight })) }).parameters
}

/**
 * Replicas of updates of whatever round; in ascending order of author, so that what follows cannot depend on the order
 * of arrival. One whose keyframe is not there is neither usable nor refused
 */
export function decodeReplicas (updates: readonly ReceivedUpdate[], replicas: Pick<Replicas, 'apply'>, parameterCount?: number): { usable: DecodedReplica[], refused: Array<{ peer: PeerName, reason: RejectionReason }> } {
  const usable: DecodedReplica[] = []
  const refused: Array<{ peer: PeerName, reason: RejectionReason }> = []
  for (const update of [...updates].sort((a, b) => a.author < b.author ? -1 : 1)) {
    const replica = replicas.apply(update)
    if (typeof replica !== 'string') {
      // the model comes first
      usable.push({ peer: update.author, parameters: replica.parameters.subarray(0, parameterCount), weight: 0, updateId: update.updateId })
    } else if (replica !== 'needs-keyframe') {
      refused.push({ peer: update.author, reason: replica })
    }
  }
  return { usable, refused }
}

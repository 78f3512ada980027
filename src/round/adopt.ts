/**
 * Taking over the neighbours' model: for a newcomer, and for a node that fell far behind
 *
 * The own model is worthless there, so the rule's centre is the medoid of the neighbours' replicas (the one with the
 * smallest sum of distances to the others): below one half of liars it is never far from the honest ones.
 */
import { Inbox } from './inbox.ts'
import type { Aggregator, Codec, NeighbourReplica, ParameterSlot, PeerName, ReceivedUpdate, RejectionReason } from '../interface.ts'

/** A neighbour's replica and the update that it came from */
export interface DecodedReplica extends NeighbourReplica {
  updateId: string
}

function distance (a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!
    sum += difference * difference
  }
  return Math.sqrt(sum)
}

/** Index of the replica with the smallest sum of distances to all others */
export function medoid (replicas: readonly Float32Array[]): number {
  const sums = new Float64Array(replicas.length)
  for (let i = 0; i < replicas.length; i++) {
    for (let j = i + 1; j < replicas.length; j++) {
      const d = distance(replicas[i]!, replicas[j]!)
      sums[i]! += d
      sums[j]! += d
    }
  }
  let best = 0
  for (let i = 1; i < sums.length; i++) {
    if (sums[i]! < sums[best]!) {
      best = i
    }
  }
  return best
}

/**
 * One model from the neighbours' replicas (at least one), in ascending order of peer id
 *
 * Throws RangeError when there is none
 */
export function adoptModel (replicas: readonly NeighbourReplica[], aggregator: Aggregator, layout: readonly ParameterSlot[]): Float32Array {
  if (replicas.length === 0) {
    throw new RangeError('no replica to adopt')
  }
  const centre = medoid(replicas.map(({ parameters }) => parameters))
  const own = replicas[centre]!.parameters
  const neighbours = replicas.filter((_, index) => index !== centre)
  if (neighbours.length < Math.max(1, aggregator.minimumNeighbours)) {
    return own.slice()
  }
  const weight = 1 / replicas.length
  return aggregator.aggregate({ own, neighbours: neighbours.map((replica) => ({ ...replica, weight })), layout }).parameters
}

/** Decodes updates of whatever round; in ascending order of author, so that what follows cannot depend on the order of arrival */
export function decodeReplicas (updates: readonly ReceivedUpdate[], codec: Codec, parameterCount: number): { usable: DecodedReplica[], refused: Array<{ peer: PeerName, reason: RejectionReason }> } {
  const usable: DecodedReplica[] = []
  const refused: Array<{ peer: PeerName, reason: RejectionReason }> = []
  for (const update of [...updates].sort((a, b) => a.author < b.author ? -1 : 1)) {
    const inbox = new Inbox({ codec, parameterCount, staleness: 0 })
    inbox.setRound(update.round, Number.POSITIVE_INFINITY)
    const reason = inbox.put(update)
    const entry = inbox.take(update.author, update.round)
    if (reason !== undefined) {
      refused.push({ peer: update.author, reason })
    } else if (entry !== undefined) {
      usable.push({ peer: update.author, parameters: entry.parameters, weight: 0, updateId: update.updateId })
    }
  }
  return { usable, refused }
}

/**
 * When and to what a node jumps that is behind its neighbours
 *
 * All neighbours have a vote on the round, also those of whom nothing is known: they count as being at the start. A liar
 * that is early, or the only one who answers, decides nothing.
 */
import { adoptModel, decodeReplicas } from './adopt.ts'
import { lowerMedian } from './lower-median.ts'
import type { Aggregator, Codec, ParameterSlot, PeerName, ReceivedUpdate, RejectionReason } from '../interface.ts'
import type { DecodedReplica } from './adopt.ts'

export interface JumpInit {
  aggregator: Aggregator
  codec: Codec
  parameterCount: number
  layout: readonly ParameterSlot[]
  /** Updates may be this many rounds old in a round */
  staleness: number
}

export interface Standing {
  /** The last finished round */
  round: number
  parameters: Float32Array
  neighbours: readonly PeerName[]
}

export interface Jump {
  /** Round of the neighbours' model; undefined: stay */
  target: number | undefined
  parameters: Float32Array
  /** All that was decoded; with a target, what the model is made of */
  sources: readonly DecodedReplica[]
  /** Updates that no honest peer sends */
  refused: ReadonlyArray<{ peer: PeerName, reason: RejectionReason }>
  /** The neighbours are ahead, but too few of their models are there for the rule to withstand its f */
  tooFew: number | undefined
}

/** `updates`: the newest one of each author, of neighbours and of others; only neighbours count */
export function planJump (updates: readonly ReceivedUpdate[], standing: Standing, init: JumpInit): Jump {
  const { round, parameters, neighbours } = standing
  const stay = { target: undefined, parameters, sources: [], refused: [], tooFew: undefined }
  const byAuthor = new Map(updates.map((update) => [update.author, update]))
  const target = lowerMedian(neighbours.map((peer) => byAuthor.get(peer)?.round ?? 0))
  if (target <= round + init.staleness) {
    return stay
  }
  const level = neighbours.flatMap((peer) => byAuthor.get(peer) ?? []).filter((update) => Math.abs(update.round - target) <= init.staleness + 1)
  const { usable, refused } = decodeReplicas(level, init.codec, init.parameterCount)
  const adopted = adoptModel(usable, init.aggregator, { layout: init.layout, own: parameters })
  return adopted === undefined
    ? { ...stay, sources: usable, refused, tooFew: usable.length }
    : { target, parameters: adopted, sources: usable, refused, tooFew: undefined }
}

/**
 * When and to what a node jumps that is behind its neighbours
 *
 * All neighbours have a vote on the round, also those of whom nothing is known: they count as being at the start. A
 * liar that is early, or the only one who answers, decides nothing.
 *
 * Numbers are believed on the word of as many authors as the rule needs, two at least; on fewer, only a little way,
 * because a round that was signed cannot be taken back (number-limits.ts).
 *
 * Where those who publish are too few for the rule, because the others have spent their privacy budgets, the last
 * updates of these are started from: everybody may have them anyway.
 */
import { adoptModel, decodeReplicas } from './adopt.ts'
import { LEAST_QUORUM, MAX_ADOPTED_ROUND, MAX_LONE_RAISE } from '../number-limits.ts'
import { supportedRound } from './round-numbers.ts'
import type { Aggregator, PeerName, ReceivedUpdate, RejectionReason, Replicas } from '../interface.ts'
import type { DecodedReplica } from './adopt.ts'

export interface JumpInit {
  aggregator: Aggregator
  replicas: Pick<Replicas, 'apply'>
  /** d: elements of the model, with which each replica begins. @default all of them */
  parameterCount?: number | undefined
  /** Updates may be this many rounds old in a round */
  staleness: number
}

export interface Standing {
  /** The last finished round */
  round: number
  parameters: Float32Array
  neighbours: readonly PeerName[]
  /** Drawn like neighbours; they publish nothing any more */
  elders?: readonly PeerName[]
  /** Rounds that this node was taken ahead by fewer authors than a quorum, since it started. @default 0 */
  loneRaise?: number
}

export interface Jump {
  /** Round of the neighbours' model; undefined: stay */
  target: number | undefined
  parameters: Float32Array
  /** As in {@link Standing}, when this jump is made */
  loneRaise: number
  /** All that was decoded; with a target, what the model is made of */
  sources: readonly DecodedReplica[]
  /** Updates that no honest peer sends */
  refused: ReadonlyArray<{ peer: PeerName, reason: RejectionReason }>
  /** The neighbours are ahead, but too few of their models are there for the rule to withstand its f */
  tooFew: number | undefined
}

/** `updates`: the newest one of each author, of neighbours and of others; only neighbours, and elders in need, count */
export function planJump (updates: readonly ReceivedUpdate[], standing: Standing, init: JumpInit): Jump {
  const { round, parameters, neighbours, elders = [], loneRaise = 0 } = standing
  const stay = { target: undefined, parameters, loneRaise, sources: [], refused: [], tooFew: undefined }
  const byAuthor = new Map(updates.map((update) => [update.author, update]))
  const needed = Math.max(1, init.aggregator.minimumNeighbours)
  const voters = neighbours.length < needed ? [...neighbours, ...elders] : neighbours
  const level = supportedRound(voters.map((peer) => byAuthor.get(peer)?.round ?? 0), needed)
  const isLone = voters.filter((peer) => (byAuthor.get(peer)?.round ?? 0) >= level).length < Math.max(LEAST_QUORUM, needed)
  const target = Math.min(level, isLone ? round + MAX_LONE_RAISE - loneRaise : MAX_ADOPTED_ROUND)
  if (target <= round + init.staleness) {
    return stay
  }
  const held = voters.flatMap((peer) => byAuthor.get(peer) ?? [])
  const { usable, refused } = decodeReplicas(atLevel(held, level, { elders, needed, staleness: init.staleness }), init.replicas, init.parameterCount)
  const adopted = adoptModel(usable, init.aggregator, { own: parameters })
  return adopted === undefined
    ? { ...stay, sources: usable, refused, tooFew: usable.length }
    : { target, parameters: adopted, loneRaise: isLone ? loneRaise + target - round : loneRaise, sources: usable, refused, tooFew: undefined }
}

/** Plans the jumps of one run, each of which is made, and so remembers how far single authors took it */
export class JumpPlanner {
  private loneRaise = 0

  /** See {@link planJump} */
  plan (updates: readonly ReceivedUpdate[], standing: Standing, init: JumpInit): Jump {
    const jump = planJump(updates, { ...standing, loneRaise: this.loneRaise }, init)
    this.loneRaise = jump.loneRaise
    return jump
  }
}

/**
 * Those about as far as the neighbours' level; where that is too few, elders too: they stopped in different rounds, and
 * the nearest come first
 */
function atLevel (held: readonly ReceivedUpdate[], target: number, { elders, needed, staleness }: { elders: readonly PeerName[], needed: number, staleness: number }): ReceivedUpdate[] {
  const distance = ({ round }: ReceivedUpdate): number => Math.abs(round - target)
  const level = held.filter((update) => distance(update) <= staleness + 1)
  const others = held.filter((update) => elders.includes(update.author) && !level.includes(update))
    .sort((a, b) => distance(a) - distance(b) || b.round - a.round || (a.author < b.author ? -1 : 1))
  // one more than the rule needs: the own model, which has learned nothing, must not make up the number
  return [...level, ...others.slice(0, Math.max(0, needed + 1 - level.length))]
}

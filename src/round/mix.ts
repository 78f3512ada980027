/**
 * Step 4 of a round: x <- x_half + (Agg(own replica; neighbours' replicas) - own replica)
 */
import { neighbourDistance } from '../aggregators/consensus.ts'
import { metropolisHastingsWeight } from '../aggregators/metropolis-hastings.ts'
import { firstUnacceptable } from '../codec/frame.ts'
import type { AggregationInput, AggregationResult, Aggregator, NeighbourReplica } from '../interface.ts'
import type { InboxEntry } from './inbox.ts'

export interface MixInput {
  /** The exact local model after the local steps */
  half: Float32Array
  /** What the neighbours decode from the own update */
  own: Float32Array
  /** Usable updates, in any order */
  entries: readonly InboxEntry[]
}

export interface Mixed {
  parameters: Float32Array
  /** Ids of the neighbours' updates that took part */
  parents: string[]
  /** Usable updates before the rule */
  received: number
  excluded: AggregationResult['excluded']
  /** True when there were too few updates, or their average is no model: `parameters` is then `half` */
  keptOwn: boolean
  /** Index of the first parameter of the average that could not be published; undefined when there is none */
  unsound?: number
  /** sqrt(mean |own - replica|^2 / 2); null without updates */
  distance: number | null
}

export interface MixOptions extends Pick<AggregationInput, 'round' | 'losses'> {
  /** Number of own neighbours, for the Metropolis–Hastings weights */
  degree: number
}

export function mix (input: MixInput, aggregator: Aggregator, { degree, ...options }: MixOptions): Mixed {
  const { half, own } = input
  const entries = [...input.entries].sort((a, b) => a.update.author < b.update.author ? -1 : 1)
  const received = entries.length
  const distance = neighbourDistance(own, entries.map(({ parameters }) => parameters)) ?? null
  if (received < Math.max(1, aggregator.minimumNeighbours)) {
    return { parameters: half, parents: [], received, excluded: [], keptOwn: true, distance }
  }
  const neighbours: NeighbourReplica[] = entries.map(({ update, parameters }) => ({
    peer: update.author,
    parameters,
    weight: metropolisHastingsWeight(degree, update.degree)
  }))
  const { parameters, excluded } = aggregator.aggregate({ own, neighbours, ...options })
  // a displacement of the exact model: the rounding error of the own codec is not lost
  for (let i = 0; i < parameters.length; i++) {
    parameters[i]! += half[i]! - own[i]!
  }
  const unsound = firstUnacceptable(parameters)
  if (unsound !== -1) {
    // committed, it would end this peer now and at every start
    return { parameters: half, parents: [], received, excluded: [], keptOwn: true, unsound, distance }
  }
  const dropped = new Set(excluded.map(({ peer }) => peer))
  const parents = entries.filter(({ update }) => !dropped.has(update.author)).map(({ update }) => update.updateId)
  return { parameters, parents, received, excluded, keptOwn: false, distance }
}

/** Why the own model is kept, for the operator */
export function keptOwnWarning ({ received, unsound }: Mixed, { name, minimumNeighbours }: Aggregator, round: number): { code: string, message: string } {
  const [code, why] = unsound === undefined
    ? ['too-few-updates', `${received} valid updates, ${name} needs ${minimumNeighbours}`]
    : ['unsound-average', `parameter ${unsound} of what ${name} makes of ${received} updates is not finite or too large`]
  return { code, message: `round ${round}: ${why}; the own model is kept` }
}

/**
 * Step 4 of a round: x <- x_half + (Agg(own replica; neighbours' replicas) - own replica), for each vector
 */
import { neighbourDistance } from '../aggregators/consensus.ts'
import { metropolisHastingsWeight } from '../aggregators/metropolis-hastings.ts'
import { firstUnacceptable } from '../codec/frame.ts'
import type { AggregationInput, AggregationResult, Aggregator, NeighbourReplica } from '../interface.ts'
import type { VectorDefinition } from '../algorithm/algorithm.ts'
import type { InboxEntry } from './inbox.ts'

export interface MixInput {
  /** The exact local vectors after the local steps; the first is the model */
  half: readonly Float32Array[]
  /** What the neighbours decode of them from the own update */
  own: readonly Float32Array[]
  /** Usable updates, in any order */
  entries: readonly InboxEntry[]
}

export interface Mixed {
  /** The first is the model */
  vectors: readonly Float32Array[]
  /** Ids of the neighbours' updates that took part */
  parents: string[]
  /** Usable updates before the rule */
  received: number
  excluded: AggregationResult['excluded']
  /** True when there were too few updates, or their average is no model: `vectors` is then `half` */
  keptOwn: boolean
  /** Index of the first parameter of the average that could not be published; undefined when there is none */
  unsound?: number
  /** sqrt(mean |own - replica|^2 / 2); null without updates */
  distance: number | null
}

export interface MixOptions extends Pick<AggregationInput, 'round' | 'losses'> {
  /** Number of own neighbours, for the Metropolis–Hastings weights */
  degree: number
  /** How each vector is mixed. @default a model, by the rule */
  vectors?: readonly VectorDefinition[]
}

const MODEL: readonly VectorDefinition[] = [{ name: 'model', rule: 'robust' }]

export function mix (input: MixInput, aggregator: Aggregator, { degree, vectors = MODEL, ...options }: MixOptions): Mixed {
  const { half, own } = input
  const entries = [...input.entries].sort((a, b) => a.update.author < b.update.author ? -1 : 1)
  const received = entries.length
  const distance = neighbourDistance(own[0]!, entries.map(({ parameters }) => parameters)) ?? null
  const kept = { vectors: half, parents: [], received, excluded: [], keptOwn: true, distance }
  if (received < Math.max(1, aggregator.minimumNeighbours)) {
    return kept
  }
  const inputOf = (vector: number): AggregationInput => ({ ...options, own: own[vector]!, neighbours: replicasOf(entries, vector, degree) })
  const { parameters, excluded } = aggregator.aggregate(inputOf(0))
  const dropped = new Set(excluded.map(({ peer }) => peer))
  const others = vectors.slice(1).map(({ rule }, index) => rule === 'robust'
    ? aggregator.aggregate(inputOf(index + 1)).parameters
    : gossipMean(own[index + 1]!, replicasOf(entries, index + 1, degree).filter(({ peer }) => !dropped.has(peer))))
  const mixed = [parameters, ...others]
  mixed.forEach((vector, index) => { displace(vector, half[index]!, own[index]!) })
  const unsound = mixed.map(firstUnacceptable).find((index) => index !== -1)
  if (unsound !== undefined) {
    // committed, it would end this peer now and at every start
    return { ...kept, unsound }
  }
  const parents = entries.filter(({ update }) => !dropped.has(update.author)).map(({ update }) => update.updateId)
  // the model is its own where nobody took part: so are the others then, whatever their rule made of them
  const moved = parents.length === 0 ? [parameters, ...half.slice(1)] : mixed
  return { vectors: moved, parents, received, excluded, keptOwn: false, distance }
}

function replicasOf (entries: readonly InboxEntry[], vector: number, degree: number): NeighbourReplica[] {
  return entries.map(({ update, vectors }) => ({
    peer: update.author,
    parameters: vectors[vector]!,
    weight: metropolisHastingsWeight(degree, update.degree)
  }))
}

/** own + sum_j w_j (x_j - own), freshly allocated */
function gossipMean (own: Float32Array, neighbours: readonly NeighbourReplica[]): Float32Array {
  const mean = own.slice()
  for (const { parameters, weight } of neighbours) {
    for (let i = 0; i < mean.length; i++) {
      mean[i]! += weight * (parameters[i]! - own[i]!)
    }
  }
  return mean
}

/** A displacement of the exact vector: the rounding error of the own codec is not lost. vector += half - own */
function displace (vector: Float32Array, half: Float32Array, own: Float32Array): void {
  for (let i = 0; i < vector.length; i++) {
    vector[i]! += half[i]! - own[i]!
  }
}

/** Why the own model is kept, for the operator */
export function keptOwnWarning ({ received, unsound }: Mixed, { name, minimumNeighbours }: Aggregator, round: number): { code: string, message: string } {
  const [code, why] = unsound === undefined
    ? ['too-few-updates', `${received} valid updates, ${name} needs ${minimumNeighbours}`]
    : ['unsound-average', `parameter ${unsound} of what ${name} makes of ${received} updates is not finite or too large`]
  return { code, message: `round ${round}: ${why}; the own model is kept` }
}

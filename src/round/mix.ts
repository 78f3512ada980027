/**
 * Step 4 of a round: x <- x_half + (Agg(own replica; neighbours' replicas) - own replica), for each vector
 */
import { metropolisHastingsWeight } from '../aggregators/metropolis-hastings.ts'
import { firstUnacceptable } from '../codec/frame.ts'
import { PIECE } from '../slices.ts'
import { neighbourDistance, productsOf } from './round-positions.ts'
import type { AggregationInput, AggregationResult, Aggregator, NeighbourReplica } from '../interface.ts'
import type { VectorDefinition } from '../algorithm/algorithm.ts'
import type { Sliced } from '../slices.ts'
import type { InboxEntry } from './inbox.ts'
import type { RoundPositions } from './round-positions.ts'

export interface MixInput {
  /** The exact local vectors after the local steps; the first is the model */
  half: readonly Float32Array[]
  /** What the neighbours decode of them from the own update */
  own: readonly Float32Array[]
  /** Usable updates, in any order */
  entries: readonly InboxEntry[]
  /** Of the own model and those of the updates, or of more */
  positions: RoundPositions
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
  /** See neighbourDistance */
  distance: number | null
}

export interface MixOptions extends Pick<AggregationInput, 'round' | 'losses'> {
  /** Number of own neighbours, for the Metropolis–Hastings weights */
  degree: number
  /** How each vector is mixed. @default a model, by the rule */
  vectors?: readonly VectorDefinition[]
}

const MODEL: readonly VectorDefinition[] = [{ name: 'model', rule: 'robust' }]

export function * mix ({ half, own, positions, ...input }: MixInput, aggregator: Aggregator, { degree, vectors = MODEL, ...options }: MixOptions): Sliced<Mixed> {
  const entries = [...input.entries].sort((a, b) => a.update.author < b.update.author ? -1 : 1)
  const received = entries.length
  const products = productsOf(positions, entries.map(({ update }) => update.author))
  const kept = { vectors: half, parents: [], received, excluded: [], keptOwn: true, distance: neighbourDistance(products) }
  if (received < Math.max(1, aggregator.minimumNeighbours)) {
    return kept
  }
  const inputOf = (vector: number): AggregationInput => ({ ...options, own: own[vector]!, neighbours: replicasOf(entries, vector, degree) })
  const { parameters, excluded } = yield * aggregated(aggregator, { ...inputOf(0), products })
  const dropped = new Set(excluded.map(({ peer }) => peer))
  const mixed = [parameters]
  for (const [index, { rule }] of vectors.entries()) {
    if (index > 0) {
      mixed.push(rule === 'robust'
        ? (yield * aggregated(aggregator, inputOf(index))).parameters
        : gossipMean(own[index]!, replicasOf(entries, index, degree).filter(({ peer }) => !dropped.has(peer))))
    }
    yield * displace(mixed[index]!, half[index]!, own[index]!)
  }
  const unsound = mixed.map(firstUnacceptable).find((index) => index !== -1)
  if (unsound !== undefined) {
    // committed, it would end this peer now and at every start
    return { ...kept, unsound }
  }
  const parents = entries.filter(({ update }) => !dropped.has(update.author)).map(({ update }) => update.updateId)
  // the model is its own where nobody took part: so are the others then, whatever their rule made of them
  const moved = parents.length === 0 ? [parameters, ...half.slice(1)] : mixed
  return { ...kept, vectors: moved, parents, excluded, keptOwn: false }
}

function * aggregated (aggregator: Aggregator, input: AggregationInput): Sliced<AggregationResult> {
  return aggregator.aggregation === undefined ? aggregator.aggregate(input) : yield * aggregator.aggregation(input)
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
function * displace (vector: Float32Array, half: Float32Array, own: Float32Array): Sliced<void> {
  for (let start = 0; start < vector.length; start += PIECE) {
    addDifference(vector.subarray(start, start + PIECE), half.subarray(start, start + PIECE), own.subarray(start, start + PIECE))
    yield
  }
}

function addDifference (vector: Float32Array, half: Float32Array, own: Float32Array): void {
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

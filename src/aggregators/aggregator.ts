/**
 * Runs a rule on a peer's own model and its neighbours'
 */
import { randomFillSync } from 'node:crypto'
import { atOnce, PIECE } from '../slices.ts'
import { checkedNeighbours } from './checked-input.ts'
import { mixed, picked, positionsOf } from './geometry.ts'
import { weightedSum, slicedWeightedSum } from './kernels/weighted-sum.ts'
import { minimumNeighbours, ruleChain } from './rules.ts'
import type { AggregationInput, AggregationResult, Aggregator, NeighbourReplica, Random } from '../interface.ts'
import type { Sliced } from '../slices.ts'
import type { Columns } from './kernels/order-statistics.ts'
import type { RuleChain } from './rules.ts'
import type { Combination, CombinationRule, CoordinateRule, Geometry, RuleContext } from './rule.ts'

export { AGGREGATION_RULES, PRE_AGGREGATION_NAMES } from './rules.ts'

export interface AggregatorInit {
  /** Such as `gated-geometric-median` or `nnm+trimmed-mean` */
  rule: string
  /** Liars among the neighbours that the rule must withstand */
  f: number
  /** For the clipping rules with a fixed radius */
  clipRadius?: number | undefined
}

/** What bucketing draws from when nothing else is given: a liar must not know who shares its bucket */
function unpredictable (): number {
  return randomFillSync(new Uint32Array(1))[0]! / 0x100000000
}

/**
 * The rule that a federation document names, for the f that it declares
 *
 * Throws RangeError when there is no such rule, or f is not a whole number of at least 0. `aggregate` throws RangeError
 * when there are fewer than `minimumNeighbours` replicas, when a peer is there twice, when a replica has another length
 * than the own vector, or when the rule needs losses and got none
 */
export function createAggregator ({ rule, ...settings }: AggregatorInit, random?: Random): Aggregator {
  return aggregatorOf(ruleChain(rule), settings, random)
}

/** The same for a chain that has no name of its own, such as one on trial in the attack laboratory */
export function aggregatorOf (chain: RuleChain, { f, clipRadius }: Omit<AggregatorInit, 'rule'>, random: Random = unpredictable): Aggregator {
  if (!Number.isInteger(f) || f < 0) {
    throw new RangeError(`f must be a whole number of at least 0, not ${f}`)
  }
  const minimum = minimumNeighbours(chain, f)
  const aggregation = (input: AggregationInput): Sliced<AggregationResult> => {
    const neighbours = checkedNeighbours(input, chain.name, minimum)
    const vectors = [input.own, ...neighbours.map(({ parameters }) => parameters)]
    const context = { f, clipRadius, random, ...contextOf(input, neighbours) }
    return run(chain, { vectors, neighbours }, geometryOf(vectors, neighbours, input), context)
  }
  return {
    name: chain.name,
    minimumNeighbours: minimum,
    needsLosses: chain.rule.kind === 'combination' && chain.rule.needsLosses === true,
    aggregation,
    aggregate: (input) => atOnce(aggregation(input))
  }
}

function contextOf ({ own, round = 1, losses }: AggregationInput, neighbours: readonly NeighbourReplica[]): Pick<RuleContext, 'round' | 'ownNorm' | 'losses'> {
  return {
    round,
    ownNorm: () => Math.sqrt(own.reduce((sum, value) => sum + value * value, 0)),
    losses: losses === undefined ? undefined : Float64Array.of(losses.own, ...neighbours.map(({ peer }) => losses.neighbours.get(peer) ?? Infinity))
  }
}

/** Rules that look at coordinates, or at nothing, never ask for the products */
function geometryOf (vectors: readonly Float32Array[], neighbours: readonly NeighbourReplica[], input: AggregationInput): Geometry {
  let products: Float64Array | undefined
  return {
    count: vectors.length,
    get products () {
      products ??= input.products === undefined ? positionsOf(vectors[0]!, vectors.slice(1)).products : inOrder(input.products, neighbours, input)
      return products
    },
    gossipWeights: gossipWeights(neighbours)
  }
}

/** Products that were handed in, in the order of the neighbours here. Throws RangeError for those of another number */
function inOrder (products: Float64Array, neighbours: readonly NeighbourReplica[], input: AggregationInput): Float64Array {
  const count = neighbours.length + 1
  if (products.length !== count * count) {
    throw new RangeError(`products of ${count} vectors are ${count * count} numbers, not ${products.length}`)
  }
  return picked({ products, count }, [0, ...neighbours.map((replica) => input.neighbours.indexOf(replica) + 1)]).products
}

/**
 * The edges' weights as they are, unless they leave the own model less than an equal share: then they shrink to that
 *
 * Metropolis–Hastings weights never do while no more replicas arrive than the own degree has counted. During a change
 * of neighbours more may, and the own weight must not become negative
 */
function gossipWeights (neighbours: readonly NeighbourReplica[]): Float64Array {
  const weights = neighbours.map(({ weight }) => weight)
  if (!weights.every((weight) => weight >= 0 && weight <= 1)) {
    throw new RangeError(`weights of neighbours must lie between 0 and 1: ${weights.join(', ')}`)
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const most = weights.length / (weights.length + 1)
  const fair = total > most ? weights.map((weight) => weight * most / total) : weights
  return Float64Array.of(1 - fair.reduce((sum, weight) => sum + weight, 0), ...fair)
}

interface Participants {
  /** The own vector first, then the neighbours' */
  vectors: readonly Float32Array[]
  neighbours: readonly NeighbourReplica[]
}

function * run ({ before, rule }: RuleChain, participants: Participants, geometry: Geometry, context: RuleContext): Sliced<AggregationResult> {
  let rows: Float64Array[] | undefined
  let positions = geometry
  for (const step of before) {
    const next = step.mix(positions, context)
    rows = rows === undefined ? next : next.map((row) => composed(row, rows!))
    positions = mixed(geometry, rows)
  }
  return rule.kind === 'combination'
    ? yield * combination(rule, participants, { positions, rows }, context)
    : { parameters: yield * coordinates(rule, participants, { positions, rows }, context), excluded: [] }
}

interface Mixed {
  positions: Geometry
  /** Weights of the vectors that each position stands for; undefined when they stand for themselves */
  rows: readonly Float64Array[] | undefined
}

/** Weights of the original vectors in a weighted mean of means of them */
function composed (weights: Float64Array, rows: readonly Float64Array[]): Float64Array {
  const result = new Float64Array(rows[0]!.length)
  for (const [i, row] of rows.entries()) {
    for (let j = 0; j < row.length; j++) {
      result[j]! += weights[i]! * row[j]!
    }
  }
  return result
}

function * combination (rule: CombinationRule, { vectors, neighbours }: Participants, { positions, rows }: Mixed, context: RuleContext): Sliced<AggregationResult> {
  const chosen = rule.combine(positions, context)
  const weights = rows === undefined ? chosen.weights : composed(chosen.weights, rows)
  // what a rule says of a mean of several peers is said of none of them
  const excluded = rows === undefined ? chosen.excluded : undefined
  return { parameters: yield * slicedWeightedSum(vectors, weights), excluded: exclusions(excluded ?? new Map(), neighbours) }
}

function exclusions (excluded: NonNullable<Combination['excluded']>, neighbours: readonly NeighbourReplica[]): AggregationResult['excluded'] {
  return neighbours.flatMap(({ peer }, j) => {
    const reason = excluded.get(j + 1)
    return reason === undefined ? [] : [{ peer, reason }]
  })
}

/** Each coordinate is on its own: a rule gets a piece of them after the other */
function * coordinates (rule: CoordinateRule, { vectors }: Participants, { positions, rows }: Mixed, context: RuleContext): Sliced<Float32Array> {
  const size = vectors[0]!.length
  const parameters = new Float32Array(size)
  for (let start = 0; start < size; start += PIECE) {
    if (start > 0) {
      yield
    }
    parameters.set(pieceOf(rule, { vectors: vectors.map((vector) => vector.subarray(start, start + PIECE)), rows }, positions, context), start)
  }
  return parameters
}

function pieceOf (rule: CoordinateRule, { vectors, rows }: Columns, positions: Geometry, context: RuleContext): Float32Array {
  const result = rule.aggregate({ vectors, rows }, positions, context)
  if (rows === undefined || result.every(Number.isFinite)) {
    return result
  }
  // means of numbers at the end of float32, accumulated in float32, may round up to Inf: float64 has room for them
  return rule.aggregate({ vectors: rows.map((row) => weightedSum(vectors, row)) }, positions, context)
}

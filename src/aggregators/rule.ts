/**
 * What an aggregation rule is made of
 *
 * Most rules form a weighted mean of the vectors, and choose the weights from the vectors' relative positions. These
 * follow from the small matrix of inner products, so such a rule never touches a vector: the products are taken in one
 * pass, the rule works on n x n numbers, one more pass forms the mean, whatever the rule iterates in between. Only what
 * looks at single coordinates (medians, trimming) works on the vectors themselves.
 */
import type { Random } from '../interface.ts'
import type { Columns } from './kernels/order-statistics.ts'

/** Where the vectors lie. The own one comes first, the neighbours' follow in ascending order of peer id */
export interface Geometry {
  /** n: the own vector and the neighbours' */
  readonly count: number
  /** n x n inner products, row-major, relative to some origin: distances follow, norms do not. Taken when first read */
  readonly products: Float64Array
  /** The row of the gossip matrix (Metropolis–Hastings), own weight first: at least 0, sum 1 */
  readonly gossipWeights: Float64Array
}

export interface RuleContext {
  /** Liars among the neighbours that the rule must withstand */
  readonly f: number
  /** From 1 */
  readonly round: number
  readonly random: Random
  /** Radius of the clipping rules that have a fixed one; undefined: they choose it */
  readonly clipRadius: number | undefined
  /** Euclidean norm of the own vector */
  readonly ownNorm: () => number
  /** Mean loss of each vector on a batch of own examples, in the order of the geometry; for rules that need it */
  readonly losses: Float64Array | undefined
}

/** Why a rule left a neighbour out: `distance-gate` and `loss-gate` are judgements, `not-selected` is none */
export type ExclusionReason = 'distance-gate' | 'loss-gate' | 'not-selected'

export interface Combination {
  /** One for each vector of the geometry, at least 0, sum 1 */
  weights: Float64Array
  /** Vectors that have no part, and why */
  excluded?: ReadonlyMap<number, ExclusionReason>
}

interface RuleFacts {
  /** n, the own vector included, below which the rule promises nothing for this f */
  minimumVectors: (f: number) => number
}

/** Chooses weights */
export interface CombinationRule extends RuleFacts {
  kind: 'combination'
  combine: (geometry: Geometry, context: RuleContext) => Combination
  /** Reads `losses` */
  needsLosses?: true
  /** Reads more than relative positions, so that it cannot follow a pre-aggregation */
  needsOriginals?: true
}

/** Works coordinate by coordinate; the selection before it, where there is one, reads the geometry */
export interface CoordinateRule extends RuleFacts {
  kind: 'coordinates'
  /** One column for each vector of the geometry, which must not be mutated; the result is freshly allocated */
  aggregate: (columns: Columns, geometry: Geometry, context: RuleContext) => Float32Array
}

export type Rule = CombinationRule | CoordinateRule

/** Replaces the vectors by means of some of them, before a rule sees them */
export interface PreAggregation {
  /** n that it needs so that the rule after it gets `needed` vectors that f liars have not overrun */
  minimumVectors: (f: number, needed: number) => number
  /** Rows of n weights of sum 1, one for each new vector; the first one stands for the own vector */
  mix: (geometry: Geometry, context: RuleContext) => Float64Array[]
}

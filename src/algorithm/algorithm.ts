/**
 * The port of a training algorithm: what local steps do besides following the own gradients, what an update carries,
 * and what becomes of what was mixed
 *
 * Gossip averaging (gossip-averaging.ts) has one vector, the model, and no state. Gradient tracking and its kin have a
 * second vector that is mixed like the model, and state that must survive a restart with the version it goes with. The
 * round engine owns order and durability: an algorithm computes, and neither sends nor stores anything.
 */
import type { FederationDocument } from '../federation/document.ts'

/** One of the vectors of an update, d elements like the model */
export interface VectorDefinition {
  /** e.g. `model`, `tracker` */
  name: string
  /**
   * `robust`: mixed by the federation's rule, by itself. `mean`: by Metropolis-Hastings weights over the neighbours
   * that the rule let take part with the model; no liar is withstood
   */
  rule: 'robust' | 'mean'
}

/** What came of a round's local steps */
export interface LocalResult {
  /** From 1 */
  round: number
  /** The model that the steps began at, d elements; not to be mutated */
  before: Float32Array
  /** The model after them, d elements; not to be mutated. With a privacy mechanism, what may be released */
  after: Float32Array
  /**
   * Optimiser steps taken; 0 where training failed, and `after` is `before` then. Where rounds are whole passes it
   * tells how many examples the peer has: a private federation with another algorithm than gossip averaging counts
   * rounds in steps, which the document says
   */
  steps: number
  /** The steps were shortened together to this part of their length (step-length.ts), above 0 and at most 1 */
  scale: number
}

/**
 * An algorithm in one peer, with what it remembers. What it makes is looked at before it is published: where it is no
 * vectors of d finite elements the algorithm is reset, with a warning. Pure computation: the same calls give the same
 * results.
 *
 * With a privacy mechanism it must know nothing of the data but what the local steps release: it is given nothing else.
 */
export interface Algorithm {
  readonly name: string
  /** What an update carries, one after another in its payload; the first is the model */
  readonly vectors: readonly VectorDefinition[]
  /** d elements that each local step of this round adds to its gradient; undefined: nothing */
  correction: (round: number) => Float32Array | undefined
  /**
   * What the peer publishes after its local steps, one vector for each of `vectors`; the first is `after`, as a rule.
   * Called once a round, before `mixed`
   */
  outgoing: (local: LocalResult) => readonly Float32Array[]
  /**
   * What would be mixed now if nothing had been trained: the model, and the other vectors as they are. For rounds that
   * only average, and for neighbours' updates that came late
   */
  current: (model: Float32Array) => readonly Float32Array[]
  /**
   * Takes what the vectors have become, each x_half + (Agg - own replica), or what `outgoing` or `current` gave where
   * nothing was mixed: that changes nothing
   *
   * @returns The model to go on from, d elements
   */
  mixed: (vectors: readonly Float32Array[]) => Float32Array
  /** The own model gave way to the neighbours': what was remembered belongs to another one */
  reset: () => void
  /** What is remembered, as bytes that are kept with the version; undefined, always, for an algorithm without memory */
  state: () => Uint8Array | undefined
  /** Goes on from what `state` gave; false, and nothing is changed, when that is of another algorithm or model */
  restore: (state: Uint8Array) => boolean
}

export interface AlgorithmInit {
  document: FederationDocument
  /** d */
  parameterCount: number
}

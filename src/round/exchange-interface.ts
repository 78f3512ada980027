/**
 * Rounds as steps: what a protocol of a round is, and what it says and hears through
 *
 * Step 0 of a round is that of the updates: each peer publishes its own, and collects those of its neighbours. A
 * protocol adds steps between that and the mixing, and decides what is mixed. It may end without a result: then the own
 * model is kept. Nothing that another peer says, or leaves unsaid, can hold a round up for longer than the federation's
 * deadline in each step.
 */
import type { PeerName } from '../interface.ts'

export interface CollectStepOptions {
  /** Whose messages are waited for: not of those who are not live any more, or are in a later round already */
  from: readonly PeerName[]
  /** Never longer than the federation's own deadline. @default that */
  deadlineMs?: number
}

/** The messages of one round, from the point of view of one peer */
export interface Exchange {
  readonly self: PeerName
  readonly round: number
  /** Live neighbours whose number the own update states, ascending: who may be spoken to in this round */
  readonly peers: readonly PeerName[]
  /**
   * Says something to one peer alone, once in a step; true when it has it. A step in which this is used has no
   * broadcast. Bytes are signed, and travel encrypted to this peer
   *
   * Throws RangeError for a step or a size out of bounds, TypeError for a peer that is not of this exchange or was told
   * something in this step already
   */
  send: (peer: PeerName, step: number, bytes: Uint8Array) => Promise<boolean>
  /**
   * Says the same to all peers, once in a step; those that have it, ascending. Nothing proves to them that the others
   * were told the same: a step that needs this compares what was heard
   *
   * Throws as `send` does
   */
  broadcast: (step: number, bytes: Uint8Array) => Promise<PeerName[]>
  /**
   * What was said to this peer in a step, by whom, also before this was called. Resolves when all are there, when those
   * missing are not live or in a later round, or at the deadline
   */
  collect: (step: number, options: CollectStepOptions) => Promise<ReadonlyMap<PeerName, Uint8Array>>
}

export interface ProtocolInput {
  /** Own public replica, d elements: what the neighbours decode from the own update. Must not be mutated */
  own: Float32Array
  /**
   * Decoded, finite, d elements each: what came in step 0 and may be mixed, of this round or one that updates may be
   * stale by. Must not be mutated
   */
  received: ReadonlyMap<PeerName, Float32Array>
}

/**
 * What takes part in the mixing: of peers in `ProtocolInput.received` only, with that replica or another of d finite
 * elements in its place. Undefined, or empty: no result, the own model is kept
 */
export type ProtocolOutcome = ReadonlyMap<PeerName, Float32Array> | undefined

/**
 * What the rounds of a federation follow beside the exchange of updates. All its peers run the same: it is a part that
 * is handed in, not yet a word of the document, and peers without it are peers that never answer
 *
 * It decides about models: beside an algorithm whose updates carry other vectors too, nothing starts. A peer that has
 * spent its privacy budget is not asked to run it, and mixes nothing any more
 */
export interface RoundProtocol {
  /**
   * 1 to 32 characters, signed with every message: messages of another protocol are left alone. What takes more steps
   * or larger messages is another one: peers blame who exceeds their own bounds
   */
  readonly name: string
  /** Steps of a round, that of the updates included: 2 to 16. Messages are of the steps 1 to `steps` - 1 */
  readonly steps: number
  /** Largest message of a federation with d parameters, 1 to 67,108,864 bytes */
  maxStepBytes: (parameterCount: number) => number
  /**
   * All that it sends is computed from published updates and from what has nothing to do with the data. In a federation
   * with a privacy mechanism nothing else is sent: nothing is charged for it
   */
  readonly isPostProcessing?: true
  /**
   * Once a round, after the updates of the neighbours came. Whatever it throws is a warning, and no result. When the
   * node stops it is not waited for
   */
  run: (exchange: Exchange, input: ProtocolInput) => Promise<ProtocolOutcome>
}

/**
 * What a round engine is made of and what it tells
 */
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { Aggregator, Clock, Codec, Network, Replicas, Store, Trainer } from '../interface.ts'
import type { PrivacyBudget } from '../privacy/budget.ts'
import type { RoundProtocol } from './exchange-interface.ts'

export interface RoundComponents {
  network: Network
  trainer: Pick<Trainer, 'train' | 'restore' | 'evaluate' | 'initialParameters' | 'sampleLoss'>
  store: Pick<Store, 'commit' | 'newest' | 'newestMixed' | 'list' | 'rollback' | 'parameters' | 'state' | 'putPublication' | 'getPublication' | 'putMetrics' | 'metrics'>
  codec: Codec
  /** @default those of the codec, each of which stands alone */
  replicas?: Replicas | undefined
  aggregator: Aggregator
  /** @default gossip averaging */
  algorithm?: Algorithm | undefined
  clock: Clock
  /** Undefined without a privacy mechanism */
  budget?: Pick<PrivacyBudget, 'refuses' | 'reserve' | 'status'> | undefined
  /** What is said between the updates and the mixing; undefined: nothing */
  protocol?: RoundProtocol | undefined
}

export interface RoundInit {
  federation: string
  parameterCount: number
  deadlineMs: number
  staleness: number
  /** How long an honest model may become in one round, starting at zero. @default 1 */
  reach?: number | undefined
  /** Last round; undefined: go on until aborted */
  rounds?: number | undefined
  evaluateEvery: number
  /** What a node does without enough neighbours for its rule: see NodeInit. @default 'wait' */
  alone?: 'wait' | 'train' | undefined
  /** Neighbours held back at once on suspicion, at most */
  quarantineLimit: number
  /** Neighbours that may lie, for the length of the own steps (step-length.ts); undefined: steps are never shortened */
  spared?: number | undefined
  /**
   * Every peer adds noise of its own to what it sends, so that distances tell little
   *
   * @default false
   */
  noisy?: boolean | undefined
}

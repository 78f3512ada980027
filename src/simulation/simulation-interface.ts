/**
 * What a simulated federation is made of, and what comes out of it
 */
import type { Algorithm, AlgorithmInit } from '../algorithm/algorithm.ts'
import type { Dataset, Examples } from '../data/examples.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Aggregator, PeerName, Replicas } from '../interface.ts'
import type { Backend } from '../model/backend.ts'
import type { ReplicasPartInit } from '../node/node-parts.ts'
import type { RoundProtocol } from '../round/exchange-interface.ts'
import type { RoundReport } from '../round/round-events.ts'
import type { Adversary } from './colluders.ts'
import type { DrawGraph, SimulatedLinks } from './simulated-mesh.ts'

/** A kind of machine, and how many of the peers have it */
export interface DeviceClass {
  /** Share of the peers, 0 to 1; shares add up to 1 */
  share: number
  /** Milliseconds that one optimiser step takes */
  stepMs: number
}

/** Of every four machines one is twice as fast as two others, and one half as fast */
export const DEVICES: readonly DeviceClass[] = [{ share: 0.25, stepMs: 10 }, { share: 0.5, stepMs: 20 }, { share: 0.25, stepMs: 40 }]

/** As between offices: 10 Mbit/s, 20 ms */
export const LINKS: SimulatedLinks = { latencyMs: 20, bytesPerSecond: 1_250_000 }

export interface SimulationInit {
  document: FederationDocument
  /** Of all peers together, in shares */
  dataset: Dataset
  backend: Backend
  /** Those that run rounds: `peerName` of 0 and up */
  peers: number
  rounds: number
  seed: string
  /** Peers that lie the same to everybody, placed at random. @default 0 */
  byzantine?: number
  /** What they do, as `createAttack` reads it. @default sign-flip */
  attack?: string
  /** Peers that run no rounds and know everything, beside the others. @default nobody */
  adversary?: Adversary
  /** Concentration of the Dirichlet split. @default all alike */
  alpha?: number
  /** Training examples of each peer, in the order of their numbers. @default the dataset's, split as `alpha` says */
  shares?: readonly Examples[]
  /** Who is whose neighbour, colluders included. @default as real peers draw it */
  graph?: DrawGraph
  /** The rule of the peer with this number. @default the document's */
  aggregator?: (index: number) => Aggregator
  /** Of each peer. @default gossip averaging */
  algorithm?: (init: AlgorithmInit) => Algorithm
  /** What updates stand for, of each peer. @default each payload by itself */
  replicas?: (init: ReplicasPartInit) => Replicas
  /** Steps of a round beside the updates: of the peer with this number. @default none */
  protocol?: (index: number) => RoundProtocol
  /** As in NodeInit. @default wait */
  alone?: 'wait' | 'train'
  devices?: readonly DeviceClass[]
  links?: SimulatedLinks
  /** Called after each honest peer's round */
  onRound?: (peer: PeerName, round: number, report: RoundReport) => void
}

export interface SimulationResult {
  /**
   * Mean over the honest peers' own models on all test examples, 0 to 1; of a predicted number R2, which may be below
   * 0. A model without finite outputs guesses
   */
  accuracy: number
  /** Of the honest peer that has the least */
  worst: number
  /** sqrt(mean of |x_i - mean|^2) over the honest peers at the end */
  consensus: number
  /** Updates that took part in the honest peers' rounds, a round and peer */
  accepted: number
  /** Honest peers that ended before the last round: training failed three times in a row */
  failed: number
  /** Of the simulated time */
  seconds: number
  /** That one honest peer sent in all, mean */
  bytesSent: number
  /** sha-256 over all peers' last models, hex: equal for equal runs */
  digest: string
  /** The last model of each honest peer that has finished a round, d elements, in the order of their numbers */
  models: ReadonlyMap<PeerName, Float32Array>
}

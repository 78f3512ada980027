/**
 * What the rounds of a node tell: as they go, and of each one that is done
 */
import type { Figures, ModelVersion, PeerName, RejectionReason } from '../interface.ts'
import type { PrivacyStatus } from '../privacy/budget.ts'

export type RoundPhase = 'train' | 'encode' | 'publish' | 'wait' | 'aggregate' | 'evaluate' | 'persist'

/** Milliseconds by phase of one round */
export interface PhaseTimes {
  trainMs: number
  encodeMs: number
  publishMs: number
  waitMs: number
  aggregateMs: number
  evaluateMs: number
  persistMs: number
}

/** One finished round. Local knowledge: shown to the operator, never sent */
export interface RoundReport {
  round: number
  /** Neighbours' updates that took part in the aggregation */
  accepted: number
  /** Updates that were refused since the last round, by reason */
  rejected: Partial<Record<RejectionReason, number>>
  /** The same, by peer: who was refused how often */
  rejectedPeers: Record<PeerName, Partial<Record<RejectionReason, number>>>
  /** Live neighbours that had not delivered at the deadline */
  late: number
  /** True when there were too few valid updates, so that the own model was kept */
  keptOwn: boolean
  /** Mean training loss of the local steps; null when training failed */
  trainLoss: number | null
  /**
   * Loss and accuracy (0 to 1) of the new version on the own test examples; null when this round was not evaluated,
   * and the accuracy where a number is predicted
   */
  loss: number | null
  accuracy: number | null
  /** There when this round was evaluated, by a trainer that has them */
  figures?: Figures
  /** Estimate of the consensus distance: sqrt(mean over neighbours of |x - x_j|^2 / 2); null without neighbours */
  neighbourDistance: number | null
  /** Neighbours whose updates stood apart round after round, with the level of suspicion, 0.6 to 1 */
  suspects: Record<PeerName, number>
  /** Neighbours whose updates are held back until they are usual again, with the level of suspicion, 0.3 to 1 */
  quarantined: Record<PeerName, number>
  /** Peers that are banned at the end of the round, ascending; 256 at most */
  banned: PeerName[]
  /** Wire bytes since the last round's end */
  bytesSent: number
  bytesReceived: number
  durationMs: number
  phases: PhaseTimes
  /** Examples seen in local training */
  examples: number
  /** Epsilon spent so far on this dataset, and the limit; null without a privacy mechanism */
  privacy: PrivacyStatus | null
}

/**
 * Why no round begins: the last one could not be mixed, or none was yet, and too few neighbours are there to mix with
 */
export interface Waiting {
  /** Milliseconds since 1970 */
  since: number
  /** Neighbours that the rule needs */
  needed: number
  /**
   * Known neighbours that do not count: not live, or live and neither ready nor with an update that was not used;
   * ascending
   */
  missing: PeerName[]
}

export interface RoundEvents {
  'round:start': CustomEvent<{ round: number }>
  'round:phase': CustomEvent<{ round: number, phase: RoundPhase }>
  'round:end': CustomEvent<RoundReport>
  /**
   * The next round would exceed the limit of epsilon: from this round on the node sends nothing, and averages and
   * evaluates only
   */
  'privacy:exhausted': CustomEvent<{ round: number, status: PrivacyStatus }>
  /** The node took over its neighbours' model because it was far behind, or new */
  'round:jump': CustomEvent<{ from: number, to: number, sources: number }>
  /** Round `round` does not begin yet, and costs nothing; again whenever `missing` changes */
  'round:waiting': CustomEvent<{ round: number } & Waiting>
  /** The last round, which had ended with the own model kept, was mixed after all, with this many updates */
  'round:mixed': CustomEvent<{ round: number, accepted: number, loss?: number, accuracy?: number, figures?: Figures }>
  'version:commit': CustomEvent<ModelVersion>
  /** Something the operator should read; the node goes on */
  warning: CustomEvent<{ code: string, message: string }>
}

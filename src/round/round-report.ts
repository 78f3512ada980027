/**
 * What a round did to the model, in the words of its report
 */
import type { EvaluationResult, PeerName, VersionMetrics } from '../interface.ts'
import type { RoundReport } from './round-events.ts'
import type { Trained } from './local-work.ts'
import type { Mixed } from './mix.ts'

export interface RoundOutcome {
  round: number
  trained: Trained
  mixed: Mixed
  /** Live neighbours that missed the deadline */
  late: readonly PeerName[]
  /** Undefined when the round was not evaluated */
  evaluation: EvaluationResult | undefined
}

type ModelReport = Pick<RoundReport, 'round' | 'accepted' | 'late' | 'keptOwn' | 'trainLoss' | 'loss' | 'accuracy' | 'figures' | 'neighbourDistance' | 'examples'>

/** Of an evaluation, to keep with the version that was evaluated; nothing when it was not */
export function evaluationMetrics (evaluation: EvaluationResult | undefined): Pick<VersionMetrics, 'loss' | 'accuracy'> {
  return evaluation === undefined
    ? {}
    : { loss: evaluation.loss, ...(evaluation.accuracy === null ? {} : { accuracy: evaluation.accuracy }) }
}

export function figuresOf (evaluation: EvaluationResult | undefined): Pick<RoundReport, 'figures'> {
  return evaluation?.figures === undefined ? {} : { figures: evaluation.figures }
}

export function roundReport ({ round, trained, mixed, late, evaluation }: RoundOutcome): ModelReport {
  return {
    round,
    accepted: mixed.parents.length,
    late: late.length,
    keptOwn: mixed.keptOwn,
    trainLoss: trained.loss,
    loss: evaluation?.loss ?? null,
    accuracy: evaluation?.accuracy ?? null,
    ...figuresOf(evaluation),
    neighbourDistance: mixed.distance,
    examples: trained.examples
  }
}

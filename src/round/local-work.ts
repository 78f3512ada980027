/**
 * Training and evaluating in a round, which may fail a few times in a row (NaN, a dead worker) before the node gives up
 */
import { TrainingError } from '../errors.ts'
import { StepLength } from './step-length.ts'
import type { EvaluationResult, LocalSteps, Trainer } from '../interface.ts'
import type { RoundPositions } from './round-positions.ts'

/** Failures in a row, of training or of evaluating */
const MAX_FAILURES = 3

type Work = 'training' | 'evaluation'

export interface Trained {
  parameters: Float32Array
  /** Null when nothing was trained */
  loss: number | null
  examples: number
  /** Optimiser steps taken */
  steps: number
  /** They were shortened together to this part of their length, at most 1 */
  scale: number
  /** What training goes on from in the next process: see TrainResult. Undefined also where it begins anew */
  state?: Uint8Array | undefined
  /** `state` says how it is, or that there is none; else nobody asked */
  isStateKnown: boolean
}

/** Nothing was trained */
export function untrained (parameters: Float32Array): Trained {
  return { parameters, loss: null, examples: 0, steps: 0, scale: 1, isStateKnown: false }
}

export interface LocalWorkInit {
  trainer: Pick<Trainer, 'train' | 'evaluate'>
  evaluateEvery: number
  /** Is always evaluated */
  lastRound: number | undefined
  /** Neighbours that may lie, for the length of the steps; undefined: steps are never shortened */
  spared?: number | undefined
  warn: (code: 'training-failed' | 'evaluation-failed', message: string) => void
}

export interface InHand {
  round: number
  signal: AbortSignal
}

export class LocalWork {
  private readonly init: LocalWorkInit
  /** In a row. Apart, because a peer that only observes never trains, and evaluating well does not mend training */
  private readonly failures: Record<Work, number> = { training: 0, evaluation: 0 }
  private readonly stepLength: StepLength

  constructor (init: LocalWorkInit) {
    this.init = init
    this.stepLength = new StepLength(init.spared)
  }

  /**
   * Local steps, no longer than neighbours take for usual. When training fails the round goes on with the last good
   * parameters, a few times at most
   */
  async train (parameters: Float32Array, { round, signal }: InHand, { correction, withState = false }: Omit<LocalSteps, 'round'> = {}): Promise<Trained> {
    try {
      const result = await this.init.trainer.train(parameters, { signal, round, withState, ...(correction === undefined ? {} : { correction }) })
      // a round that was trained is worth having, whether it can be evaluated or not
      this.failures.training = this.failures.evaluation = 0
      const { scale } = this.stepLength
      return { ...result, parameters: this.stepLength.shortened(parameters, result.parameters), scale, isStateKnown: withState }
    } catch (err) {
      const { message } = this.forgiven('training', err)
      this.init.warn('training-failed', `round ${round}: ${message}; the last good model is kept`)
      // training that failed begins anew
      return { ...untrained(parameters), isStateKnown: true }
    }
  }

  /** `seen` reads where the own model was before the training */
  get readsBefore (): boolean {
    return this.stepLength.isActive
  }

  /** What a round that was trained in came to, so that the next step is as long as is usual */
  seen (round: RoundPositions): void {
    this.stepLength.observe(round)
  }

  /** Undefined when this round is not evaluated, or when that failed, which may happen a few times */
  async evaluate (parameters: Float32Array, { round, signal }: InHand): Promise<EvaluationResult | undefined> {
    if (round % this.init.evaluateEvery !== 0 && round !== this.init.lastRound) {
      return undefined
    }
    try {
      const result = await this.init.trainer.evaluate(parameters, { signal })
      this.failures.evaluation = 0
      return result
    } catch (err) {
      const { message } = this.forgiven('evaluation', err)
      this.init.warn('evaluation-failed', `round ${round}: ${message}; the round is not evaluated`)
      return undefined
    }
  }

  /** Rethrows what is no failure of training, and the last of too many */
  private forgiven (work: Work, err: unknown): TrainingError {
    this.failures[work]++
    if (!(err instanceof TrainingError) || this.failures[work] >= MAX_FAILURES) {
      throw err
    }
    return err
  }
}

/**
 * Real training that takes a stated time: the Trainer of a simulated node
 *
 * The model is trained by the product's own code, at once; the clock of the simulation then moves by what the device
 * would have needed. Privacy noise is seeded, so that a run can be repeated: nothing of a simulation may be released,
 * and no ledger is charged.
 */
import { seededNoise } from './seeded-noise.ts'
import { initialParameters } from '../model/initial-parameters.ts'
import { LocalTraining } from '../model/local-training.ts'
import type { Examples } from '../data/examples.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { AbortOptions, Clock, EvaluationResult, LocalSteps, TrainResult } from '../interface.ts'
import type { Backend } from '../model/backend.ts'
import type { RoundComponents } from '../round/round-interface.ts'

export interface SimulatedTrainerInit {
  document: FederationDocument
  /** The peer's own */
  train: Examples
  backend: Backend
  seed: string
  /** Milliseconds that one optimiser step takes on its device */
  stepMs: number
  clock: Clock
  /** Shared by all peers: evaluating changes nothing */
  judge: Pick<LocalTraining, 'evaluate'>
}

/** An evaluation is as dear as this many steps */
const EVALUATION_STEPS = 2

export class SimulatedTrainer implements Pick<RoundComponents['trainer'], 'train' | 'evaluate' | 'initialParameters' | 'sampleLoss'> {
  readonly #init: SimulatedTrainerInit
  readonly #training: LocalTraining

  /** Throws as LocalTraining does */
  constructor (init: SimulatedTrainerInit) {
    const { document, train, backend, seed } = init
    this.#init = init
    // never asked: the judge evaluates
    const test = { ...train, count: 1, labels: train.labels.slice(0, 1) }
    const noise = document.privacy.mechanism === 'none' ? undefined : seededNoise(`noise ${seed}`)
    this.#training = new LocalTraining({ document, dataset: { train, test }, backend, seed, noise })
  }

  initialParameters = async (): Promise<Float32Array> => initialParameters(this.#init.document.model)

  train = async (parameters: Float32Array, { round = 0, correction, signal }: AbortOptions & LocalSteps = {}): Promise<TrainResult> => {
    const result = this.#training.train(parameters, { round, correction })
    await this.#takes(result.steps, signal)
    return result
  }

  evaluate = async (parameters: Float32Array, { signal }: { signal?: AbortSignal } = {}): Promise<EvaluationResult> => {
    const result = this.#init.judge.evaluate(parameters)
    await this.#takes(EVALUATION_STEPS, signal)
    return result
  }

  sampleLoss = async (parameters: Float32Array, { round }: { round?: number } = {}): Promise<number> => this.#training.sampleLoss(parameters, round ?? 0)

  async #takes (steps: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, stepMs } = this.#init
    await clock.delay(steps * stepMs, signal === undefined ? {} : { signal })
  }
}

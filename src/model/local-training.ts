/**
 * Local training and evaluation on one backend, in the thread that calls it
 *
 * Holds what lives on between rounds: the optimiser's moments and the place in the data. Everything is synchronous: it
 * belongs in a worker thread.
 */
import { MAX_MAGNITUDE } from '../codec/frame.ts'
import { DatasetError, InvalidFederationError, TrainingError } from '../errors.ts'
import { releaseUpdate } from '../privacy/update-release.ts'
import { seededRandom } from '../seeded-random.ts'
import { Evaluation } from './evaluation.ts'
import { onFeatures } from './frozen-prefix.ts'
import { LayerGraph } from './layer-graph.ts'
import { learningRateOf } from '../federation/learning-rate.ts'
import { isRegression } from '../federation/task.ts'
import { batchLoss } from './loss.ts'
import { BatchBuffer, ContinuousIndices, epochIndices } from './mini-batches.ts'
import { createOptimizer } from './optimizer.ts'
import { PrivateSteps, sampleCapacity } from './private-steps.ts'
import { MAX_BATCH_ACTIVATIONS, planModel } from './topology.ts'
import { decodeTrainingState, encodeTrainingState } from './training-state.ts'
import type { Dataset, Examples } from '../data/examples.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { EvaluationResult, Random, TrainResult } from '../interface.ts'
import type { NoiseSource } from '../privacy/noise/noise-source.ts'
import type { Backend } from './backend.ts'
import type { ModelWeights } from './canonical-weights.ts'
import type { Optimizer, OptimizerState } from './optimizer.ts'
import type { StepStatistics } from './private-steps.ts'
import type { ModelPlan } from './topology.ts'

/** Examples at a time when evaluating, where memory allows */
const EVALUATION_BATCH = 256
/** Activations of one evaluation batch: 32 MiB */
const EVALUATION_ACTIVATIONS = 8_388_608

export interface LocalTrainingInit {
  document: FederationDocument
  /** Where the document has `model.weights` */
  weights?: ModelWeights | undefined
  dataset: Dataset
  backend: Backend
  /** Seed of the order of the examples and of dropout */
  seed: number | string
  /** For a document with a privacy mechanism. Whoever can foresee it can take the noise off again */
  noise?: NoiseSource | undefined
}

export interface TrainOptions {
  /** From 1: the learning rate and dropout follow it */
  round?: number
  /** Is added to each step's gradient, d elements. @default nothing */
  correction?: Float32Array | undefined
  /** Asked before each step; true ends the training with what was reached. The caller decides what that is worth */
  cancelled?: () => boolean
}

export interface EvaluationOptions extends Pick<TrainOptions, 'cancelled'> {
  /** As in EvaluateOptions. @default false */
  detailed?: boolean | undefined
}

export class LocalTraining {
  readonly plan: ModelPlan
  private readonly init: LocalTrainingInit
  private readonly graph: LayerGraph
  private readonly optimizer: Optimizer
  private readonly batches: BatchBuffer
  private readonly privateSteps: PrivateSteps | undefined
  private readonly continuous: ContinuousIndices
  private readonly evaluationBatch: number
  private readonly testBatches: BatchBuffer
  /** Of the own training examples, ascending: the baseline of a predicted number */
  private readonly trainTargets: Float32Array | undefined

  /**
   * Throws InvalidFederationError, or DatasetError when there is nothing to train on or the data do not fit the model
   */
  constructor (init: LocalTrainingInit) {
    const { document, dataset: { train, test }, seed } = init
    this.init = init
    this.plan = planModel(document.model, init.weights)
    requireFit(train, 'training', this.plan, document)
    requireFit(test, 'test', this.plan, document)
    const { batchSize } = document.training
    const stepped = onFeatures(this.plan, init.dataset, init.backend)
    this.trainTargets = train.targets?.slice().sort()
    this.graph = new LayerGraph(stepped.plan, document.model.loss, init.backend, document.model.classWeights)
    this.optimizer = createOptimizer(document.training.optimizer, this.plan.parameterCount)
    const room = document.privacy.mechanism === 'dp-sgd' ? sampleCapacity(batchSize, train.count) : batchSize
    const fitting = Math.max(batchSize, Math.floor(MAX_BATCH_ACTIVATIONS / this.plan.activations))
    this.batches = new BatchBuffer(stepped.dataset.train, Math.min(room, fitting, train.count))
    this.privateSteps = this.createPrivateSteps(train.count)
    this.continuous = new ContinuousIndices(train.count, `${seed}`)
    this.evaluationBatch = Math.max(1, Math.min(EVALUATION_BATCH, test.count, Math.floor(EVALUATION_ACTIVATIONS / stepped.plan.activations)))
    this.testBatches = new BatchBuffer(stepped.dataset.test, this.evaluationBatch)
  }

  /**
   * One round from `parameters`, which are not changed
   *
   * With a privacy mechanism, a round whose learning rate has come down to zero takes no step and looks at no example:
   * noise and budget would be spent on nothing
   *
   * Throws TrainingError when a parameter is beyond what codecs carry, or the loss is not finite; the optimiser then
   * starts afresh
   */
  train (parameters: Float32Array, { round = 0, correction, cancelled = () => false }: TrainOptions = {}): TrainResult {
    const random = seededRandom(`${this.init.seed}/dropout/${round}`)
    const { training: { optimizer }, privacy: { mechanism } } = this.init.document
    const learningRate = learningRateOf(optimizer, round)
    if (learningRate === 0 && mechanism !== 'none') {
      return { parameters: parameters.slice(), loss: 0, examples: 0, steps: 0 }
    }
    const totals = { loss: 0, examples: 0, steps: 0 }
    this.optimizer.parameters.set(parameters)
    for (const { loss, examples } of until(this.privateSteps?.steps(random) ?? this.plainSteps(round, random), cancelled)) {
      addTo(this.optimizer.gradients, correction)
      this.optimizer.step(learningRate)
      totals.loss += loss
      totals.examples += examples
      totals.steps++
    }
    if (mechanism === 'update-level' && !(Number.isFinite(totals.loss) && this.optimizer.parameters.every(Number.isFinite))) {
      // the change counts as none, and noise hides it: without this, moments that saw NaN would make it none in every
      // later round
      this.optimizer.reset()
    }
    const trained = this.released(parameters, this.optimizer.parameters)
    const result = { parameters: trained, loss: totals.loss / Math.max(1, totals.examples), examples: totals.examples, steps: totals.steps }
    this.requireFinite(result)
    return result
  }

  /**
   * What the next round goes on from besides the parameters, as bytes to keep; undefined where there is nothing, or
   * nothing that may be kept: under update-level privacy the moments are of gradients that no noise hides
   */
  state (): Uint8Array<ArrayBuffer> | undefined {
    const optimizer = this.keptMoments()
    const { place } = this.continuous
    return optimizer === undefined && place === 0
      ? undefined
      : encodeTrainingState({ place, optimizer: optimizer ?? { powers: new Float64Array(0), moments: new Float32Array(0) } })
  }

  private keptMoments (): OptimizerState | undefined {
    return this.init.document.privacy.mechanism === 'update-level' ? undefined : this.optimizer.state()
  }

  /** Goes on from what `state` gave; false, and training starts afresh, when that was for another model or optimiser */
  restore (bytes: Uint8Array): boolean {
    const state = decodeTrainingState(bytes)
    const isOwn = state !== undefined && (state.optimizer.moments.length === 0 ? this.keptMoments() === undefined : this.optimizer.restore(state.optimizer))
    if (isOwn) {
      this.continuous.goTo(state.place)
    }
    return isOwn
  }

  /** One step from `parameters` and one batch of an evaluation that leave no trace: to run the backend in */
  warmUp (parameters: Float32Array): void {
    this.rehearse(parameters)
    let batches = 0
    this.evaluate(parameters, { cancelled: () => batches++ > 0 })
  }

  /** One step from `parameters` that leaves no trace in the optimiser: to time the backend */
  rehearse (parameters: Float32Array): void {
    const { batchSize } = this.init.document.training
    const { train } = this.init.dataset
    const indices = Uint32Array.from({ length: Math.min(batchSize, train.count) }, (_, i) => i)
    const before = this.state()
    this.optimizer.parameters.set(parameters)
    this.graph.gradients(this.optimizer.parameters, this.batches.fill(indices), this.optimizer.gradients, seededRandom(0))
    this.optimizer.step()
    this.optimizer.reset()
    before === undefined || this.restore(before)
  }

  /** On all test examples. Throws TrainingError when the loss is not finite */
  evaluate (parameters: Float32Array, { cancelled = () => false, detailed }: EvaluationOptions = {}): EvaluationResult {
    const { document: { model }, dataset: { test } } = this.init
    const evaluation = new Evaluation({ model, examples: test.count, trainTargets: this.trainTargets, detailed })
    this.graph.evaluate(parameters, until(this.testBatches.inOrder(this.evaluationBatch), cancelled), (batch) => { evaluation.add(batch) })
    const result = evaluation.result()
    if (result === undefined) {
      throw new TrainingError('the model gives outputs that are not finite on the test data')
    }
    return result
  }

  /** Mean loss on one batch of the own training examples, drawn for the round. Infinity when it is not finite */
  sampleLoss (parameters: Float32Array, round: number): number {
    const { train } = this.init.dataset
    const random = seededRandom(`${this.init.seed}/sample/${round}`)
    const size = Math.min(this.init.document.training.batchSize, train.count)
    const batch = this.batches.fill(Uint32Array.from({ length: size }, () => Math.floor(random() * train.count)))
    let loss = 0
    this.graph.evaluate(parameters, [batch], (logits) => { loss = batchLoss(this.init.document.model.loss, logits) })
    return Number.isFinite(loss) ? loss / size : Infinity
  }

  /** Steps of a round without privacy: before each yield the gradients were written */
  private * plainSteps (round: number, random: Random): Generator<StepStatistics> {
    for (const indices of this.indices(round)) {
      const batch = this.batches.fill(indices)
      yield { loss: this.graph.gradients(this.optimizer.parameters, batch, this.optimizer.gradients, random), examples: batch.count }
    }
  }

  private createPrivateSteps (exampleCount: number): PrivateSteps | undefined {
    const { document, noise } = this.init
    const { privacy: settings } = document
    if (settings.mechanism !== 'none' && noise === undefined) {
      throw new TypeError('a federation with privacy needs a source of noise')
    }
    if (settings.mechanism === 'dp-sgd') {
      requireNoDropout(this.plan)
    }
    return settings.mechanism === 'dp-sgd'
      ? new PrivateSteps({ settings, document, exampleCount, graph: this.graph, optimizer: this.optimizer, batches: this.batches, noise: noise! })
      : undefined
  }

  /** What may leave: under update-level privacy the change as a whole is clipped and made noisy */
  private released (start: Float32Array, trained: Float32Array): Float32Array {
    const { document: { privacy }, noise } = this.init
    return privacy.mechanism === 'update-level' ? releaseUpdate(start, trained, { ...privacy, noise: noise! }) : trained.slice()
  }

  private * indices (round: number): Generator<Uint32Array> {
    const { batchSize, epochs, steps } = this.init.document.training
    const { train } = this.init.dataset
    if (steps === undefined) {
      yield * epochIndices(train.count, batchSize, { epochs: epochs ?? 1, seed: `${this.init.seed}/${round}` })
      return
    }
    for (let step = 0; step < steps; step++) {
      yield this.continuous.next(batchSize)
    }
  }

  private requireFinite ({ parameters, loss, steps }: TrainResult): void {
    const bad = parameters.findIndex((parameter) => !(Math.abs(parameter) <= MAX_MAGNITUDE))
    // whether a round fails is seen from outside: with privacy only what is noisy may decide it
    if (bad === -1 && (Number.isFinite(loss) || this.init.document.privacy.mechanism !== 'none')) {
      return
    }
    // moments that saw NaN would spoil every later round
    this.optimizer.reset()
    const what = bad === -1 ? `the loss is ${loss}` : `parameter ${bad} is ${parameters[bad]}`
    throw new TrainingError(`training diverged: ${what} after ${steps} steps; a smaller learning rate than ${this.init.document.training.optimizer.learningRate} may help`)
  }
}

/** sum += vector, where there is one */
function addTo (sum: Float32Array, vector: Float32Array | undefined): void {
  vector?.forEach((value, i) => { sum[i]! += value })
}

function * until<T> (items: Iterable<T>, cancelled: () => boolean): Generator<T> {
  for (const item of items) {
    if (cancelled()) {
      return
    }
    yield item
  }
}

/**
 * Masks follow the places in a batch, from a seed that is no secret: one example more would change the gradients of all
 * behind it, not by clipNorm alone
 */
function requireNoDropout ({ layers }: ModelPlan): void {
  const dropout = layers.find((layer) => layer.kind === 'dropout' && layer.rate > 0)
  if (dropout !== undefined) {
    throw new InvalidFederationError(`layer "${dropout.name}": Dropout is not covered by privacy.mechanism "dp-sgd"; leave it out, the noise keeps a model from learning by heart as well`)
  }
}

function requireFit (examples: Examples, what: string, plan: ModelPlan, document: FederationDocument): void {
  const features = plan.inputShape.reduce((product, size) => product * size, 1)
  if (examples.count === 0) {
    throw new DatasetError(`there are no ${what} examples for this peer: its part of the data is empty`)
  }
  if (examples.featureCount !== features) {
    throw new DatasetError(`the ${what} examples have ${examples.featureCount} inputs, but the model takes ${features}`)
  }
  if ((examples.targets === undefined) === isRegression(document.model)) {
    throw new DatasetError(`the ${what} examples have ${examples.targets === undefined ? 'classes, but the federation predicts a number' : 'numbers to predict, but the federation tells classes'}`)
  }
  if (plan.activations * Math.min(document.training.batchSize, examples.count) > MAX_BATCH_ACTIVATIONS) {
    throw new DatasetError(`a batch of ${document.training.batchSize} examples needs more than ${MAX_BATCH_ACTIVATIONS} activations; use a smaller training.batchSize`)
  }
}

/**
 * Predictions by one version of a model, in the thread that calls
 */
import { BackendError, TrainingError } from '../errors.ts'
import { loadBackend } from './backend.ts'
import { LayerGraph } from './layer-graph.ts'
import { openWeights } from './initial-weights.ts'
import { elements } from './layer.ts'
import { predictionsOf, valuesOf } from './outputs.ts'
import { planModel } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { BackendName } from '../interface.ts'
import type { Backend } from './backend.ts'
import type { Predictions } from './outputs.ts'

/** Examples at a time, where memory allows */
const BATCH = 1024
/** Activations of one batch: 32 MiB */
const BATCH_ACTIVATIONS = 8_388_608

export interface PredictorInit {
  document: FederationDocument
  /** d elements, in the layout of the document's topology; not to be changed while the predictor is used */
  parameters: Float32Array
  /** A safetensors file, where the document has `model.weights`: its layers may be frozen */
  weights?: Uint8Array | undefined
  /**
   * Becomes TensorFlow.js's current one in this thread, as every other user of it there will notice. `auto` is wasm,
   * and plain JavaScript where that cannot be loaded
   *
   * @default 'auto'
   */
  backend?: BackendName | 'auto'
}

export interface Predictor {
  /** Names of the classes, in the order of the outputs; none where a number is predicted */
  readonly labels: readonly string[]
  /** Inputs of one example */
  readonly featureCount: number
  readonly backend: BackendName
  /**
   * `inputs` are the standardised inputs of `count` examples, row-major, and may be longer; any number of them, which
   * are run in parts that fit into memory. Blocks the thread
   *
   * Throws RangeError when there are fewer inputs, TrainingError when the model gives outputs that are not finite
   */
  predict: (inputs: Float32Array, count: number) => Predictions
}

/**
 * Throws InvalidFederationError, WeightsError, RangeError when the parameters have another length than the model,
 * BackendError
 */
export async function createPredictor ({ document, parameters, weights, backend = 'auto' }: PredictorInit): Promise<Predictor> {
  const { model } = document
  const plan = planModel(model, openWeights(model, weights))
  if (parameters.length !== plan.parameterCount) {
    throw new RangeError(`${parameters.length} parameters do not fit a model of ${plan.parameterCount}`)
  }
  const loaded = await load(backend)
  const graph = new LayerGraph(plan, model.loss, loaded)
  const featureCount = elements(plan.inputShape)
  const { target } = model
  const width = target === undefined ? model.labels.length : 1
  const batchSize = Math.max(1, Math.min(BATCH, Math.floor(BATCH_ACTIVATIONS / plan.activations)))
  return {
    labels: model.labels,
    featureCount,
    backend: loaded.name,
    predict (inputs, count) {
      if (!(Number.isSafeInteger(count) && count >= 0) || inputs.length < count * featureCount) {
        throw new RangeError(`${inputs.length} inputs are not ${count} examples of ${featureCount}`)
      }
      const predictions = { outputs: new Float32Array(count * width), labels: new Uint16Array(count) }
      let first = 0
      graph.evaluate(parameters, batchesOf(inputs, count, { featureCount, batchSize }), (batch) => {
        requireFinite(batch.logits)
        const { outputs, labels } = target === undefined ? predictionsOf(model.loss, batch, width) : valuesOf(batch.logits, batch.count, target)
        predictions.outputs.set(outputs, first * width)
        predictions.labels.set(labels, first)
        first += batch.count
      })
      return predictions
    }
  }
}

async function load (name: BackendName | 'auto'): Promise<Backend> {
  if (name !== 'auto') {
    return loadBackend(name)
  }
  try {
    return await loadBackend('wasm')
  } catch (err) {
    if (!(err instanceof BackendError)) {
      throw err
    }
    return loadBackend('cpu')
  }
}

function * batchesOf (inputs: Float32Array, count: number, { featureCount, batchSize }: { featureCount: number, batchSize: number }): Generator<{ inputs: Float32Array, labels: Uint16Array, count: number }> {
  const labels = new Uint16Array(0)
  for (let first = 0; first < count; first += batchSize) {
    yield { inputs: inputs.subarray(first * featureCount), labels, count: Math.min(batchSize, count - first) }
  }
}

function requireFinite (logits: Float32Array): void {
  if (!logits.every(Number.isFinite)) {
    throw new TrainingError('the model gives outputs that are not finite: predict with another version')
  }
}

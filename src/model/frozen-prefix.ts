/**
 * Features before the first layer that learns: computed once for each example, not once for each step
 *
 * What stands before the first layer that learns depends on no parameter, so that its output belongs to the example.
 * Gabor filters on images are fifty times the work of the dense layer on top of them.
 */
import { activations, elements, isFrozen, multiplications, parameterShapes } from './layer.ts'
import { LayerGraph } from './layer-graph.ts'
import { BatchBuffer } from './mini-batches.ts'
import type { Dataset, Examples } from '../data/examples.ts'
import type { Backend } from './backend.ts'
import type { BatchSource } from './mini-batches.ts'
import type { ModelPlan } from './topology.ts'

/** Features of a set of examples: 128 MiB */
const MAX_FEATURES = 33_554_432

/** Examples that go through the frozen layers at a time, where memory allows */
const CHUNK = 128
/** Activations of one chunk: 32 MiB */
const CHUNK_ACTIVATIONS = 8_388_608

const NO_PARAMETERS = new Float32Array(0)

export interface SplitPlan {
  /** From inputs to features. Nothing in it learns, and nothing in it is random */
  frozen: ModelPlan
  /** From features to outputs. Its layout is that of the whole plan */
  trained: ModelPlan
}

/** Undefined when no frozen layer stands before the layers that learn: then there is nothing to save */
export function splitPlan (plan: ModelPlan): SplitPlan | undefined {
  const { layers } = plan
  // what a dropout lets through is drawn anew in each step
  const end = layers.findIndex((layer) => parameterShapes(layer).length > 0 || layer.kind === 'dropout')
  if (!layers.slice(0, end).some(isFrozen)) {
    return undefined
  }
  const inputShape = layers[end]!.input
  const trained = layers.slice(end)
  return {
    frozen: { ...plan, layers: layers.slice(0, end), layout: [], parameterCount: 0, outputs: elements(inputShape) },
    trained: {
      ...plan,
      layers: trained,
      inputShape,
      activations: trained.reduce((sum, layer) => sum + activations(layer), elements(inputShape)),
      multiplications: trained.reduce((sum, layer) => sum + multiplications(layer), 0)
    }
  }
}

/** What is computed in each step, and from what */
export interface SteppedModel {
  plan: ModelPlan
  dataset: Dataset
}

/**
 * The part of the model that learns, on features of the dataset; all of the model where nothing can be saved, or not be
 * kept
 */
export function onFeatures (plan: ModelPlan, dataset: Dataset, backend: Backend): SteppedModel {
  const split = splitPlan(plan)
  const largest = Math.max(dataset.train.count, dataset.test.count)
  if (split === undefined || largest * split.frozen.outputs > MAX_FEATURES) {
    return { plan, dataset }
  }
  const features = (examples: Examples): Examples => new FeatureExamples(examples, split.frozen, backend)
  return { plan: split.trained, dataset: { train: features(dataset.train), test: features(dataset.test) } }
}

/** Examples whose inputs are the features of other examples, computed when they are first asked for, and kept */
export class FeatureExamples implements BatchSource {
  readonly count: number
  readonly featureCount: number
  readonly labels: Uint16Array
  readonly targets?: Float32Array
  private readonly features: Float32Array
  private readonly known: Uint8Array
  private readonly graph: LayerGraph
  private readonly batches: BatchBuffer

  constructor (examples: Examples, plan: ModelPlan, backend: Backend) {
    this.count = examples.count
    this.featureCount = plan.outputs
    this.labels = examples.labels
    if (examples.targets !== undefined) {
      this.targets = examples.targets
    }
    this.features = new Float32Array(examples.count * plan.outputs)
    this.known = new Uint8Array(examples.count)
    // the loss takes no part in a forward pass
    this.graph = new LayerGraph(plan, 'categoricalCrossentropy', backend)
    this.batches = new BatchBuffer(examples, Math.max(1, Math.min(CHUNK, Math.floor(CHUNK_ACTIVATIONS / plan.activations), examples.count)))
  }

  prepare (indices: ArrayLike<number>): void {
    const missing = Array.from(new Set(Array.from(indices))).filter((index) => this.known[index] === 0)
    for (let first = 0; first < missing.length; first += this.batches.capacity) {
      this.compute(missing.slice(first, first + this.batches.capacity))
    }
  }

  writeInputs (index: number, out: Float32Array, offset: number): void {
    this.prepare([index])
    out.set(this.features.subarray(index * this.featureCount, (index + 1) * this.featureCount), offset)
  }

  private compute (indices: readonly number[]): void {
    const width = this.featureCount
    this.graph.evaluate(NO_PARAMETERS, [this.batches.fill(indices)], ({ logits }) => {
      indices.forEach((index, row) => {
        this.features.set(logits.subarray(row * width, (row + 1) * width), index * width)
        this.known[index] = 1
      })
    })
  }
}

/**
 * The model on a tensor backend: logits of a batch, and the gradients of its mean loss as one flat vector
 *
 * Stateless apart from the backend: parameters come in as one vector and gradients leave as one vector, in the layout
 * of the plan, so that whatever turns gradients into a step (an optimiser, clipping, noise) never sees a tensor.
 */
import { tf } from './tensors.ts'
import { clipFactors } from './clip-factors.ts'
import { exampleGradients, keptFloats, largestRounding } from './example-gradients.ts'
import { writeEmbeddingGradients } from './embedding.ts'
import { kernelParts } from './kernel-parts.ts'
import { batchLoss, exampleLosses } from './loss.ts'
import { parameterGradients, runLayer } from './layer-operations.ts'
import { elements, isParameterised, parameterShapes, weightShapes } from './layer.ts'
import { floatBlockLength } from '../privacy/sum-rounding.ts'
import { OuterProducts } from './outer-products.ts'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { ParameterSlot, Random } from '../interface.ts'
import type { Backend } from './backend.ts'
import type { ClipFactors } from './clip-factors.ts'
import type { SumRounding } from '../privacy/sum-rounding.ts'
import type { ExampleGradients, LayerBatch } from './layer-batch.ts'
import type { KernelPart, Span } from './kernel-parts.ts'
import type { TrainableLayer, WeightName } from './layer.ts'
import type { Factors, Pass, Weights } from './layer-pass.ts'
import type { LogitsBatch, LossName } from './loss.ts'
import type { ModelPlan } from './topology.ts'

/** Gradients that are formed and kept until the clip factors are known, for the whole model: 64 MiB */
const KEPT_FLOATS = 16_777_216

export interface Batch {
  /** count x features, row-major; may be longer */
  inputs: Float32Array
  /** Class of each example; may be longer */
  labels: Uint16Array
  /** Of a predicted number; may be longer */
  targets?: Float32Array | undefined
  count: number
}

export interface ClipOptions {
  /** Longest gradient that one example may contribute, as L2 norm over all parameters */
  clipNorm: number
  /** Draws dropout masks */
  random: Random
}

export interface PartOptions extends ClipOptions {
  /** Examples of the whole sum, of which the batch is a part: how much it may round depends on it */
  sampleSize: number
}

/** Of the private data: none of it may leave the node without noise of its own */
export interface ClippedGradientSum extends Omit<ClipFactors, 'factors'> {
  /** Sum of the losses of the examples that contribute */
  lossSum: number
}

/** A tensor of a layer: where it lies in the flat vector, or its values when it is frozen */
type WeightSource = { name: WeightName, shape: readonly number[] } & ({ slot: ParameterSlot } | { values: Float32Array })

interface Step {
  layer: TrainableLayer
  /** Of a layer that learns */
  parts: KernelPart[]
  /** Of a layer with weights */
  sources: WeightSource[]
}

interface PartGradients {
  part: KernelPart
  gradients: ExampleGradients
}

export class LayerGraph {
  private readonly backend: Backend
  private readonly plan: ModelPlan
  private readonly loss: LossName
  private readonly classWeights: readonly number[] | undefined
  private readonly steps: Step[]
  private readonly inputShape: readonly number[]
  /** Before this layer nothing learns, so that no gradient flows there */
  private readonly firstTrained: number
  private readonly products = new OuterProducts()
  /** Examples whose gradients are clipped at a time, so that the kept ones fit: a matter of shapes alone */
  private readonly examplesAtOnce: number
  /** Of a clipped sum */
  readonly rounding: SumRounding

  /** @param classWeights - Of the loss. @default 1 each */
  constructor (plan: ModelPlan, loss: LossName, backend: Backend, classWeights?: readonly number[]) {
    this.backend = backend
    this.plan = plan
    this.loss = loss
    this.classWeights = classWeights
    // batches arrive flat: they are given the shape after the first layers when those only reshape
    const leading = plan.layers.findIndex(({ kind }) => kind !== 'reshape')
    const layers = plan.layers.slice(leading)
    this.inputShape = layers[0]!.input
    this.steps = stepsOf(layers, plan)
    this.firstTrained = this.steps.findIndex(({ parts }) => parts.length > 0)
    const learning = this.steps.flatMap(({ parts }) => parts.map(({ layer }) => layer))
    const floatsEach = learning.reduce((sum, layer) => sum + keptFloats(layer), 0)
    this.examplesAtOnce = floatsEach === 0 ? Infinity : Math.max(1, Math.floor(KEPT_FLOATS / floatsEach))
    this.rounding = largestRounding(learning)
  }

  /**
   * Writes the gradients of the batch's mean loss, and returns the sum of its losses
   *
   * `random` draws dropout masks. `parameters` and `gradients` have d elements; only `gradients` is written
   */
  gradients (parameters: Float32Array, batch: Batch, gradients: Float32Array, random: Random): number {
    return this.scope(() => {
      const passes = this.forward(parameters, this.inputs(batch), random)
      const logits = this.logitsOf(passes.at(-1)?.output, batch)
      const dLogits = new Float32Array(logits.logits.length)
      const loss = batchLoss(this.loss, logits, dLogits)
      this.backward(passes, this.backend.upload(dLogits, [batch.count, this.plan.outputs]), (part, factors) => {
        this.writeGradients(part, factors, gradients)
      })
      return loss
    })
  }

  /**
   * The sum over the examples of g_e x min(1, clipNorm / ||g_e||), where g_e is the gradient of example e's own loss
   * and the norm is over all parameters: DP-SGD (Abadi et al. 2016, Algorithm 1) before the noise
   *
   * `out` has d elements and is written in full, with zeros for an empty batch. An example whose gradient is not finite
   * contributes nothing. Everything behind `count` in the batch is never read. Each g_e is computed in float32, from
   * that example alone; norms, factors and the sum are in double precision, but for short blocks of products, and how
   * far one example can change the result is `sensitivityFactor` of privacy/sum-rounding.ts. Throws RangeError unless
   * clipNorm is positive; Infinity clips nothing
   */
  clippedGradientSum (parameters: Float32Array, batch: Batch, out: Float64Array, options: ClipOptions): ClippedGradientSum {
    out.fill(0)
    return this.addClippedGradients(parameters, batch, out, { ...options, sampleSize: batch.count })
  }

  /** The same, added to what `out` holds: for samples that are larger than a batch */
  addClippedGradients (parameters: Float32Array, batch: Batch, out: Float64Array, options: PartOptions): ClippedGradientSum {
    const { norms, ...totals } = { ...clipFactors(new Float64Array(), options.clipNorm), lossSum: 0, norms: new Float64Array(batch.count) }
    const features = elements(this.inputShape)
    for (let first = 0; first < batch.count; first += this.examplesAtOnce) {
      const count = Math.min(this.examplesAtOnce, batch.count - first)
      const part = { inputs: batch.inputs.subarray(first * features), labels: batch.labels.subarray(first), targets: batch.targets?.subarray(first), count }
      const { lossSum, clipped, discarded, norms: found } = this.scope(() => this.addClipped(parameters, part, out, options))
      norms.set(found, first)
      totals.lossSum += lossSum
      totals.clipped += clipped
      totals.discarded += discarded
    }
    return { lossSum: totals.lossSum, norms, clipped: totals.clipped, discarded: totals.discarded }
  }

  private addClipped (parameters: Float32Array, batch: Batch, out: Float64Array, { clipNorm, random, sampleSize }: PartOptions): ClippedGradientSum {
    const passes = this.forward(parameters, this.inputs(batch), random)
    const logits = this.logitsOf(passes.at(-1)?.output, batch)
    const dLogits = new Float32Array(logits.logits.length)
    const losses = exampleLosses(this.loss, logits, dLogits)
    const examples = this.exampleGradients(passes, dLogits, { count: batch.count, blockLength: floatBlockLength(sampleSize, clipNorm) })
    const squaredNorms = new Float64Array(batch.count)
    for (const { gradients } of examples) {
      gradients.addSquaredNorms(squaredNorms)
    }
    const { factors, ...statistics } = clipFactors(squaredNorms, clipNorm)
    for (const { gradients, part: { kernel, bias } } of examples) {
      const view = ({ offset, size }: Span): Float64Array => out.subarray(offset, offset + size)
      gradients.addSum(factors, { kernel: view(kernel), bias: bias === undefined ? undefined : view(bias) })
    }
    const lossSum = losses.reduce((sum, loss, example) => factors[example] === 0 ? sum : sum + loss, 0)
    return { lossSum, ...statistics }
  }

  /** Runs batches through the model without dropout. The parameters are handed to the backend once for all of them */
  evaluate (parameters: Float32Array, batches: Iterable<Batch>, visit: (logits: LogitsBatch) => void): void {
    this.scope(() => {
      const weights = this.steps.map((step) => this.weights(step, parameters))
      for (const batch of batches) {
        this.scope(() => {
          let x = this.inputs(batch)
          for (const [index, { layer }] of this.steps.entries()) {
            x = runLayer(layer, x, weights[index], { backend: this.backend, random: undefined }).output
          }
          visit(this.logitsOf(x, batch))
        })
      }
    })
  }

  /** Disposes of every tensor made by `work` */
  private scope<T> (work: () => T): T {
    const engine = tf.engine()
    engine.startScope()
    try {
      return work()
    } finally {
      engine.endScope()
    }
  }

  private inputs ({ inputs, count }: Batch): Tensor {
    const shape = [count, ...this.inputShape]
    return this.backend.upload(inputs.subarray(0, elements(shape)), shape)
  }

  private weights ({ sources }: Step, parameters: Float32Array): Weights | undefined {
    const tensors = new Map(sources.map((source) => [source.name, this.backend.upload(valuesOf(source, parameters), source.shape)]))
    const kernel = tensors.get('kernel') ?? tensors.get('embeddings')
    return kernel === undefined ? undefined : { kernel, bias: tensors.get('bias'), recurrentKernel: tensors.get('recurrent_kernel') }
  }

  private forward (parameters: Float32Array, inputs: Tensor, random: Random): Pass[] {
    const passes: Pass[] = []
    let x = inputs
    for (const step of this.steps) {
      const pass = runLayer(step.layer, x, this.weights(step, parameters), { backend: this.backend, random })
      passes.push(pass)
      x = pass.output
    }
    return passes
  }

  /** From the last layer to the first; `learn` gets every kernel that learns */
  private backward (passes: readonly Pass[], dLogits: Tensor, learn: (part: KernelPart, factors: Factors) => void): void {
    let dy: Tensor | undefined = dLogits
    for (let index = passes.length - 1; index >= this.firstTrained && dy !== undefined; index--) {
      const { input, factors } = passes[index]!.backward(dy, index > this.firstTrained)
      for (const [i, part] of this.steps[index]!.parts.entries()) {
        learn(part, factors![i]!)
      }
      dy = input
    }
  }

  private exampleGradients (passes: readonly Pass[], dLogits: Float32Array, { count, blockLength }: Pick<LayerBatch, 'count' | 'blockLength'>): PartGradients[] {
    const examples: PartGradients[] = []
    const { backend, products } = this
    this.backward(passes, backend.upload(dLogits, [count, this.plan.outputs]), (part, factors) => {
      examples.push({ part, gradients: exampleGradients({ layer: part.layer, factors, count, backend, products, blockLength }) })
    })
    return examples
  }

  /** Sums over the batch, to their places in the flat vector */
  private writeGradients ({ layer, kernel, bias }: KernelPart, factors: Factors, gradients: Float32Array): void {
    const view = ({ offset, size }: Span): Float32Array => gradients.subarray(offset, offset + size)
    if (layer.kind === 'embedding') {
      writeEmbeddingGradients(layer, factors, this.backend, view(kernel))
      return
    }
    const found = parameterGradients(layer, factors, this.backend)
    this.backend.download(found.kernel, view(kernel))
    if (found.bias !== undefined && bias !== undefined) {
      this.backend.download(found.bias, view(bias))
    }
  }

  private logitsOf (output: Tensor | undefined, { labels, targets, count }: Batch): LogitsBatch {
    const logits = new Float32Array(count * this.plan.outputs)
    if (output !== undefined) {
      this.backend.download(output, logits)
    }
    return { logits, labels, targets, classWeights: this.classWeights, count, outputs: this.plan.outputs }
  }
}

function stepsOf (layers: readonly TrainableLayer[], { layout, frozen }: ModelPlan): Step[] {
  let next = 0
  return layers.map((layer) => {
    const slots = parameterShapes(layer).map(() => layout[next++]!)
    const sources = weightShapes(layer).map(({ name, shape }, index): WeightSource => {
      const slot = slots[index]
      return slot === undefined ? { name, shape, values: frozen.get(`${layer.name}/${name}`)! } : { name, shape, slot }
    })
    return { layer, parts: isParameterised(layer) ? kernelParts(layer, slots) : [], sources }
  })
}

function valuesOf (source: WeightSource, parameters: Float32Array): Float32Array {
  return 'values' in source ? source.values : parameters.subarray(source.slot.offset, source.slot.offset + source.slot.size)
}

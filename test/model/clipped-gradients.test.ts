/**
 * Clipped sums of per-example gradients on every backend, against gradients of batches of one example
 */
import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { clipFactors } from '../../src/model/clip-factors.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { convolutionalTopology, denseTopology, planModel } from '../../src/model/topology.ts'
import { sensitivityFactor } from '../../src/privacy/sum-rounding.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { availableBackends, entry, federation, FROZEN, KERAS_SEQUENCES, randomBatch, SEQUENCES, sequential } from './models.ts'
import type { BackendName } from '../../src/interface.ts'
import type { Batch } from '../../src/model/layer-graph.ts'
import type { ModelPlan } from '../../src/model/topology.ts'
import type { DocumentInit } from './models.ts'

const backends = await availableBackends()

const output = (classes: number): { class_name: string, config: object } => entry('Dense', 'output', { units: classes, activation: 'softmax' })
const convolution = (name: string, config: object): { class_name: string, config: object } => entry('Conv2D', name, { filters: 5, kernel_size: [3, 3], ...config })

const MODELS: Record<string, DocumentInit> = {
  'dense layers with relu': { shape: [5, 5, 1], classes: 3, topology: denseTopology({ inputShape: [5, 5, 1], hidden: [11, 6], classes: 3 }) },
  'other activations, and a layer without bias': {
    shape: [4, 3, 1],
    classes: 3,
    topology: sequential([4, 3, 1], [
      entry('Flatten', 'flatten'), entry('Dense', 'a', { units: 7, activation: 'tanh' }), entry('Dense', 'b', { units: 6, activation: 'sigmoid', use_bias: false }),
      entry('Dense', 'c', { units: 6, activation: 'elu' }), entry('LeakyReLU', 'leaky', { alpha: 0.2 }), entry('Dense', 'd', { units: 3, activation: 'linear' }),
      entry('Activation', 'softmax', { activation: 'softmax' })
    ])
  },
  'a convolutional network': { shape: [12, 12, 2], classes: 4, topology: convolutionalTopology({ inputShape: [12, 12, 2], filters: [6, 9], hidden: [10], classes: 4 }) },
  'strides and valid padding': {
    shape: [11, 9, 3],
    classes: 3,
    topology: sequential([11, 9, 3], [
      convolution('a', { strides: [2, 2], padding: 'same', activation: 'relu' }), convolution('b', { kernel_size: [2, 3], padding: 'valid', activation: 'tanh', use_bias: false }),
      entry('AveragePooling2D', 'pool', { pool_size: [2, 2], strides: [1, 1], padding: 'valid' }), convolution('c', { kernel_size: [1, 1], strides: [2, 1] }),
      entry('ReLU', 'relu'), entry('Flatten', 'flatten'), output(3)
    ])
  },
  'overlapping windows and global pooling': {
    shape: [9, 9, 2],
    classes: 3,
    topology: sequential([9, 9, 2], [
      convolution('a', { padding: 'same', activation: 'elu' }), entry('MaxPooling2D', 'pool', { pool_size: [3, 3], strides: [2, 2], padding: 'same' }),
      convolution('b', { padding: 'same', activation: 'linear' }), entry('GlobalAveragePooling2D', 'global'), output(3)
    ])
  },
  'a convolution with few positions and many filters': {
    shape: [3, 3, 8],
    classes: 3,
    topology: sequential([3, 3, 8], [convolution('a', { kernel_size: [2, 2], filters: 60, padding: 'valid', activation: 'relu' }), entry('Flatten', 'flatten'), output(3)])
  },
  'a convolution with one position': {
    shape: [3, 3, 4],
    classes: 3,
    topology: sequential([3, 3, 4], [convolution('a', { filters: 8, padding: 'valid', activation: 'tanh' }), entry('Flatten', 'flatten'), output(3)])
  },
  'a dense layer on every pixel': {
    shape: [3, 4, 2],
    classes: 3,
    topology: sequential([3, 4, 2], [entry('Dense', 'a', { units: 5, activation: 'relu' }), entry('Reshape', 'shape', { target_shape: [6, 10] }), entry('Dense', 'b', { units: 4, use_bias: false }), entry('Flatten', 'flatten'), output(3)])
  },
  'binary cross-entropy': {
    shape: [3, 3, 1],
    classes: 3,
    loss: 'binaryCrossentropy',
    topology: sequential([3, 3, 1], [entry('Flatten', 'flatten'), entry('Dense', 'output', { units: 3, activation: 'sigmoid' })])
  },
  'frozen layers': FROZEN,
  'a single output for two classes': {
    shape: [3, 3, 1],
    classes: 2,
    loss: 'binaryCrossentropy',
    topology: sequential([3, 3, 1], [entry('Flatten', 'flatten'), entry('Dense', 'output', { units: 1, activation: 'sigmoid' })])
  }
}

interface Subject { graph: LayerGraph, plan: ModelPlan, parameters: Float32Array, batch: Batch }

async function subject (init: DocumentInit, backend: BackendName, count = 13): Promise<Subject> {
  const { model } = federation(init)
  const plan = planModel(model)
  return {
    graph: new LayerGraph(plan, model.loss, await loadBackend(backend)),
    plan,
    parameters: initialParameters(model).map((value, i) => value + 0.05 * Math.sin(i)),
    batch: randomBatch(model, count)
  }
}

function norm (vector: ArrayLike<number>): number {
  return Math.hypot(...Array.from(vector))
}

function distance (a: Float64Array, b: Float64Array): number {
  return norm(a.map((value, i) => value - b[i]!))
}

interface Reference { gradients: Float64Array[], losses: number[] }

/** The gradient of each example, from a batch of only that example */
function oneByOne ({ graph, plan, parameters, batch }: Subject): Reference {
  const features = batch.inputs.length / batch.labels.length
  const gradients: Float64Array[] = []
  const losses: number[] = []
  for (let i = 0; i < batch.count; i++) {
    const gradient = new Float32Array(plan.parameterCount)
    losses.push(graph.gradients(parameters, {
      inputs: batch.inputs.slice(i * features, (i + 1) * features),
      labels: batch.labels.slice(i, i + 1),
      count: 1
    }, gradient, seededRandom(1)))
    gradients.push(Float64Array.from(gradient))
  }
  return { gradients, losses }
}

function sumOfClipped (gradients: readonly Float64Array[], clipNorm: number): Float64Array {
  const sum = new Float64Array(gradients[0]!.length)
  for (const gradient of gradients) {
    const factor = Math.min(1, clipNorm / norm(gradient))
    gradient.forEach((value, i) => { sum[i] = sum[i]! + factor * value })
  }
  return sum
}

function expectAgreement (tested: Subject, { gradients, losses }: Reference, clipNorm: number): void {
  const { graph, plan, parameters, batch } = tested
  const sum = new Float64Array(plan.parameterCount).fill(NaN)
  const result = graph.clippedGradientSum(parameters, batch, sum, { clipNorm, random: seededRandom(1) })

  const norms = gradients.map(norm)
  const expected = sumOfClipped(gradients, clipNorm)
  expect(result.norms).toHaveLength(batch.count)
  for (const [i, value] of norms.entries()) {
    expect(Math.abs(result.norms[i]! / value - 1)).toBeLessThan(1e-4)
  }
  expect(distance(sum, expected)).toBeLessThan(1e-4 * norm(expected))
  expect(result.lossSum).toBeCloseTo(losses.reduce((total, loss) => total + loss, 0), 3)
  expect(result.clipped).toBe(norms.filter((value) => value > clipNorm).length)
  expect(result.discarded).toBe(0)
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
/** Just above one of the norms, so that rounding cannot change how many are clipped */
const someClipped = ({ gradients }: Reference): number => median(gradients.map(norm)) * 1.0005

/** The batch without some examples */
function without (batch: Batch, dropped: readonly number[]): Batch {
  const features = batch.inputs.length / batch.labels.length
  const kept = [...batch.labels.keys()].filter((i) => !dropped.includes(i))
  return {
    inputs: Float32Array.from(kept.flatMap((i) => [...batch.inputs.subarray(i * features, (i + 1) * features)])),
    labels: Uint16Array.from(kept, (i) => batch.labels[i]!),
    count: kept.length
  }
}

/** Small models of random shape: dense layers alone, or behind convolutions and pooling */
const randomModels: fc.Arbitrary<DocumentInit> = fc.record({
  side: fc.integer({ min: 5, max: 9 }),
  channels: fc.integer({ min: 1, max: 3 }),
  layers: fc.array(fc.record({
    kind: fc.constantFrom('Conv2D', 'Dense', 'MaxPooling2D', 'LeakyReLU'),
    width: fc.integer({ min: 1, max: 12 }),
    stride: fc.constantFrom(1, 2),
    padding: fc.constantFrom('same', 'valid'),
    activation: fc.constantFrom('relu', 'tanh', 'sigmoid', 'elu', 'linear'),
    useBias: fc.boolean()
  }), { maxLength: 3 }),
  ending: fc.constantFrom('Flatten', 'GlobalAveragePooling2D')
}).map(({ side, channels, layers, ending }) => {
  const entries = layers.map(({ kind, width, stride, padding, activation, useBias }, i) => {
    const window = { strides: [stride, 1], padding: i === 0 ? padding : 'same' }
    const trained = { activation, use_bias: useBias }
    switch (kind) {
      case 'Conv2D': return entry(kind, `layer_${i}`, { filters: width, kernel_size: [3, 2], ...window, ...trained })
      case 'MaxPooling2D': return entry(kind, `layer_${i}`, { pool_size: [2, 2], ...window })
      case 'Dense': return entry(kind, `layer_${i}`, { units: width, ...trained })
      default: return entry(kind, `layer_${i}`, { alpha: 0.1 })
    }
  })
  const shape: [number, number, number] = [side, side, channels]
  return { shape, classes: 3, topology: sequential(shape, [...entries, entry(ending, 'ending'), output(3)]) }
})

describe.each(backends)('clipped gradient sum on %s', (backendName) => {
  it.each(Object.entries({ ...MODELS, ...SEQUENCES, ...KERAS_SEQUENCES }))('agrees with gradients taken one by one: %s', async (_, init) => {
    const tested = await subject(init, backendName)
    const reference = oneByOne(tested)
    expectAgreement(tested, reference, someClipped(reference))
  })

  it('agrees with gradients taken one by one on random models', async () => {
    await fc.assert(fc.asyncProperty(randomModels, async (init) => {
      const tested = await subject(init, backendName, 5)
      const reference = oneByOne(tested)
      expectAgreement(tested, reference, someClipped(reference))
    }), { seed: 1, numRuns: 25 })
  })

  it('is the plain sum when no gradient is as long as the clip norm, with the same dropout', async () => {
    const topology = sequential([6, 6, 2], [
      convolution('a', { activation: 'relu' }), entry('Dropout', 'drop_a', { rate: 0.3 }), entry('Flatten', 'flatten'),
      entry('Dense', 'b', { units: 7, activation: 'tanh' }), entry('Dropout', 'drop_b', { rate: 0.5 }), output(3)
    ])
    const { graph, plan, parameters, batch } = await subject({ shape: [6, 6, 2], classes: 3, topology }, backendName)
    const mean = new Float32Array(plan.parameterCount)
    const loss = graph.gradients(parameters, batch, mean, seededRandom(5))

    const sum = new Float64Array(plan.parameterCount)
    const { lossSum, norms, clipped } = graph.clippedGradientSum(parameters, batch, sum, { clipNorm: 1e9, random: seededRandom(5) })

    expect(clipped).toBe(0)
    expect(Math.max(...norms)).toBeLessThan(1e9)
    expect(lossSum).toBeCloseTo(loss, 4)
    const expected = Float64Array.from(mean, (value) => value * batch.count)
    expect(distance(sum, expected)).toBeLessThan(1e-5 * norm(expected))
  })

  it('gives zeros for an empty batch', async () => {
    const { graph, plan, parameters } = await subject(MODELS['a convolutional network']!, backendName)
    const sum = new Float64Array(plan.parameterCount).fill(NaN)
    const result = graph.clippedGradientSum(parameters, { inputs: new Float32Array(288), labels: new Uint16Array(1), count: 0 }, sum, { clipNorm: 1, random: seededRandom(1) })
    expect(result).toEqual({ lossSum: 0, norms: new Float64Array(), clipped: 0, discarded: 0 })
    expect(sum).toEqual(new Float64Array(plan.parameterCount))
  })

  it('never reads what lies behind the batch', async () => {
    const { graph, plan, parameters, batch } = await subject(MODELS['a convolutional network']!, backendName, 7)
    const padded: Batch = {
      inputs: Float32Array.from([...batch.inputs, ...new Array<number>(2 * 288).fill(NaN)]),
      labels: Uint16Array.from([...batch.labels, 65_535, 65_535]),
      count: batch.count
    }
    const [expected, sum] = [new Float64Array(plan.parameterCount), new Float64Array(plan.parameterCount)]
    const options = { clipNorm: 0.5, random: seededRandom(1) }
    const result = graph.clippedGradientSum(parameters, batch, expected, options)
    expect(graph.clippedGradientSum(parameters, padded, sum, options)).toEqual(result)
    expect(sum).toEqual(expected)
  })

  it.each(['dense layers with relu', 'a convolutional network', 'a convolution with few positions and many filters', 'a dense layer on every pixel'])('leaves out examples whose gradient is not finite: %s', async (name) => {
    const tested = await subject(MODELS[name]!, backendName, 9)
    const { graph, plan, parameters, batch } = tested
    const features = batch.inputs.length / 9
    const rest = { ...tested, batch: without(batch, [0, 4]) }
    const reference = oneByOne(rest)
    const clipNorm = someClipped(reference)
    batch.inputs[0] = NaN
    batch.inputs[4 * features + 3] = Infinity

    const sum = new Float64Array(plan.parameterCount)
    const result = graph.clippedGradientSum(parameters, batch, sum, { clipNorm, random: seededRandom(1) })

    expect(result.discarded).toBe(2)
    expect(result.norms.filter(Number.isFinite)).toHaveLength(7)
    const expected = sumOfClipped(reference.gradients, clipNorm)
    expect(distance(sum, expected)).toBeLessThan(1e-4 * norm(expected))
    expect(result.lossSum).toBeCloseTo(reference.losses.reduce((total, loss) => total + loss, 0), 3)
  })

  it('leaves out an example whose gradient is too long to be scaled down', async () => {
    const tested = await subject(MODELS['binary cross-entropy']!, backendName, 3)
    const { graph, plan, parameters, batch } = tested
    // every output is wrong by one half, whatever the input
    parameters.fill(0)
    const reference = oneByOne({ ...tested, batch: without(batch, [1]) })
    batch.inputs.fill(1e30, 9, 18)
    const sum = new Float64Array(plan.parameterCount)
    const { discarded, norms } = graph.clippedGradientSum(parameters, batch, sum, { clipNorm: 1e3, random: seededRandom(1) })
    expect(norms[1]).toBeGreaterThan(1e29)
    expect(discarded).toBe(1)
    const expected = sumOfClipped(reference.gradients, 1e3)
    expect(distance(sum, expected)).toBeLessThan(1e-5 * norm(expected))
  })

  it.each([1e-8, 1, 1e12])('bounds what one example contributes, with inputs times %s', async (scale) => {
    for (const name of ['dense layers with relu', 'strides and valid padding', 'a convolution with few positions and many filters']) {
      const { graph, plan, parameters, batch } = await subject(MODELS[name]!, backendName, 1)
      batch.inputs.forEach((value, i) => { batch.inputs[i] = value * scale })
      // a model that is sure and right has no gradient
      graph.evaluate(parameters, [batch], ({ logits }) => { batch.labels[0] = logits.indexOf(Math.min(...logits)) })
      const clipNorm = 1e-3
      const sum = new Float64Array(plan.parameterCount)
      const { clipped, discarded } = graph.clippedGradientSum(parameters, batch, sum, { clipNorm, random: seededRandom(1) })
      expect(clipped).toBe(1)
      expect(discarded).toBe(0)
      expect(norm(sum)).toBeLessThan(clipNorm * sensitivityFactor({ examples: 1, parameterCount: plan.parameterCount }, graph.rounding))
      expect(norm(sum)).toBeGreaterThan(clipNorm * (1 - 1e-4))
    }
  })

  it('leaves no tensor behind', async () => {
    for (const init of Object.values(MODELS)) {
      const { graph, plan, parameters, batch } = await subject(init, backendName, 2)
      const sum = new Float64Array(plan.parameterCount)
      const before = { ...tf.memory() }
      for (let i = 0; i < 5; i++) {
        batch.inputs[0] = i === 2 ? NaN : 0
        graph.clippedGradientSum(parameters, batch, sum, { clipNorm: 0.1, random: seededRandom(1) })
      }
      expect(tf.memory().numTensors).toBe(before.numTensors)
      expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers)
    }
  })
})

describe('clip factors', () => {
  it('shorten what is longer than the clip norm to it, and nothing else', () => {
    const { factors, norms, clipped, discarded } = clipFactors(Float64Array.of(0, 0.25, 1, 16, 1e-320), 1)
    expect([...factors]).toEqual([1, 1, 1, 0.25, 1])
    expect([...norms.slice(0, 4)]).toEqual([0, 0.5, 1, 4])
    expect(clipped).toBe(1)
    expect(discarded).toBe(0)
  })

  it('are zero for norms that are not finite or too long to be scaled down', () => {
    const { factors, discarded, clipped } = clipFactors(Float64Array.of(NaN, Infinity, 1e40, 1e30), 2)
    expect([...factors]).toEqual([0, 0, 0, 2e-15])
    expect(discarded).toBe(3)
    expect(clipped).toBe(1)
  })

  it.each([0, -1, NaN])('refuse a clip norm of %s', (clipNorm) => {
    expect(() => clipFactors(Float64Array.of(1), clipNorm)).toThrow(RangeError)
  })
})

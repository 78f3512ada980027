/**
 * Gradients of every layer on every backend, against the tape of tfjs
 */
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { convolutionalTopology, denseTopology, planModel } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { availableBackends, entry, federation, FROZEN, KERAS_SEQUENCES, largestDifference, randomBatch, referenceGradients, referenceModel, SEQUENCES, sequential } from './models.ts'
import type { DocumentInit } from './models.ts'

const backends = await availableBackends()

const output = (classes: number): { class_name: string, config: object } => entry('Dense', 'output', { units: classes, activation: 'softmax' })
const convolution = (name: string, config: object): { class_name: string, config: object } => entry('Conv2D', name, { filters: 5, kernel_size: [3, 3], ...config })

const MODELS: Record<string, DocumentInit> = {
  'dense layers with relu': { shape: [5, 5, 1], classes: 3, topology: denseTopology({ inputShape: [5, 5, 1], hidden: [11, 6], classes: 3 }) },
  'other activations': {
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
  'a dense layer on every pixel': {
    shape: [3, 4, 2],
    classes: 3,
    topology: sequential([3, 4, 2], [entry('Dense', 'a', { units: 5, activation: 'relu' }), entry('Reshape', 'shape', { target_shape: [6, 10] }), entry('Flatten', 'flatten'), output(3)])
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

describe.each(backends)('layer graph on %s', (backendName) => {
  it.each(Object.entries({ ...MODELS, ...SEQUENCES }))('agrees with the tape of tfjs on %s', async (_, init) => {
    const { model } = federation(init)
    const plan = planModel(model)
    const parameters = initialParameters(model).map((value, i) => value + 0.05 * Math.sin(i))
    const batch = randomBatch(model, 21)
    const expected = await referenceGradients(model, parameters, batch)

    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    const gradients = new Float32Array(plan.parameterCount).fill(NaN)
    const loss = graph.gradients(parameters, batch, gradients, seededRandom(1))

    expect(loss).toBeCloseTo(expected.loss, 3)
    expect(largestDifference(gradients, expected.gradients)).toBeLessThan(1e-5)
  })

  it.each(Object.entries({ ...SEQUENCES, 'a convolutional network': MODELS['a convolutional network']!, FROZEN }))('predicts what tfjs-layers predicts: %s', async (_, init) => {
    const { model } = federation(init)
    const plan = planModel(model)
    const batch = randomBatch(model, 9)
    await loadBackend('cpu')
    const reference = await referenceModel(model)
    const expected = (reference.apply(tf.tensor(batch.inputs, [9, ...plan.inputShape])) as tf.Tensor).dataSync()

    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    graph.evaluate(initialParameters(model), [batch], ({ logits, outputs }) => {
      for (let row = 0; row < 9; row++) {
        const scores = logits.subarray(row * outputs, (row + 1) * outputs)
        const sum = scores.reduce((total, score) => total + Math.exp(score), 0)
        expect(largestDifference(scores.map((score) => Math.exp(score) / sum), expected.slice(row * outputs, (row + 1) * outputs))).toBeLessThan(1e-5)
      }
    })
  })

  it('drops and scales inputs while training, and not while evaluating', async () => {
    const topology = sequential([10, 10, 1], [entry('Flatten', 'flatten'), entry('Dropout', 'drop', { rate: 0.4 }), entry('Dense', 'output', { units: 2, activation: 'softmax' })])
    const { model } = federation({ shape: [10, 10, 1], classes: 2, topology })
    const plan = planModel(model)
    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    const batch = { inputs: new Float32Array(100).fill(1), labels: new Uint16Array(1), count: 1 }
    const gradients = new Float32Array(plan.parameterCount)

    graph.gradients(new Float32Array(plan.parameterCount), batch, gradients, seededRandom(3))

    // with zero weights both classes have probability 1/2, and dW = x * (p - target)
    const inputs = Array.from({ length: 100 }, (_, i) => gradients[2 * i]! / -0.5)
    expect(new Set(inputs.map((value) => Math.abs(value).toFixed(4)))).toEqual(new Set(['0.0000', (1 / 0.6).toFixed(4)]))
    const kept = inputs.filter((value) => value > 0).length
    expect(kept).toBeGreaterThan(40)
    expect(kept).toBeLessThan(80)
    const ones = new Float32Array(plan.parameterCount).fill(1)
    graph.evaluate(ones, [batch], ({ logits }) => { expect([...logits]).toEqual([101, 101]) })
  })

  it.each(Object.entries({ ...SEQUENCES, ...KERAS_SEQUENCES }))('leaves no tensor behind: %s', async (_, init) => {
    const { model } = federation(init)
    const plan = planModel(model)
    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    const parameters = initialParameters(model)
    const batch = randomBatch(model, 2)
    const before = { ...tf.memory() }
    for (let i = 0; i < 5; i++) {
      graph.gradients(parameters, batch, new Float32Array(plan.parameterCount), seededRandom(1))
      graph.clippedGradientSum(parameters, batch, new Float64Array(plan.parameterCount), { clipNorm: 0.1, random: seededRandom(1) })
      graph.evaluate(parameters, [batch], () => {})
    }
    expect(tf.memory().numTensors).toBe(before.numTensors)
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers)
  })

  it('leaves no tensor behind in 1,000 steps', async () => {
    for (const name of ['dense layers with relu', 'overlapping windows and global pooling', 'frozen layers']) {
      const { model } = federation(MODELS[name]!)
      const plan = planModel(model)
      const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
      const parameters = initialParameters(model)
      const gradients = new Float32Array(plan.parameterCount)
      const batch = randomBatch(model, 2)
      const step = (): void => {
        graph.gradients(parameters, batch, gradients, seededRandom(1))
        graph.evaluate(parameters, [batch], () => {})
      }
      step()
      const before = { ...tf.memory() }
      for (let i = 0; i < 1000; i++) {
        step()
      }
      expect(tf.memory().numTensors).toBe(before.numTensors)
      expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers)
      expect(tf.memory().numBytes).toBe(before.numBytes)
    }
  })
})

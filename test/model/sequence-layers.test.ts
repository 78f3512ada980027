/**
 * Layers of texts and sequences: ids that are none, tokens that come twice, finite differences, and that models of them
 * learn, with and without noise
 */
import { describe, expect, it } from 'vitest'
import { DatasetError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { createPredictor } from '../../src/model/predictor.ts'
import { planModel, textTopology } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import { availableBackends, entry, federation, KERAS_SEQUENCES, randomBatch, SEQUENCES, sequential } from './models.ts'
import type { Dataset, Examples } from '../../src/data/examples.ts'
import type { FederationInit } from '../../src/federation/document.ts'
import type { DocumentInit } from './models.ts'

const TEXTS = SEQUENCES['texts of an embedding, a convolution and the largest']!

describe.each(await availableBackends())('layers of sequences on %s', (backendName) => {
  it.each([7, -1, 2.5, NaN, Infinity, 1e9])('refuse %s as an id out of 7, before it is used', async (id) => {
    const { model } = federation(TEXTS)
    const plan = planModel(model)
    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    const batch = randomBatch(model, 3)
    batch.inputs[12 + 4] = id
    const message = `layer "embedding" takes whole numbers from 0 to 6, but input 4 of an example is ${id}: its ids are of another vocabulary, or are no ids`
    const expected = expect.objectContaining({ name: 'DatasetError', message }) as Error
    expect(() => graph.gradients(initialParameters(model), batch, new Float32Array(plan.parameterCount), seededRandom(1))).toThrow(expected)
    expect(() => graph.clippedGradientSum(initialParameters(model), batch, new Float64Array(plan.parameterCount), { clipNorm: 1, random: seededRandom(1) })).toThrow(expected)
    const predictor = await createPredictor({ document: federation(TEXTS), parameters: initialParameters(model), backend: backendName })
    expect(() => predictor.predict(batch.inputs, 3)).toThrow(DatasetError)
    // what lies behind the batch is nobody's
    expect(predictor.predict(batch.inputs, 1).labels).toHaveLength(1)
  })

  it('add up the rows of a token that comes again before its norm is taken', async () => {
    const one = (length: number): DocumentInit => ({
      shape: [length],
      classes: 3,
      topology: sequential([length], [entry('Embedding', 'e', { input_dim: 4, output_dim: 2 }), entry('GlobalAveragePooling1D', 'm'), entry('Dense', 'output', { units: 3, activation: 'softmax', use_bias: false })])
    })
    const normOf = async (tokens: number[]): Promise<{ norm: number, sum: Float64Array }> => {
      const { model } = federation(one(tokens.length))
      const plan = planModel(model)
      const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
      // rows of ones: every text has the same mean
      const parameters = Float32Array.from({ length: plan.parameterCount }, (_, i) => i < 8 ? 1 : Math.sin(i))
      const sum = new Float64Array(plan.parameterCount)
      const { norms } = graph.clippedGradientSum(parameters, { inputs: Float32Array.from(tokens), labels: Uint16Array.of(1), count: 1 }, sum, { clipNorm: 1e9, random: seededRandom(1) })
      const output = sum.subarray(8).reduce((total, value) => total + value * value, 0)
      return { norm: Math.sqrt(norms[0]! ** 2 - output), sum: sum.subarray(0, 8) }
    }
    const [alone, same, different] = [await normOf([2]), await normOf([2, 2, 2, 2]), await normOf([0, 1, 2, 3])]
    expect(same.norm).toBeCloseTo(alone.norm, 5)
    expect(different.norm).toBeCloseTo(alone.norm / 2, 5)
    expect(alone.norm).toBeGreaterThan(0.1)
    for (const [i, value] of alone.sum.entries()) {
      expect(same.sum[i]).toBeCloseTo(value, 6)
    }
    expect([...alone.sum].map((value) => value !== 0)).toEqual([false, false, false, false, true, true, false, false])
  })

  it.each(Object.entries({ ...SEQUENCES, ...KERAS_SEQUENCES }))('have the slope of their loss: %s', async (_, init) => {
    const { model } = federation(init)
    const plan = planModel(model)
    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    const random = seededRandom(5)
    const parameters = initialParameters(model).map((value) => value + 0.2 * (2 * random() - 1))
    const batch = randomBatch(model, 6)
    const gradient = new Float32Array(plan.parameterCount)
    const lossAt = (from: Float32Array, out = new Float32Array(plan.parameterCount)): number => graph.gradients(from, batch, out, seededRandom(1)) / batch.count
    lossAt(parameters, gradient)
    for (const { offset, size } of plan.layout) {
      const part = gradient.subarray(offset, offset + size)
      const length = Math.hypot(...part)
      const step = 4e-3
      const moved = (sign: number): Float32Array => parameters.map((value, i) => i >= offset && i < offset + size ? value + sign * step * gradient[i]! / length : value)
      const slope = (lossAt(moved(1)) - lossAt(moved(-1))) / (2 * step)
      expect(Math.abs(slope - length)).toBeLessThan(2e-3 * Math.max(length, 0.05))
    }
  })
})

const LENGTH = 20
const VOCABULARY = 30

/** Which of two pairs of tokens comes somewhere in a text of random ones */
function texts (count: number, seed: number): Examples {
  const random = seededRandom(seed)
  const labels = Uint16Array.from({ length: count }, (_, i) => i % 2)
  const rows = Array.from(labels, (label) => {
    const tokens = Array.from({ length: LENGTH }, () => 4 + Math.floor(random() * (VOCABULARY - 4)))
    tokens.splice(Math.floor(random() * (LENGTH - 1)), 2, ...label === 0 ? [0, 1] : [1, 0])
    return tokens
  })
  return { count, featureCount: LENGTH, labels, writeInputs: (index, out, offset) => { out.set(rows[index]!, offset) } }
}

const gates = { activation: 'tanh', recurrent_activation: 'sigmoid', reset_after: true }
const ids = entry('Embedding', 'ids', { input_dim: VOCABULARY, output_dim: 8 })
const output = entry('Dense', 'output', { units: 2, activation: 'softmax' })

describe('a model of texts', () => {
  const dataset: Dataset = { train: texts(256, 1), test: texts(100, 2) }
  const accuracyOf = async (topology: Record<string, unknown>, training: FederationInit['training'], privacy: FederationInit['privacy'] = { mechanism: 'none' }): Promise<number> => {
    const document = parseFederation({ ...federation({ shape: [LENGTH], classes: 2, topology, training }), privacy })
    const local = new LocalTraining({ document, dataset, backend: await loadBackend('wasm'), seed: 1, noise: seededNoise('texts') })
    const { parameters } = local.train(initialParameters(document.model), { round: 1 })
    return local.evaluate(parameters).accuracy!
  }
  const adam = (steps: number, learningRate: number, batchSize = 32): FederationInit['training'] => ({ steps, batchSize, optimizer: { name: 'adam', learningRate } })

  it.each<[string, Record<string, unknown>, number]>([
    ['patterns of tokens', textTopology({ length: LENGTH, vocabulary: VOCABULARY, classes: 2, width: 8, filters: 16, kernelSize: 3 }), 150],
    ['an LSTM', sequential([LENGTH], [ids, entry('LSTM', 'lstm', { units: 12, return_sequences: true, ...gates }), entry('GlobalMaxPooling1D', 'max'), output]), 200],
    ['a GRU', sequential([LENGTH], [ids, entry('GRU', 'gru', { units: 12, return_sequences: true, ...gates }), entry('GlobalMaxPooling1D', 'max'), output]), 200]
  ])('learns the order of two tokens: %s', async (_, topology, steps) => {
    expect(await accuracyOf(topology, adam(steps, 0.01))).toBeGreaterThan(0.95)
  })

  it('learns under dp-sgd', async () => {
    const topology = textTopology({ length: LENGTH, vocabulary: VOCABULARY, classes: 2, width: 8, filters: 16, kernelSize: 3 })
    const accuracy = await accuracyOf(topology, adam(250, 0.01, 64), { mechanism: 'dp-sgd', clipNorm: 0.5, noiseMultiplier: 0.6, epsilonLimit: 1000, delta: 1e-5 })
    expect(accuracy).toBeGreaterThan(0.85)
  })
})

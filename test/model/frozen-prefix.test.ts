import { describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { FeatureExamples, onFeatures, splitPlan } from '../../src/model/frozen-prefix.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { BatchBuffer } from '../../src/model/mini-batches.ts'
import { planModel } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { availableBackends, entry, federation, FROZEN, largestDifference, randomBatch, sequential } from './models.ts'
import type { Examples } from '../../src/data/examples.ts'
import type { Batch } from '../../src/model/layer-graph.ts'
import type { Model } from './models.ts'

const backends = await availableBackends()
const document = federation({ ...FROZEN, training: { steps: 2, batchSize: 8, optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 } } })
const { model } = document
const plan = planModel(model)

/** Counts how often each example is read */
function examplesOf (of: Model, count: number, seed: number): { examples: Examples, reads: number[], batch: Batch } {
  const batch = randomBatch(of, count, seed)
  const featureCount = batch.inputs.length / count
  const reads = new Array<number>(count).fill(0)
  const writeInputs: Examples['writeInputs'] = (index, out, offset) => {
    reads[index]!++
    out.set(batch.inputs.subarray(index * featureCount, (index + 1) * featureCount), offset)
  }
  return { examples: { count, featureCount, labels: batch.labels, writeInputs }, reads, batch }
}

describe('a plan', () => {
  it('is split before the first layer that learns', () => {
    const { frozen, trained } = splitPlan(plan)!
    expect(frozen.layers.map(({ name }) => name)).toEqual(['features', 'pool', 'mixing', 'flatten'])
    expect(trained.layers.map(({ name }) => name)).toEqual(['first', 'between', 'output'])
    expect(frozen.outputs).toBe(27)
    expect(trained).toMatchObject({ inputShape: [27], layout: plan.layout, parameterCount: plan.parameterCount, outputs: 3, activations: 27 + 6 + 5 + 3, multiplications: 27 * 6 + 6 * 5 + 5 * 3 })
  })

  it('is split before a dropout, and not at all without a frozen layer before', () => {
    const [first, ...others] = (model.topology as { config: { layers: Array<{ class_name: string, config: object }> } }).config.layers
    const dropout = { ...model, topology: sequential([8, 8, 2], [first!, entry('Dropout', 'drop', { rate: 0.5 }), ...others]) }
    expect(splitPlan(planModel(dropout))!.frozen.layers.map(({ name }) => name)).toEqual(['features'])
    const late = { ...model, topology: sequential([8, 8, 2], [entry('Dropout', 'drop', { rate: 0.5 }), first!, ...others]) }
    expect(splitPlan(planModel(late))).toBeUndefined()
    expect(splitPlan(planModel(federation({ shape: [8, 8, 2], classes: 3 }).model))).toBeUndefined()
  })
})

describe.each(backends)('features on %s', (backendName) => {
  it('give the gradients of the whole model', async () => {
    const backend = await loadBackend(backendName)
    const { frozen, trained } = splitPlan(plan)!
    const { examples, batch } = examplesOf(model, 150, 3)
    const parameters = initialParameters(model).map((value, i) => value + 0.05 * Math.sin(i))
    const [whole, part] = [new Float32Array(plan.parameterCount), new Float32Array(plan.parameterCount)]
    const loss = new LayerGraph(plan, model.loss, backend).gradients(parameters, batch, whole, seededRandom(1))
    // more than go through the frozen layers at a time
    const features = new BatchBuffer(new FeatureExamples(examples, frozen, backend), 150).fill(Uint32Array.from({ length: 150 }, (_, i) => i))
    expect(new LayerGraph(trained, model.loss, backend).gradients(parameters, features, part, seededRandom(1))).toBeCloseTo(loss, 4)
    expect(largestDifference(part, whole)).toBeLessThan(1e-6)
    expect(Math.hypot(...whole)).toBeGreaterThan(0.01)
  })
})

describe('local training with frozen layers', () => {
  it('reads each example once, however many steps and rounds there are, and only when its turn has come', async () => {
    const backend = await loadBackend('cpu')
    const [train, test] = [examplesOf(model, 40, 1), examplesOf(model, 20, 2)]
    const training = new LocalTraining({ document, dataset: { train: train.examples, test: test.examples }, backend, seed: 1 })
    let parameters = training.train(initialParameters(model), { round: 1 }).parameters
    expect(train.reads.filter((count) => count > 0)).toHaveLength(16)
    for (let round = 2; round <= 12; round++) {
      parameters = training.train(parameters, { round }).parameters
      training.evaluate(parameters)
    }
    expect(new Set([...train.reads, ...test.reads])).toEqual(new Set([1]))
  })

  it('ends where training without kept features ends', async () => {
    const backend = await loadBackend('cpu')
    const [train, test] = [examplesOf(model, 40, 1), examplesOf(model, 20, 2)]
    const dataset = { train: train.examples, test: test.examples }
    const training = new LocalTraining({ document, dataset, backend, seed: 1 })
    const { parameters } = training.train(initialParameters(model), { round: 1 })
    const graph = new LayerGraph(plan, model.loss, backend)
    const expected = initialParameters(model)
    const velocity = new Float32Array(expected.length)
    const gradients = new Float32Array(expected.length)
    const order: number[] = []
    const spy = new LocalTraining({ document, dataset: { ...dataset, train: { ...train.examples, writeInputs: (index, out, offset) => { order.push(index); train.examples.writeInputs(index, out, offset) } } }, backend, seed: 1 })
    spy.train(initialParameters(model), { round: 1 })
    for (let step = 0; step < 2; step++) {
      graph.gradients(expected, new BatchBuffer(train.examples, 8).fill(order.slice(8 * step, 8 * step + 8)), gradients, seededRandom(1))
      gradients.forEach((gradient, i) => {
        velocity[i] = 0.9 * velocity[i]! + gradient
        expected[i]! -= 0.1 * velocity[i]
      })
    }
    expect(largestDifference(parameters, expected)).toBeLessThan(1e-6)
    expect(training.plan).toEqual(plan)
  })

  it('keeps no features that are larger than memory should hold', async () => {
    const backend = await loadBackend('cpu')
    const { examples } = examplesOf(model, 4, 1)
    const huge = { ...examples, count: 2_000_000 }
    expect(onFeatures(plan, { train: huge, test: examples }, backend)).toEqual({ plan, dataset: { train: huge, test: examples } })
    expect(onFeatures(plan, { train: examples, test: examples }, backend).plan.layers).toHaveLength(3)
  })
})

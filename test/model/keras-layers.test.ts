/**
 * What Keras computes, for each layer of the list in docs/data.md, each loss of a number, and class weights
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { exportTopology } from '../../src/model/export-topology.ts'
import { LAYER_READERS } from '../../src/model/layer-config.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { batchLoss, exampleLosses } from '../../src/model/loss.ts'
import { planModel } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { availableBackends, federation, largestDifference, tableOf } from './models.ts'
import type { LogitsBatch, LossName } from '../../src/model/loss.ts'
import type { Model } from './models.ts'

interface Answers { topology: { config: { layers: Array<{ class_name: string }> } } & Record<string, unknown>, shape: number[], parameters: number[], inputs: number[], outputs: number[] }
/** With gradients: of the batch's mean loss, and of each example's own, clipped to clipNorm and added up */
interface SequenceAnswers extends Answers { labels: number[], gradient: number[], norms: number[], clipNorm: number, clippedSum: number[] }
interface LossAnswers { logits: number[], loss: number, gradient: number[] }

const { layers, losses } = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/keras3_layers.json'), 'utf8')) as {
  layers: Record<string, Answers>
  losses: {
    weighted: { labels: number[], classWeights: number[] } & Record<'categoricalCrossentropy' | 'binaryCrossentropy', LossAnswers>
    numbers: { targets: number[] } & Record<'meanSquaredError' | 'meanAbsoluteError' | 'huber', LossAnswers>
  }
}

const { layers: sequences } = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/keras3_sequences.json'), 'utf8')) as { layers: Record<string, SequenceAnswers> }

function modelOf ({ topology, shape }: Pick<Answers, 'topology' | 'shape'>): Model {
  const { model } = federation({ shape: [1, 1, 1], classes: 3 })
  return { ...model, topology, input: shape.length === 3 ? { kind: 'image', shape, mean: 0, stdDev: 1 } : tableOf(shape[0]!) }
}

async function probabilities (model: Model, { inputs, parameters, outputs: { length } }: Answers): Promise<number[]> {
  const count = length / 3
  const graph = new LayerGraph(planModel(model), model.loss, await loadBackend('wasm'))
  const out: number[] = []
  graph.evaluate(Float32Array.from(parameters), [{ inputs: Float32Array.from(inputs), labels: new Uint16Array(count), count }], ({ logits, outputs }) => {
    for (let row = 0; row < count; row++) {
      const powers = [...logits.subarray(row * outputs, (row + 1) * outputs)].map(Math.exp)
      out.push(...powers.map((power) => power / powers.reduce((a, b) => a + b)))
    }
  })
  return out
}

describe('a layer computes what Keras computes', () => {
  it.each(Object.entries({ ...layers, ...sequences }))('%s', async (_, answers) => {
    const model = modelOf(answers)
    expect(largestDifference(await probabilities(model, answers), answers.outputs)).toBeLessThan(1e-5)
    // as a document that is made from the file says it
    expect(largestDifference(await probabilities({ ...model, topology: exportTopology(model) }, answers), answers.outputs)).toBeLessThan(1e-5)
  })

  it('for every layer that there is', () => {
    const answered = new Set(Object.values({ ...layers, ...sequences }).flatMap(({ topology }) => topology.config.layers.map((layer) => layer.class_name)))
    expect([...LAYER_READERS.keys()].filter((name) => !answered.has(name))).toEqual([])
  })
})

describe.each(await availableBackends())('a gradient is that of Keras on %s', (backendName) => {
  it.each(Object.entries(sequences))('%s', async (_, answers) => {
    const model = modelOf(answers)
    const plan = planModel(model)
    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    const [parameters, count] = [Float32Array.from(answers.parameters), answers.labels.length]
    const batch = { inputs: Float32Array.from(answers.inputs), labels: Uint16Array.from(answers.labels), count }
    const gradient = new Float32Array(plan.parameterCount)
    graph.gradients(parameters, batch, gradient, seededRandom(1))
    expect(largestDifference(gradient, answers.gradient)).toBeLessThan(1e-5)

    const sum = new Float64Array(plan.parameterCount)
    const { clipNorm } = answers
    const { norms, clipped } = graph.clippedGradientSum(parameters, batch, sum, { clipNorm, random: seededRandom(1) })
    expect(largestDifference(norms, answers.norms)).toBeLessThan(1e-5)
    expect(clipped).toBe(answers.norms.filter((norm) => norm > clipNorm).length)
    expect(clipped).toBeGreaterThan(0)
    expect(clipped).toBeLessThan(count)
    expect(largestDifference(sum, answers.clippedSum)).toBeLessThan(1e-5)
  })
})

function expectLoss (loss: LossName, answers: LossAnswers, batch: Omit<LogitsBatch, 'logits'>): void {
  const logits = Float32Array.from(answers.logits)
  const gradient = new Float32Array(logits.length)
  expect(batchLoss(loss, { ...batch, logits }, gradient) / batch.count).toBeCloseTo(answers.loss, 5)
  expect(largestDifference(gradient, answers.gradient)).toBeLessThan(1e-6)
  // each example's own gradient, not divided by the batch: what clipping sees
  const own = new Float32Array(logits.length)
  expect(exampleLosses(loss, { ...batch, logits }, own).reduce((a, b) => a + b) / batch.count).toBeCloseTo(answers.loss, 5)
  expect(largestDifference(own.map((value) => value / batch.count), answers.gradient)).toBeLessThan(1e-6)
}

describe('a loss is that of Keras', () => {
  it.each(['categoricalCrossentropy', 'binaryCrossentropy'] as const)('with class weights: %s', (loss) => {
    const { labels, classWeights } = losses.weighted
    expectLoss(loss, losses.weighted[loss], { labels: Uint16Array.from(labels), classWeights, count: 6, outputs: 3 })
  })

  it.each(['meanSquaredError', 'meanAbsoluteError', 'huber'] as const)('of a number: %s', (loss) => {
    const { targets } = losses.numbers
    expectLoss(loss, losses.numbers[loss], { labels: new Uint16Array(8), targets: Float32Array.from(targets), count: 8, outputs: 1 })
  })
})

/**
 * A number predicted from a table: three peers that gossip come to the closed-form least squares of all rows together
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { auditDataset } from '../../src/audit/audit-dataset.ts'
import { tableExamples } from '../../src/data/table-examples.ts'
import { fingerprint, rowsOfExamples } from '../../src/data/fingerprint.ts'
import { poisoned } from '../../src/data/poison.ts'
import { selectExamples } from '../../src/data/select-examples.ts'
import { DatasetError, InvalidFederationError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { denseTopology, planModel } from '../../src/model/topology.ts'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import { simulate } from '../../src/simulation/simulate.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { Dataset, Examples, TableInput } from '../../src/data/examples.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'
import type { RegressionFigures } from '../../src/interface.ts'
import type { Backend } from '../../src/model/backend.ts'
import type { Batch } from '../../src/model/layer-graph.ts'

const INPUTS = 4
const TARGET = { mean: 120, stdDev: 30, unit: 'mmHg' }

const input: TableInput = { kind: 'table', label: 'pressure', columns: Array.from({ length: INPUTS }, (_, i) => ({ kind: 'numeric', name: `x${i}`, mean: 0, stdDev: 1 })) }

function documentOf (changes: Partial<FederationInit> = {}, model: Partial<FederationInit['model']> = {}): FederationDocument {
  return parseFederation({
    format: 2,
    name: 'pressure',
    model: { topology: denseTopology({ inputShape: [INPUTS], hidden: [], classes: 1, activation: 'linear' }), seed: 3, loss: 'meanSquaredError', input, labels: [], target: TARGET, ...model },
    training: { epochs: 2, batchSize: 20, optimizer: { name: 'sgd', learningRate: 0.05, decayRounds: 20 } },
    aggregation: { rule: 'mean', f: 0 },
    codec: { name: 'float32' },
    topology: { degree: 2 },
    round: { deadlineMs: 1000, staleness: 1 },
    privacy: { mechanism: 'none' },
    ...changes
  })
}

function made (count: number, seed: string): Examples {
  const random = seededRandom(seed)
  const normal = (): number => Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6)
  const values = Float32Array.from({ length: count * INPUTS }, normal)
  const truth = [0.6, -0.4, 0.2, 0.1]
  const targets = Float32Array.from({ length: count }, (_, row) => truth.reduce((sum, weight, i) => sum + weight * values[row * INPUTS + i]!, 0.3) + 0.4 * normal())
  return { ...tableExamples(values, new Uint16Array(count), input), targets }
}

/** Of rows with a 1 behind: by the normal equations, eliminated without pivots (they are positive definite) */
function leastSquares ({ count, targets, writeInputs }: Examples): number[] {
  const width = INPUTS + 1
  const system = Array.from({ length: width }, () => new Float64Array(width + 1))
  const row = new Float32Array(INPUTS)
  for (let example = 0; example < count; example++) {
    writeInputs.call({ count, featureCount: INPUTS } as Examples, example, row, 0)
    const extended = [...row, 1, targets![example]!]
    system.forEach((line, i) => { extended.forEach((value, j) => { line[j]! += extended[i]! * value }) })
  }
  for (let i = 0; i < width; i++) {
    const pivot = system[i]!
    for (const [j, line] of system.entries()) {
      const factor = j === i ? 0 : line[i]! / pivot[i]!
      line.forEach((value, k) => { line[k] = value - factor * pivot[k]! })
    }
  }
  return system.map((line, i) => line[width]! / line[i]!)
}

let backend: Backend
beforeAll(async () => { backend = await loadBackend('wasm') })

const dataset: Dataset = { train: made(600, 'train'), test: made(200, 'test') }

function figuresOf (document: FederationDocument, parameters: Float32Array): RegressionFigures {
  const { figures, accuracy } = new LocalTraining({ document, dataset, backend, seed: 1, noise: seededNoise('evaluate') }).evaluate(parameters)
  expect(accuracy).toBeNull()
  return figures as RegressionFigures
}

describe('a federation that predicts a number', () => {
  it('comes to the least squares of all members\' rows', async () => {
    const document = documentOf()
    const { accuracy, models } = await simulate({ document, dataset, backend, peers: 3, rounds: 20, seed: 'three' })
    const closed = Float32Array.from(leastSquares(dataset.train))
    const best = figuresOf(document, closed)
    expect(best.r2).toBeGreaterThan(0.7)
    for (const model of models.values()) {
      const found = figuresOf(document, model)
      expect(found.r2).toBeGreaterThan(best.r2! - 0.005)
      expect(Math.max(...model.map((value, i) => Math.abs(value - closed[i]!)))).toBeLessThan(0.05)
    }
    // what a simulation calls accuracy is R2 here
    expect(accuracy).toBeCloseTo(best.r2!, 2)
  })

  it('tells errors in the unit of the target, beside the mean and the median of the own rows', () => {
    const { unit, meanSquaredError, baseline } = figuresOf(documentOf(), new Float32Array(INPUTS + 1))
    expect(unit).toBe('mmHg')
    // a model of zeros says the document's mean
    const deviations = [...dataset.test.targets!].map((target) => (TARGET.stdDev * target) ** 2)
    expect(meanSquaredError).toBeCloseTo(deviations.reduce((a, b) => a + b) / deviations.length, 2)
    const sorted = [...dataset.train.targets!].sort((a, b) => a - b)
    expect(baseline.median).toBeCloseTo(TARGET.mean + TARGET.stdDev * (sorted[299]! + sorted[300]!) / 2, 4)
    expect(baseline.r2).toBeLessThan(0.01)
  })

  it.each(['meanAbsoluteError', 'huber'] as const)('learns with the loss %s, too', (loss) => {
    const document = documentOf({}, { loss, topology: denseTopology({ inputShape: [INPUTS], hidden: [8], classes: 1, activation: 'linear' }) })
    const training = new LocalTraining({ document, dataset, backend, seed: 1 })
    let parameters = initialParameters(document.model)
    for (let round = 1; round <= 8; round++) {
      parameters = training.train(parameters, { round }).parameters
    }
    expect(figuresOf(document, parameters).r2).toBeGreaterThan(0.7)
  })

  it('clips each example\'s own gradient under dp-sgd, after its loss', () => {
    const { model } = documentOf()
    const graph = new LayerGraph(planModel(model), model.loss, backend)
    const parameters = initialParameters(model)
    const batch: Batch = { inputs: Float32Array.from([1, 0, 0, 0, 0, 2, 0, 0]), labels: new Uint16Array(2), targets: Float32Array.from([50, 0.1]), count: 2 }
    const out = new Float64Array(parameters.length)
    const { norms, clipped } = graph.clippedGradientSum(parameters, batch, out, { clipNorm: 3, random: seededRandom(1) })
    // d/dw of (w x + b - t)^2 is 2 (w x + b - t) (x, 1)
    const expected = [[1, 0, 0, 0, 1], [0, 2, 0, 0, 1]].map((direction, example) => {
      const error = 2 * (direction.reduce((sum, x, i) => sum + x * (i < INPUTS ? parameters[i]! : 0), 0) - batch.targets![example]!)
      return direction.map((x) => error * x)
    })
    const lengths = expected.map((gradient) => Math.hypot(...gradient))
    expect([...norms]).toEqual(lengths.map((length) => expect.closeTo(length, 3) as number))
    expect(clipped).toBe(lengths.filter((length) => length > 3).length)
    expect([...out]).toEqual(expected[0]!.map((_, i) => expect.closeTo(expected.reduce((sum, gradient, example) => sum + gradient[i]! * Math.min(1, 3 / lengths[example]!), 0), 4) as number))
  })

  it('learns under dp-sgd', () => {
    const document = documentOf({ training: { steps: 60, batchSize: 100, optimizer: { name: 'sgd', learningRate: 0.1 } }, privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 } })
    const training = new LocalTraining({ document, dataset, backend, seed: 1, noise: seededNoise('private') })
    const { parameters } = training.train(initialParameters(document.model), { round: 1 })
    expect(figuresOf(document, parameters).r2).toBeGreaterThan(0.6)
  })

  it('weighs an example by its class before its gradient is clipped', () => {
    const topology = denseTopology({ inputShape: [INPUTS], hidden: [], classes: 2 })
    const { target: _, ...rest } = documentOf().model
    const model = { ...rest, topology, labels: ['no', 'yes'], loss: 'categoricalCrossentropy' as const }
    const batch: Batch = { inputs: Float32Array.from({ length: 8 }, (_, i) => i / 8), labels: Uint16Array.from([0, 1]), count: 2 }
    const normsOf = (classWeights?: number[]): Float64Array => {
      const graph = new LayerGraph(planModel(model), model.loss, backend, classWeights)
      return graph.clippedGradientSum(initialParameters(model), batch, new Float64Array(10), { clipNorm: 1, random: seededRandom(1) }).norms
    }
    const [plain, weighted] = [normsOf(), normsOf([1, 20])]
    expect(weighted[0]).toBe(plain[0])
    expect(weighted[1]! / plain[1]!).toBeCloseTo(20, 4)
  })
})

describe('examples with numbers', () => {
  it('keep them when some are selected, and are known by them', () => {
    const some = selectExamples(dataset.train, [5, 2])
    expect([...some.targets!]).toEqual([dataset.train.targets![5], dataset.train.targets![2]])
    const other = { ...some, targets: some.targets!.map((target) => target + 1) }
    expect(fingerprint(rowsOfExamples(other))).not.toBe(fingerprint(rowsOfExamples(some)))
  })

  it('are turned about the mean by a liar, who has no class to lead to', () => {
    expect([...poisoned(dataset.train, { kind: 'label-flip' }, { shape: [INPUTS], classes: 0 }).targets!.slice(0, 2)]).toEqual([-dataset.train.targets![0]!, -dataset.train.targets![1]!])
    expect(() => poisoned(dataset.train, { kind: 'backdoor', share: 0.5 }, { shape: [INPUTS], classes: 0 })).toThrow(DatasetError)
  })

  it('do not meet a federation that tells classes', () => {
    const { target: _, ...rest } = documentOf().model
    const model = { ...rest, topology: denseTopology({ inputShape: [INPUTS], hidden: [], classes: 2 }), labels: ['no', 'yes'], loss: 'categoricalCrossentropy' as const }
    const document = { ...documentOf(), format: 1 as const, model }
    expect(() => new LocalTraining({ document, dataset, backend, seed: 1 })).toThrow(/have numbers to predict, but the federation tells classes/)
    const { targets: __, ...classes } = dataset.train
    expect(() => new LocalTraining({ document: documentOf(), dataset: { ...dataset, train: classes }, backend, seed: 1 })).toThrow(/have classes, but the federation predicts a number/)
  })

  it('are not audited', async () => {
    const audit = auditDataset({ document: documentOf(), dataset, backend: 'wasm', rounds: 1, seed: 1, canaryCount: 20 })
    await expect(audit).rejects.toThrow('an audit guesses from classes, and this federation predicts a number')
  })

  it('are not split by class', async () => {
    await expect(simulate({ document: documentOf(), dataset, backend, peers: 3, rounds: 1, seed: 'x', alpha: 0.3 })).rejects.toThrow('Dirichlet split is by class')
  })
})

describe('a document with a number to predict', () => {
  it.each<[what: string, model: Partial<FederationInit['model']>, message: RegExp]>([
    ['without a target', { target: undefined }, /^model\.labels: must have at least 2 entries$/],
    ['with classes, too', { labels: ['a', 'b'] }, /^model\.labels: must be empty beside model\.target$/],
    ['with a loss of classes', { loss: 'binaryCrossentropy' }, /^model\.loss: "binaryCrossentropy" is for classes, .* meanSquaredError/],
    ['with class weights', { classWeights: [1, 2] }, /^model\.classWeights: there are no classes/],
    ['with a range that is none', { target: { ...TARGET, min: 3, max: 3 } }, /^model\.target: min must be below max$/],
    ['with no deviation', { target: { ...TARGET, stdDev: 0 } }, /^model\.target\.stdDev: /],
    ['of pictures', { input: { kind: 'image', shape: [2, 2, 1] } }, /^model\.target: only a table/]
  ])('is refused %s', (_, model, message) => {
    expect(() => documentOf({}, model)).toThrow(message)
  })

  it('is of format 2, and so is one with class weights', () => {
    expect(() => documentOf({ format: 1 })).toThrow('format: must be 2 with the field "model.target"')
    const classes = { labels: ['no', 'yes'], target: undefined, loss: 'categoricalCrossentropy' as const }
    expect(documentOf({}, { ...classes, classWeights: [1, 9] }).model.classWeights).toEqual([1, 9])
    expect(() => documentOf({ format: 1 }, { ...classes, classWeights: [1, 9] })).toThrow('format: must be 2 with the field "model.classWeights"')
    expect(() => documentOf({}, { ...classes, classWeights: [1, 9, 2] })).toThrow(/one weight for each of the 2 labels, not 3/)
    expect(() => documentOf({}, { ...classes, loss: 'huber', classWeights: [1, 9] })).toThrow(/model\.loss: "huber" is for a number, and model\.target is missing/)
  })

  it.each([
    [denseTopology({ inputShape: [INPUTS], hidden: [], classes: 2, activation: 'linear' }), /2 outputs, but model\.target is one number/],
    [denseTopology({ inputShape: [INPUTS], hidden: [], classes: 1 }), /must have the activation "linear", because model\.loss is "meanSquaredError"/]
  ])('takes a model with one linear output alone', (topology, message) => {
    expect(() => planModel(documentOf({}, { topology }).model)).toThrow(message)
    expect(() => planModel(documentOf({}, { topology }).model)).toThrow(InvalidFederationError)
  })
})

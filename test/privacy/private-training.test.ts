/**
 * What a private round releases: the sampled, clipped, noisy sum over the expected batch, and nothing else
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { gridStep } from '../../src/privacy/noisy-sum.ts'
import { sensitivityFactor } from '../../src/privacy/sum-rounding.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { presetDocument } from '../../src/presets.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'
import type { NoiseSource } from '../../src/privacy/noise/noise-source.ts'

const EXAMPLES = 40
const LEARNING_RATE = 0.5
const dataset = await loadDataset({ kind: 'digits', seed: 3, trainExamples: EXAMPLES, testExamples: 5 }, presetDocument('digits').model)
const backend = await loadBackend('cpu')

function documentWith (privacy: FederationInit['privacy'], training: Partial<FederationInit['training']> = {}): FederationDocument {
  const { training: usual, ...rest } = presetDocument('digits')
  const optimizer = { name: 'sgd' as const, learningRate: LEARNING_RATE, momentum: 0 }
  return parseFederation({ ...rest, training: { batchSize: 10, steps: 1, optimizer, ...training }, privacy })
}

const DP = { mechanism: 'dp-sgd' as const, clipNorm: 0.5, noiseMultiplier: 2, epsilonLimit: 8, delta: 1e-5 }

/** Takes these examples, adds this to the first element, and notes what it was asked for */
class ScriptedNoise implements NoiseSource {
  readonly sampled: Array<{ count: number, probability: number }> = []
  readonly sums: Float64Array[] = []
  readonly deviations: number[] = []
  private readonly batches: number[][]
  private readonly added: number

  constructor (batches: number[][], added = 0) {
    this.batches = batches
    this.added = added
  }

  sample = (count: number, probability: number): Uint32Array => {
    this.sampled.push({ count, probability })
    return Uint32Array.from(this.batches[this.sampled.length - 1] ?? [])
  }

  addGaussian = (sums: Float64Array, deviation: number): void => {
    this.sums.push(sums.slice())
    this.deviations.push(deviation)
    sums[0]! += this.added
  }
}

function trainingOf (document: FederationDocument, noise: NoiseSource): LocalTraining {
  return new LocalTraining({ document, dataset, backend, seed: 1, noise })
}

/** Gradient of one example's loss, by plain training on it alone with learning rate 1 */
function gradientOf (index: number, start: Float32Array): Float32Array {
  const { train } = dataset
  const only = { ...train, count: 1, labels: train.labels.slice(index, index + 1), writeInputs: (_: number, target: Float32Array, at: number) => { train.writeInputs(index, target, at) } }
  const document = documentWith({ mechanism: 'none' }, { batchSize: 1, optimizer: { name: 'sgd', learningRate: 1, momentum: 0 } })
  const { parameters } = new LocalTraining({ document, dataset: { train: only, test: dataset.test }, backend, seed: 1 }).train(start)
  return parameters.map((value, i) => start[i]! - value)
}

function normOf (vector: ArrayLike<number>): number {
  return Math.sqrt(Array.from(vector).reduce((sum, value) => sum + value * value, 0))
}

const start = initialParameters(presetDocument('digits').model)

describe('a step of DP-SGD', () => {
  it('moves by the sum of clipped gradients and the noise, over the batch that is expected', () => {
    const batch = [3, 17, 17 + 4]
    const noise = new ScriptedNoise([batch], 7)
    const { parameters, examples, steps } = trainingOf(documentWith(DP), noise).train(start)
    expect(noise.sampled).toEqual([{ count: EXAMPLES, probability: 10 / EXAMPLES }])
    const expected = new Float64Array(start.length)
    for (const index of batch) {
      const gradient = gradientOf(index, start)
      const factor = Math.min(1, DP.clipNorm / normOf(gradient))
      gradient.forEach((value, i) => { expected[i]! += factor * value })
    }
    expect(normOf(expected)).toBeGreaterThan(DP.clipNorm)
    const sum = noise.sums[0]!
    expect(normOf(sum.map((value, i) => value - expected[i]!))).toBeLessThan(1e-4)
    expected[0]! += 7
    const moved = parameters.map((value, i) => (start[i]! - value) * 10 / LEARNING_RATE)
    expect(normOf(moved.map((value, i) => value - expected[i]!))).toBeLessThan(1e-3)
    expect({ examples, steps }).toEqual({ examples: 3, steps: 1 })
  })

  it('takes noise of noiseMultiplier x clipNorm, the slack of the arithmetic included, and no more than a thousandth above', () => {
    const noise = new ScriptedNoise([[1, 2]])
    trainingOf(documentWith(DP), noise).train(start)
    const exact = DP.noiseMultiplier * DP.clipNorm
    const factor = sensitivityFactor({ examples: EXAMPLES, parameterCount: start.length }, { positions: 1, spread: 1, floatBlocks: true })
    expect(factor).toBeGreaterThan(1)
    expect(noise.deviations[0]).toBe(DP.noiseMultiplier * (DP.clipNorm * factor + gridStep(exact) * Math.sqrt(start.length)))
    expect(noise.deviations[0]).toBeLessThan(exact * 1.001)
  })

  it('adds noise to a sample that is empty', () => {
    const noise = new ScriptedNoise([[], []], 4)
    const { parameters, examples, steps } = trainingOf(documentWith(DP, { steps: 2 }), noise).train(start)
    expect({ examples, steps, asked: noise.sampled.length }).toEqual({ examples: 0, steps: 2, asked: 2 })
    expect(noise.sums.every((sum) => sum.every((value) => value === 0))).toBe(true)
    expect(parameters[0]).toBeCloseTo(start[0]! - 2 * LEARNING_RATE * 4 / 10, 4)
    expect(parameters.slice(1)).toEqual(start.slice(1))
  })

  it('releases points of a grid: a sum that differs by less than half a step leaves no trace', () => {
    const noise = new ScriptedNoise([[5]], 0.123456789)
    trainingOf(documentWith(DP), noise).train(start)
    const step = gridStep(DP.noiseMultiplier * DP.clipNorm)
    expect(noise.sums[0]!.every((value) => Number.isInteger(value / step))).toBe(true)
    expect(noise.sums[0]!.some((value) => value !== 0)).toBe(true)
  })

  it('clips more examples than one batch holds', () => {
    const everyone = Array.from({ length: EXAMPLES }, (_, i) => i)
    const noise = new ScriptedNoise([everyone])
    const parts = vi.spyOn(LayerGraph.prototype, 'addClippedGradients')
    trainingOf(documentWith(DP), noise).train(start)
    expect(parts.mock.calls.length).toBeGreaterThan(1)
    // what each may round depends on all of them
    expect(parts.mock.calls.every(([,,, { sampleSize }]) => sampleSize === EXAMPLES)).toBe(true)
    parts.mockRestore()
    const whole = new ScriptedNoise([everyone])
    trainingOf(documentWith(DP, { batchSize: EXAMPLES }), whole).train(start)
    expect(normOf(noise.sums[0]!.map((value, i) => value - whole.sums[0]![i]!))).toBeLessThan(1e-5)
  })

  it('follows a quantile of the norms when it is told to, and pays for the count', () => {
    const adaptive = { ...DP, adaptiveClipping: { quantile: 0.5, learningRate: 1, countDeviation: 3 } }
    const noise = new ScriptedNoise([[1, 2, 3, 4], [1, 2, 3, 4]])
    trainingOf(documentWith(adaptive, { steps: 2 }), noise).train(start)
    const gradientMultiplier = (DP.noiseMultiplier ** -2 - 6 ** -2) ** -0.5
    expect(noise.deviations).toHaveLength(4)
    expect(noise.deviations[0]! / (DP.clipNorm * gradientMultiplier)).toBeGreaterThan(1)
    expect(noise.deviations[0]! / (DP.clipNorm * gradientMultiplier)).toBeLessThan(1.001)
    expect(noise.deviations[1]).toBeCloseTo(3, 3)
    // four of four are clipped: -2 of 10 expected ones
    expect(noise.sums[1]![0]).toBe(-2)
    expect(noise.deviations[2]! / noise.deviations[0]!).toBeCloseTo(Math.exp(-(0.5 - 2 / 10 - 0.5)), 2)
  })
})

describe('an update-level round', () => {
  const settings = { ...DP, mechanism: 'update-level' as const, clipNorm: 0.01 }

  it('releases the clipped change and its noise', () => {
    const noise = new ScriptedNoise([], 1)
    const { parameters } = trainingOf(documentWith(settings, { steps: 3 }), noise).train(start)
    expect(normOf(noise.sums[0]!)).toBeCloseTo(0.01, 5)
    expect(noise.deviations[0]! / (0.01 * DP.noiseMultiplier)).toBeCloseTo(1, 3)
    expect(parameters[0]! - start[0]!).toBeGreaterThan(0.9)
    expect(normOf(parameters.slice(1).map((value, i) => value - start[i + 1]!))).toBeLessThan(0.0101)
  })

  it.each(['sgd', 'adam'] as const)('learns again after a round whose change was not finite: %s', (name) => {
    const optimizer = name === 'adam' ? { name, learningRate: 0.01 } : { name, learningRate: 0.1, momentum: 0.9 }
    const noise = new ScriptedNoise([])
    let spoilt = false
    const train = {
      ...dataset.train,
      writeInputs: (index: number, target: Float32Array, at: number) => {
        dataset.train.writeInputs(index, target, at)
        target[at] = spoilt ? NaN : target[at]!
      }
    }
    const training = new LocalTraining({ document: documentWith(settings, { steps: 2, optimizer }), dataset: { ...dataset, train }, backend, seed: 1, noise })
    spoilt = true
    training.train(start)
    spoilt = false
    training.train(start)
    expect(normOf(noise.sums[0]!)).toBe(0)
    expect(normOf(noise.sums[1]!)).toBeCloseTo(0.01, 5)
  })
})

describe('a federation with privacy', () => {
  it('has no training without a source of noise', () => {
    expect(() => new LocalTraining({ document: documentWith(DP), dataset, backend, seed: 1 })).toThrow(TypeError)
  })

  it('refuses a rule that reads losses on own examples, and a count that spends everything', () => {
    const { aggregation, ...rest } = documentWith(DP)
    expect(() => parseFederation({ ...rest, aggregation: { ...aggregation, rule: 'ubar' } })).toThrow(/ubar.*does not cover/)
    expect(() => documentWith({ ...DP, adaptiveClipping: { quantile: 0.5, learningRate: 0.2, countDeviation: 1 } })).toThrow(/countDeviation must be more than half/)
  })

  it('refuses dropout, whose masks would tie the gradients of a batch to each other', () => {
    const { privacy, model, ...rest } = documentWith(DP)
    const config = (layers: object[]): object => ({ class_name: 'Sequential', config: { name: 'm', layers } })
    const withDropout = (rate: number, mechanism: object): FederationDocument => parseFederation({
      ...rest,
      privacy: mechanism,
      model: {
        ...model,
        topology: config([
          { class_name: 'Flatten', config: { name: 'flatten', batch_input_shape: [null, 28, 28, 1] } },
          { class_name: 'Dropout', config: { name: 'drop', rate } },
          { class_name: 'Dense', config: { name: 'out', units: model.labels.length, activation: 'softmax' } }
        ])
      }
    })
    const trainer = (document: FederationDocument): LocalTraining => new LocalTraining({ document, dataset, backend, seed: 1, noise: new ScriptedNoise([]) })
    expect(() => trainer(withDropout(0.5, privacy))).toThrow(/layer "drop": Dropout is not covered/)
    expect(() => trainer(withDropout(0, privacy))).not.toThrow()
    expect(() => trainer(withDropout(0.5, { mechanism: 'none' }))).not.toThrow()
  })

  it('makes its noise in one place, from the operating system: nothing passes a source or a seed into the training thread', async () => {
    const files = (await readdir('src', { recursive: true })).filter((name) => name.endsWith('.ts'))
    const texts = await Promise.all(files.map(async (name) => ({ name, text: await readFile(join('src', name), 'utf8') })))
    const making = texts.filter(({ text }) => /createSecureNoise \(|createSecureNoise\(|createKeystreamNoise\(/.test(text)).map(({ name }) => name).sort()
    // the audit and the simulation train on their own and release nothing
    expect(making.filter((name) => !/^(?:audit|simulation)\//.test(name))).toEqual(['model/worker.ts', 'privacy/noise/secure-noise.ts'])
    const seeded = texts.filter(({ text }) => /seededNoise|seededKeystream/.test(text)).map(({ name }) => name)
    // no ledger is charged there, and nobody else takes anything from it but the audit: the rounds of one peer, whose
    // noise is from the operating system
    const taken = texts.filter(({ name }) => !name.startsWith('simulation/')).flatMap(({ name, text }) => [...text.matchAll(/from '[^']*simulation\/([^']*)'/g)].map(([, file]) => [name, file]))
    expect(taken).toEqual([['audit/audited-rounds.ts', 'lonely-rounds.ts']])
    const loadedBy = (file: string, seen = new Set<string>()): Set<string> => {
      const { text } = texts.find(({ name }) => name === `simulation/${file}`)!
      seen.add(file)
      for (const [, next] of text.matchAll(/^import (?!type)[^\n]* from '\.\/([^']*)'/gm)) {
        seen.has(next!) || loadedBy(next!, seen)
      }
      return seen
    }
    expect(loadedBy('lonely-rounds.ts')).toContain('virtual-clock.ts')
    expect([...loadedBy('lonely-rounds.ts')].filter((file) => seeded.includes(`simulation/${file}`))).toEqual([])
    expect(seeded.filter((name) => !name.startsWith('simulation/'))).toEqual([])
    const simulation = texts.filter(({ name }) => name.startsWith('simulation/'))
    expect(simulation.length).toBeGreaterThan(5)
    expect(simulation.filter(({ text }) => /from '[^']*ledger/.test(text)).map(({ name }) => name)).toEqual([])
    const predictable = texts.filter(({ text }) => /seededNormal|Math\.random/.test(text)).map(({ name }) => name)
    expect(predictable.filter((name) => /^(model|privacy|ledger|round)\//.test(name))).toEqual([])
    // as it is, no part of it changed
    expect(await readFile('src/model/worker.ts', 'utf8')).toMatch(/const noise = [^\n]* \? undefined : createSecureNoise\(\)\n/)
    expect(await readFile('src/model/worker-messages.ts', 'utf8')).not.toMatch(/noise/i)
  })
})

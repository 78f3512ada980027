import { describe, expect, it } from 'vitest'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { learningRateOf } from '../../src/federation/learning-rate.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { createOptimizer } from '../../src/model/optimizer.ts'
import { blobDataset, federation, largestDifference, sequential, entry } from './models.ts'
import type { FederationDocument, FederationInit, OptimizerSettings } from '../../src/federation/document.ts'

const SGD = { name: 'sgd' as const, learningRate: 0.5, momentum: 0 }
const ADAM = { name: 'adam' as const, learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
const backend = await loadBackend('cpu')

function documentWith (optimizer: FederationInit['training']['optimizer'], privacy: FederationInit['privacy'] = { mechanism: 'none' }): FederationDocument {
  const document = federation({
    shape: [2, 1, 1],
    classes: 3,
    topology: sequential([2, 1, 1], [entry('Flatten', 'flatten'), entry('Dense', 'output', { units: 3, activation: 'softmax' })]),
    training: { steps: 1, batchSize: 120, optimizer }
  })
  return parseFederation({ ...document, privacy })
}

function train (document: FederationDocument, round: number): Float32Array {
  return new LocalTraining({ document, dataset: blobDataset(), backend, seed: 1 }).train(initialParameters(document.model), { round }).parameters
}

describe('the learning rate', () => {
  it('stays without decayRounds, and else falls by the same step each round, to zero and no further', () => {
    expect([1, 2, 1000].map((round) => learningRateOf({ learningRate: 0.4 }, round))).toEqual([0.4, 0.4, 0.4])
    expect([0, 1, 2, 3, 4, 5, 6].map((round) => learningRateOf({ learningRate: 0.4, decayRounds: 4 }, round))).toEqual([0.4, 0.4, 0.4 * 0.75, 0.2, 0.1, 0, 0])
  })

  it.each<OptimizerSettings>([{ ...SGD, momentum: 0.9 }, ADAM])('of a step is what it is told, in place of the one in the settings: $name', (settings) => {
    const [told, set] = [createOptimizer(settings, 3), createOptimizer({ ...settings, learningRate: 0.125 }, 3)]
    for (let step = 0; step < 3; step++) {
      told.gradients.set([1, -2, 3])
      set.gradients.set([1, -2, 3])
      told.step(0.125)
      set.step()
    }
    expect(told.parameters).toEqual(set.parameters)
    expect(told.parameters[0]).not.toBe(0)
  })

  it.each([SGD, ADAM])('of training follows the round: $name', (optimizer) => {
    const start = initialParameters(documentWith(optimizer).model)
    const decaying = documentWith({ ...optimizer, decayRounds: 4 })
    expect(train(decaying, 1)).toEqual(train(documentWith(optimizer), 1))
    expect(largestDifference(train(decaying, 3), train(documentWith({ ...optimizer, learningRate: 0.25 }), 3))).toBeLessThan(1e-7)
    expect(train(decaying, 3)).not.toEqual(start)
    expect(train(decaying, 5)).toEqual(start)
  })

  it.each(['dp-sgd', 'update-level'] as const)('spends no example and no noise where it is zero: %s', (mechanism) => {
    const privacy = { mechanism, clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 }
    const document = documentWith({ ...SGD, decayRounds: 4 }, privacy)
    let asked = 0
    const noise = { sample: () => { asked++; return Uint32Array.of(1) }, addGaussian: () => { asked++ } }
    const training = new LocalTraining({ document, dataset: blobDataset(), backend, seed: 1, noise })
    const start = initialParameters(document.model)
    const { parameters, steps, examples } = training.train(start, { round: 5 })
    expect({ steps, examples, asked }).toEqual({ steps: 0, examples: 0, asked: 0 })
    expect(parameters).toEqual(start)
    expect(parameters).not.toBe(start)
    training.train(start, { round: 4 })
    expect(asked).toBeGreaterThan(0)
  })

  it('is in the document: a whole number of rounds, for either optimiser', () => {
    expect(documentWith({ ...ADAM, decayRounds: 7 }).training.optimizer.decayRounds).toBe(7)
    expect(documentWith(SGD).training.optimizer).not.toHaveProperty('decayRounds')
    expect(() => documentWith({ ...SGD, decayRounds: 1.5 })).toThrow(/training\.optimizer\.decayRounds/)
    expect(() => documentWith({ ...SGD, decayRounds: 0 })).toThrow(/training\.optimizer\.decayRounds: must be at least 1/)
  })
})

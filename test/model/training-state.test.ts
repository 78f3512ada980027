/**
 * What training goes on from after a restart: the same steps as if there had been none
 */
import { describe, expect, it } from 'vitest'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { decodeTrainingState, encodeTrainingState } from '../../src/model/training-state.ts'
import { seededNoise } from '../privacy/noise/seeded-noise.ts'
import { blobDataset, entry, federation, sequential } from './models.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'

const SGD = { name: 'sgd' as const, learningRate: 0.1, momentum: 0 }
const MOMENTUM = { ...SGD, momentum: 0.9 }
const ADAM = { name: 'adam' as const, learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
const backend = await loadBackend('cpu')

function documentOf (training: Partial<FederationInit['training']>, privacy: FederationInit['privacy'] = { mechanism: 'none' }): FederationDocument {
  const document = federation({
    shape: [2, 1, 1],
    classes: 3,
    topology: sequential([2, 1, 1], [entry('Flatten', 'flatten'), entry('Dense', 'output', { units: 3, activation: 'softmax' })]),
    training: { steps: 5, batchSize: 50, optimizer: SGD, ...training }
  })
  return parseFederation({ ...document, privacy })
}

function trainingOf (document: FederationDocument): LocalTraining {
  const noise = document.privacy.mechanism === 'none' ? undefined : seededNoise('state')
  return new LocalTraining({ document, dataset: blobDataset(), backend, seed: 1, noise })
}

/** Three rounds, after the first of which the process is another one */
function interrupted (document: FederationDocument, between: (training: LocalTraining) => void = () => {}): { whole: Float32Array, resumed: Float32Array } {
  const whole = trainingOf(document)
  const first = whole.train(initialParameters(document.model), { round: 1 }).parameters
  const state = whole.state()
  const resumed = trainingOf(document)
  expect(state === undefined || resumed.restore(state)).toBe(true)
  between(resumed)
  const finish = (training: LocalTraining): Float32Array => training.train(training.train(first, { round: 2 }).parameters, { round: 3 }).parameters
  return { whole: finish(whole), resumed: finish(resumed) }
}

describe('the state of training', () => {
  it.each([
    ['momentum, a few steps a round', { optimizer: MOMENTUM }],
    ['Adam, a few steps a round', { optimizer: ADAM }],
    ['plain steps, a few a round: the place in the data', { optimizer: SGD }],
    ['Adam, whole passes', { optimizer: ADAM, steps: undefined, epochs: 2 }],
    ['plain steps, whole passes: nothing to keep', { optimizer: SGD, steps: undefined, epochs: 2 }]
  ])('takes the same steps after a restart: %s', (_, training) => {
    const { whole, resumed } = interrupted(documentOf(training))
    expect(resumed).toEqual(whole)
  })

  it('is not lost when the backend is run in after it', () => {
    const document = documentOf({ optimizer: ADAM })
    const { whole, resumed } = interrupted(document, (training) => { training.warmUp(initialParameters(document.model)) })
    expect(resumed).toEqual(whole)
  })

  it('matters: without it the steps are others', () => {
    const document = documentOf({ optimizer: MOMENTUM })
    const first = trainingOf(document)
    const { parameters } = first.train(initialParameters(document.model), { round: 1 })
    expect(trainingOf(document).train(parameters, { round: 2 }).parameters).not.toEqual(first.train(parameters, { round: 2 }).parameters)
  })

  it('is none where gradients are known that no noise hides', () => {
    const document = documentOf({ optimizer: MOMENTUM, steps: undefined, epochs: 1 }, { mechanism: 'update-level', clipNorm: 1, noiseMultiplier: 1, delta: 1e-5, epsilonLimit: 100 })
    const training = trainingOf(document)
    training.train(initialParameters(document.model), { round: 1 })
    expect(training.state()).toBeUndefined()
  })

  it('is the place in the data alone there, and fits', () => {
    const document = documentOf({ optimizer: MOMENTUM }, { mechanism: 'update-level', clipNorm: 1, noiseMultiplier: 1, delta: 1e-5, epsilonLimit: 100 })
    const training = trainingOf(document)
    training.train(initialParameters(document.model), { round: 1 })
    expect(decodeTrainingState(training.state()!)).toMatchObject({ place: 250, optimizer: { moments: new Float32Array(0) } })
    const next = trainingOf(document)
    expect(next.restore(training.state()!)).toBe(true)
    expect(next.state()).toEqual(training.state())
  })

  it.each([
    ['of another optimiser', documentOf({ optimizer: MOMENTUM })],
    ['of one without moments', documentOf({ optimizer: SGD })]
  ])('is not taken from a training %s', (_, other) => {
    const theirs = trainingOf(other)
    theirs.train(initialParameters(other.model), { round: 1 })
    const own = trainingOf(documentOf({ optimizer: ADAM }))
    const before = own.state()
    expect(own.restore(theirs.state()!)).toBe(false)
    expect(own.state()).toEqual(before)
  })

  it('is not taken when it is not finite', () => {
    const document = documentOf({ optimizer: MOMENTUM })
    const state = decodeTrainingState(trainingOf(document).state()!)!
    state.optimizer.moments[3] = NaN
    expect(trainingOf(document).restore(encodeTrainingState(state))).toBe(false)
  })

  it('is nothing but what it was made of', () => {
    const state = { place: 77, optimizer: { powers: Float64Array.of(0.5, 0.25), moments: Float32Array.of(1, -2, 3) } }
    const bytes = encodeTrainingState(state)
    expect(decodeTrainingState(bytes)).toEqual(state)
    for (let length = 0; length < bytes.byteLength; length++) {
      const cut = decodeTrainingState(bytes.subarray(0, length))
      expect(cut === undefined || cut.optimizer.moments.length < 3).toBe(true)
    }
    const changed = (at: number, value: number): Uint8Array => bytes.map((byte, index) => index === at ? value : byte)
    expect(decodeTrainingState(changed(0, 2))).toBeUndefined()
    expect(decodeTrainingState(changed(4, 200))).toBeUndefined()
    expect(decodeTrainingState(changed(15, 0xff))).toBeUndefined()
  })
})

/**
 * The audit of training as it is, and of training that is broken on purpose: every fault must be found out by something
 *
 * What is audited is the code that trains in a node, DP-SGD on one step for each round, and what it is judged by is the
 * accountant of the ledger. Faults enter by the noise source and the clip norm.
 * The audit sees the models as a neighbour does and knows nothing of the mechanism. It finds what leaks a lot: no
 * noise, no clipping, noise in the wrong unit, noise that rounding takes away. It is blind to what leaks a little, or
 * what would need an attack of its own: noise that is a third too weak, noise that repeats itself, shuffled batches.
 * Direct tests of the parts find those, and the last tests here show that the audit does not. What no statistic of the
 * models shows at all, such as the low bits of the noise, is tested where the noise is made: test/privacy/noise.
 *
 * All seeds are fixed: a failure is a fault and not the 1 in 20 that an audit at 95 % may be wrong.
 */
import { describe, expect, it } from 'vitest'
import { consecutiveSteps, gradientProducts, lossDropScores, updateScores } from '../../src/audit/canary-scores.ts'
import { confidenceScores, fitOutDistributions, likelihoodRatioScores } from '../../src/audit/membership-scores.ts'
import { membershipReport } from '../../src/audit/membership.ts'
import { auditOneRun } from '../../src/audit/one-run.ts'
import { truePositiveRateCap } from '../../src/audit/privacy-region.ts'
import { auditVerdict } from '../../src/audit/verdict.ts'
import { pldAccountant } from '../../src/privacy/accounting/pld.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { seededRandom, shuffle } from '../../src/seeded-random.ts'
import { seededNoise } from '../privacy/noise/seeded-noise.ts'
import { CLASSES, clippedGradient, digits, evaluate, softmaxProducts, train, trainAudited } from './audited-training.ts'
import type { Examples } from '../../src/data/examples.ts'
import type { OneRunAudit } from '../../src/audit/one-run.ts'
import type { AuditVerdict } from '../../src/audit/verdict.ts'
import type { NoiseSource } from '../../src/privacy/noise/noise-source.ts'
import type { AuditedTraining, Fault, Settings, Training } from './audited-training.ts'

const DELTA = 1e-5

/** So small a clip norm that the variance of the noise is far from its deviation, 0.16 */
const PRIVACY = { clipNorm: 0.02, noiseMultiplier: 8 }
const DEVIATION = PRIVACY.noiseMultiplier * PRIVACY.clipNorm

/** Of some 400 examples in all */
const BATCH_SIZE = 200
const ROUNDS = 30
const SETTINGS: Settings = { batchSize: BATCH_SIZE, privacy: PRIVACY, rounds: ROUNDS }

/** Few digits beside the canaries: their gradients are in the way of the scores */
const SIZE = { digitCount: 100, canaryCount: 600 }

/** A fifth of the canaries on each side, as fixed before any score was seen */
const PLAN = { guessedIn: 120, guessedOut: 120, delta: DELTA }

function audit ({ steps, canaries, included }: AuditedTraining): OneRunAudit {
  return auditOneRun(updateScores(steps, softmaxProducts(canaries, PRIVACY.clipNorm)), included, PLAN)
}

/** About 1.34, by privacy loss distributions */
function ledgerEpsilon ({ document, exampleCount }: AuditedTraining): number {
  const charge = roundCharge(document, exampleCount)!
  return pldAccountant().compose({ ...charge, steps: ROUNDS * charge.steps }).epsilon(DELTA)
}

const run = (seed: string, fault: Fault = {}): AuditedTraining => trainAudited(SETTINGS, SIZE, { ...fault, seed })

const verdictOn = (training: AuditedTraining): AuditVerdict =>
  auditVerdict({ lowerBound: audit(training).lowerBound, ledgerEpsilon: ledgerEpsilon(training), delta: DELTA })

const honest = run('a')

/** The honest source but for its noise */
function withNoise (addGaussian: (sums: Float64Array, deviation: number, source: NoiseSource) => void): Fault {
  return { noise: (source) => ({ sample: source.sample, addGaussian: (sums, deviation) => { addGaussian(sums, deviation, source) } }) }
}

const withDeviation = (of: (deviation: number) => number): Fault => withNoise((sums, deviation, source) => { source.addGaussian(sums, of(deviation)) })

const WITHOUT_NOISE = withNoise(() => {})

/** Far above any gradient of a canary, which are below 30 */
const WITHOUT_CLIPPING: Fault = { clipNorm: 1000 }

function rounded (values: ArrayLike<number>, grid: number): Float64Array {
  return Float64Array.from(values, (value) => grid * Math.round(value / grid))
}

describe('the score by the audited model', () => {
  it('is the product with the clipped gradients that the mechanism sums', () => {
    const { models, canaries } = trainAudited({ ...SETTINGS, batchSize: 10, rounds: 2 }, { digitCount: 20, canaryCount: 12 }, { seed: 'gradients' })
    const [first, second] = [models[1]!, models[2]!]
    const direction = Float64Array.from(first, (parameter, at) => parameter - second[at]!)
    // the longest clip norm leaves gradients as they are
    for (const clipNorm of [PRIVACY.clipNorm, 1e6]) {
      const expected = gradientProducts(12, (canary, parameters, out) => { out.set(clippedGradient(canaries, canary, { parameters, clipNorm })) })(first, direction)
      const products = softmaxProducts(canaries, clipNorm)(first, direction)
      for (let canary = 0; canary < 12; canary++) {
        expect(Math.abs(products[canary]! / expected[canary]! - 1)).toBeLessThan(1e-3)
      }
    }
  })
})

describe('an audit of the honest mechanism', () => {
  it.each(['a', 'b', 'c'])('stays below the ledger, yet above nothing (seed %s)', (seed) => {
    const training = seed === 'a' ? honest : run(seed)
    expect(verdictOn(training)).toEqual({ status: 'ok' })
    // the canaries are strong: an audit that cannot see the leak there is could not see a larger one
    expect(audit(training).lowerBound).toBeGreaterThan(0.1)
  })

  it('stays below the ledger when the models are rounded to 8 bits on their way out: after the noise, that is post-processing', () => {
    const published = honest.models.map((parameters) => {
      const largest = parameters.reduce((most, parameter) => Math.max(most, Math.abs(parameter)), 0)
      return Float32Array.from(rounded(parameters, largest / 127))
    })
    expect(verdictOn({ ...honest, steps: consecutiveSteps(published) })).toEqual({ status: 'ok' })
  })

  it('keeps the membership of canaries below the cap at every threshold that its sample resolves', () => {
    const training = honest
    const scores = updateScores(training.steps, softmaxProducts(training.canaries, PRIVACY.clipNorm))
    const { points, auc } = membershipReport(split(scores, training.included))
    expect(auc).toBeGreaterThan(0.55)
    const epsilon = ledgerEpsilon(training)
    for (const { truePositiveRate, falsePositiveRate } of points) {
      // 4 standard errors of rates over some 300 canaries each
      expect(truePositiveRate).toBeLessThan(truePositiveRateCap(falsePositiveRate, { epsilon, delta: DELTA }) + 4 * Math.sqrt(0.25 / 300))
    }
  })
})

describe('an audit by the neighbours finds', () => {
  it.each<[name: string, fault: Fault]>([
    ['noise that is switched off', WITHOUT_NOISE],
    ['clipping that is switched off', WITHOUT_CLIPPING],
    ['the variance taken for the deviation', withDeviation((deviation) => deviation ** 2)],
    ['noise divided by the batch twice', withDeviation((deviation) => deviation / BATCH_SIZE)],
    ['noise of the mean that is rounded to 7 bits before it is added, and so lost', withNoise((sums, deviation, source) => {
      const ofMean = new Float64Array(sums.length)
      source.addGaussian(ofMean, deviation / BATCH_SIZE)
      rounded(ofMean, 2 ** -7).forEach((value, at) => { sums[at]! += BATCH_SIZE * value })
    })]
  ])('%s', (_, fault) => {
    const verdict = verdictOn(run('a', fault))
    expect(verdict.status).toBe('violation')
    expect(verdict).toHaveProperty('error.message', expect.stringContaining('this is a bug'))
  })

  it('missing noise without gradients, from losses alone', () => {
    const training = run('a', WITHOUT_NOISE)
    const scores = lossDropScores(training.steps, (parameters) => evaluate(training.canaries, parameters).losses)
    expect(auditOneRun(scores, training.included, PLAN).lowerBound).toBeGreaterThan(ledgerEpsilon(training))
  })

  it('nothing by scores that look at no model', () => {
    const { included } = honest
    const random = seededRandom('blind')
    expect(auditOneRun(Float64Array.from(included, random), included, PLAN).lowerBound).toBe(0)
  })
})

/** What direct tests of the mechanism's parts find wrong */
function faults ({ noises }: Training): string[] {
  const count = noises.length * noises[0]!.length
  const squares = noises.reduce((sum, noise) => noise.reduce((total, value) => total + value * value, sum), 0) / count
  const products = noises.slice(1).reduce((sum, noise, step) => noise.reduce((total, value, at) => total + value * noises[step]![at]!, sum), 0) / count
  return [
    Math.abs(squares / DEVIATION ** 2 - 1) > 4 * Math.sqrt(2 / count) ? 'deviation' : '',
    Math.abs(products / DEVIATION ** 2) > 4 / Math.sqrt(count) ? 'repetition' : ''
  ].filter((fault) => fault !== '')
}

/**
 * Standard errors by which the variance of the sizes of 2000 batches of 40 of 400 differs from that of Poisson sampling
 */
function batchSizeDeviation (sample: NoiseSource['sample']): number {
  const [count, probability, batches] = [400, 0.1, 2000]
  let squares = 0
  for (let batch = 0; batch < batches; batch++) {
    squares += (sample(count, probability).length - count * probability) ** 2
  }
  return Math.abs(squares / batches / (count * probability * (1 - probability)) - 1) / Math.sqrt(2 / batches)
}

/** One pass after the other over the examples in random order, in batches of fixed size */
function shuffled (seed: string): NoiseSource['sample'] {
  const random = seededRandom(seed)
  let order = new Uint32Array()
  return (count, probability) => {
    const size = Math.round(count * probability)
    if (order.length < size) {
      order = shuffle(Uint32Array.from({ length: count }, (_, index) => index), random)
    }
    const batch = order.slice(0, size)
    order = order.slice(size)
    return batch
  }
}

describe('direct tests of the parts', () => {
  it('find nothing wrong with the honest mechanism', () => {
    expect(faults(honest)).toEqual([])
  })

  it('find noise that is a third too weak, which the audit does not', () => {
    const training = run('a', withDeviation((deviation) => deviation * 2 / 3))
    expect(verdictOn(training)).toEqual({ status: 'ok' })
    expect(faults(training)).toEqual(['deviation'])
  })

  it('find noise that is 1 % too weak', () => {
    expect(faults(run('a', withDeviation((deviation) => 0.99 * deviation)))).toEqual(['deviation'])
  })

  it('find noise that is the same in every step, which the audit does not: its score takes the noise for fresh', () => {
    const training = run('a', withNoise((sums, deviation) => { seededNoise('again').addGaussian(sums, deviation) }))
    expect(verdictOn(training)).toEqual({ status: 'ok' })
    expect(faults(training)).toContain('repetition')
  })

  it('find batches that are shuffled and not sampled, which the audit does not', () => {
    const training = run('a', { noise: (source) => ({ ...source, sample: shuffled('batches') }) })
    expect(verdictOn(training)).toEqual({ status: 'ok' })
    expect(batchSizeDeviation(seededNoise('sizes').sample)).toBeLessThan(4)
    expect(batchSizeDeviation(shuffled('sizes'))).toBeGreaterThan(20)
  })
})

function split (scores: Float64Array, included: Uint8Array): { members: number[], nonMembers: number[] } {
  const of = (coin: number): number[] => Array.from(scores).filter((_, canary) => included[canary] === coin)
  return { members: of(1), nonMembers: of(0) }
}

describe('membership of real examples', () => {
  const dataset = digits(300, 900)
  const { train: members, test: others } = dataset

  /** Of the members, and of those others that the fit has not seen */
  function auc ({ models }: Training): number {
    const phi = (examples: Examples): Float64Array => {
      const { logits } = evaluate(examples, models.at(-1)!)
      return confidenceScores('categoricalCrossentropy', { logits, labels: examples.labels, count: examples.count, outputs: CLASSES })
    }
    const [own, all] = [phi(members), phi(others)]
    const half = others.count / 2
    const out = fitOutDistributions({ scores: all.slice(0, half), labels: others.labels.slice(0, half) }, CLASSES)
    return membershipReport({
      members: likelihoodRatioScores({ scores: own, labels: members.labels }, out),
      nonMembers: likelihoodRatioScores({ scores: all.slice(half), labels: others.labels.slice(half) }, out)
    }).auc
  }

  it('shows in a model that learnt them by heart, and hardly in one that was trained with noise', () => {
    const settings: Settings = { batchSize: 300, rounds: 60 }
    expect(auc(train(settings, dataset, { seed: 'heart' }))).toBeGreaterThan(0.7)
    expect(auc(train({ ...settings, privacy: { clipNorm: 1, noiseMultiplier: 40 } }, dataset, { seed: 'heart' }))).toBeLessThan(0.6)
  })
})

/**
 * The audit of DP-SGD as it is, and of DP-SGD that is broken on purpose: every fault must be found out by something
 *
 * The audit sees the models as a neighbour does and knows nothing of the mechanism. It finds what leaks a lot: no noise, no
 * clipping, noise in the wrong unit, noise that rounding takes away. It is blind to what leaks a little, or what would need an
 * attack of its own: noise that is a third too weak, noise that repeats itself, shuffled batches. Direct tests of the parts
 * find those, and the last tests here show that the audit does not. What no statistic of the models shows at all, such as the
 * low bits of the noise, is tested where the noise is made: test/privacy/noise.
 *
 * All seeds are fixed: a failure is a fault and not the 1 in 20 that an audit at 95 % may be wrong.
 */
import { describe, expect, it } from 'vitest'
import { gradientProducts, lossDropScores, updateScores } from '../../../src/privacy/audit/canary-scores.ts'
import { confidenceScores, fitOutDistributions, likelihoodRatioScores } from '../../../src/privacy/audit/membership-scores.ts'
import { membershipReport } from '../../../src/privacy/audit/membership.ts'
import { auditOneRun } from '../../../src/privacy/audit/one-run.ts'
import { truePositiveRateCap } from '../../../src/privacy/audit/privacy-region.ts'
import { auditVerdict } from '../../../src/privacy/audit/verdict.ts'
import { seededRandom, shuffle } from '../../../src/seeded-random.ts'
import { seededNoise } from '../noise/seeded-noise.ts'
import { CLASSES, clippedGradient, digits, evaluate, softmaxProducts, train, trainAudited } from './audited-training.ts'
import type { Examples } from '../../../src/data/examples.ts'
import type { OneRunAudit } from '../../../src/privacy/audit/one-run.ts'
import type { NoiseSource } from '../../../src/privacy/noise/noise-source.ts'
import type { AuditedTraining, Mechanism, MechanismSettings, Training } from './audited-training.ts'

const DELTA = 1e-5

/** So small a clip norm that the variance of the noise is far from its deviation, 0.16 */
const SETTINGS: MechanismSettings = { sampleRate: 0.5, noiseMultiplier: 8, clipNorm: 0.02, steps: 30, learningRate: 0.5 }
const DEVIATION = SETTINGS.noiseMultiplier * SETTINGS.clipNorm

/** Of the settings at DELTA, by privacy loss distributions; by Rényi divergences it is 1.4663 */
const LEDGER_EPSILON = 1.3406

/** Few digits beside the canaries: their gradients are in the way of the scores */
const SIZE = { digitCount: 100, canaryCount: 600 }

/** A fifth of the canaries on each side, as fixed before any score was seen */
const PLAN = { guessedIn: 120, guessedOut: 120, delta: DELTA }

function audit ({ steps, canaries, included }: AuditedTraining): OneRunAudit {
  return auditOneRun(updateScores(steps, softmaxProducts(canaries, SETTINGS.clipNorm)), included, PLAN)
}

const run = (seed: string, mechanism: Mechanism = {}): AuditedTraining => trainAudited(SETTINGS, SIZE, { ...mechanism, seed })

const honest = run('a')

const verdictOn = (training: AuditedTraining): ReturnType<typeof auditVerdict> =>
  auditVerdict({ lowerBound: audit(training).lowerBound, ledgerEpsilon: LEDGER_EPSILON, delta: DELTA })

/** Draws of N(0, deviation²) on their own, before they are added to anything */
function draws (noise: NoiseSource, count: number, deviation: number): Float64Array {
  const values = new Float64Array(count)
  noise.addGaussian(values, deviation)
  return values
}

function roundedTo (grid: number): (value: number) => number {
  return (value) => grid * Math.round(value / grid)
}

describe('the score by the audited model', () => {
  it('is the product with the clipped gradients that the mechanism sums', () => {
    const { models, canaries } = trainAudited({ ...SETTINGS, steps: 2 }, { digitCount: 20, canaryCount: 12 }, { seed: 'gradients' })
    const [first, second] = [models[1]!, models[2]!]
    const direction = Float64Array.from(first, (parameter, at) => parameter - second[at]!)
    // the longest clip norm leaves gradients as they are
    for (const clipNorm of [SETTINGS.clipNorm, 1e6]) {
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

  it('stays below the ledger when the models are rounded to 8 bits after the noise: that is post-processing', () => {
    const training = run('a', {
      publish: (parameters) => {
        const largest = parameters.reduce((most, parameter) => Math.max(most, Math.abs(parameter)), 0)
        return parameters.map(roundedTo(largest / 127))
      }
    })
    expect(verdictOn(training)).toEqual({ status: 'ok' })
  })

  it('keeps the membership of canaries below the cap at every threshold that its sample resolves', () => {
    const training = honest
    const scores = updateScores(training.steps, softmaxProducts(training.canaries, SETTINGS.clipNorm))
    const { points, auc } = membershipReport(split(scores, training.included))
    expect(auc).toBeGreaterThan(0.55)
    for (const { truePositiveRate, falsePositiveRate } of points) {
      // 4 standard errors of rates over some 300 canaries each
      expect(truePositiveRate).toBeLessThan(truePositiveRateCap(falsePositiveRate, { epsilon: LEDGER_EPSILON, delta: DELTA }) + 4 * Math.sqrt(0.25 / 300))
    }
  })
})

describe('an audit by the neighbours finds', () => {
  it.each<[fault: string, mechanism: Mechanism]>([
    ['noise that is switched off', { addNoise: () => {} }],
    ['clipping that is switched off', { clipNorm: Infinity }],
    ['the variance taken for the deviation', { addNoise: (sums, noise) => { noise.addGaussian(sums, DEVIATION ** 2) } }],
    ['noise divided by the batch twice', { addNoise: (sums, noise, batch) => { noise.addGaussian(sums, DEVIATION / batch) } }],
    ['noise of the mean that is rounded to 7 bits before it is added, and so lost', {
      addNoise: (sums, noise, batch) => {
        const ofMean = draws(noise, sums.length, DEVIATION / batch).map(roundedTo(2 ** -7))
        ofMean.forEach((value, at) => { sums[at]! += batch * value })
      }
    }]
  ])('%s', (_, mechanism) => {
    const verdict = verdictOn(run('a', mechanism))
    expect(verdict.status).toBe('violation')
    expect(verdict).toHaveProperty('error.message', expect.stringContaining('this is a bug'))
  })

  it('the same without gradients, from losses alone', () => {
    const { steps, canaries, included } = run('a', { addNoise: () => {} })
    const scores = lossDropScores(steps, (parameters) => evaluate(canaries, parameters).losses)
    expect(auditOneRun(scores, included, PLAN).lowerBound).toBeGreaterThan(LEDGER_EPSILON)
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

/** Standard errors by which the variance of the batch sizes differs from that of Poisson sampling */
function batchSizeDeviation (sample: (step: number) => ArrayLike<number>, { count, sampleRate, steps }: { count: number, sampleRate: number, steps: number }): number {
  const sizes = Array.from({ length: steps }, (_, step) => sample(step).length)
  const variance = sizes.reduce((sum, size) => sum + (size - count * sampleRate) ** 2, 0) / steps
  return Math.abs(variance / (count * sampleRate * (1 - sampleRate)) - 1) / Math.sqrt(2 / steps)
}

/** One pass after the other over the examples in random order, in batches of fixed size */
function shuffled (seed: string, count: number, size: number): () => Uint32Array {
  const random = seededRandom(seed)
  let order = new Uint32Array()
  return () => {
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
    const training = run('a', { addNoise: (sums, noise) => { noise.addGaussian(sums, DEVIATION * 2 / 3) } })
    expect(verdictOn(training)).toEqual({ status: 'ok' })
    expect(faults(training)).toEqual(['deviation'])
  })

  it('find noise that is 1 % too weak', () => {
    expect(faults(run('a', { addNoise: (sums, noise) => { noise.addGaussian(sums, 0.99 * DEVIATION) } }))).toEqual(['deviation'])
  })

  it('find noise that is the same in every step, which the audit does not: its score takes the noise for fresh', () => {
    const training = run('a', { addNoise: (sums) => { seededNoise('again').addGaussian(sums, DEVIATION) } })
    expect(verdictOn(training)).toEqual({ status: 'ok' })
    expect(faults(training)).toContain('repetition')
  })

  it('find batches that are shuffled and not sampled, which the audit does not', () => {
    let batch: (() => Uint32Array) | undefined
    const training = run('a', {
      sample: (count) => {
        batch ??= shuffled('batches', count, Math.round(SETTINGS.sampleRate * count))
        return batch()
      }
    })
    expect(verdictOn(training)).toEqual({ status: 'ok' })
    const expected = { count: 400, sampleRate: 0.1, steps: 2000 }
    const noise = seededNoise('sizes')
    expect(batchSizeDeviation(() => noise.sample(400, 0.1), expected)).toBeLessThan(4)
    expect(batchSizeDeviation(shuffled('sizes', 400, 40), expected)).toBeGreaterThan(20)
  })
})

function split (scores: Float64Array, included: Uint8Array): { members: number[], nonMembers: number[] } {
  const of = (coin: number): number[] => Array.from(scores).filter((_, canary) => included[canary] === coin)
  return { members: of(1), nonMembers: of(0) }
}

describe('membership of real examples', () => {
  const { train: members, test: others } = digits(300, 900)

  /** Of the members, and of those others that the fit has not seen */
  function auc (parameters: Float32Array): number {
    const phi = (examples: Examples): Float64Array => confidenceScores('categoricalCrossentropy', { logits: evaluate(examples, parameters).logits, labels: examples.labels, count: examples.count, outputs: CLASSES })
    const [own, all] = [phi(members), phi(others)]
    const half = others.count / 2
    const out = fitOutDistributions({ scores: all.slice(0, half), labels: others.labels.slice(0, half) }, CLASSES)
    return membershipReport({
      members: likelihoodRatioScores({ scores: own, labels: members.labels }, out),
      nonMembers: likelihoodRatioScores({ scores: all.slice(half), labels: others.labels.slice(half) }, out)
    }).auc
  }

  it('shows in a model that learnt them by heart, and not in one that was trained with noise', () => {
    const settings = { sampleRate: 1, noiseMultiplier: 40, clipNorm: 1, steps: 60, learningRate: 0.5 }
    const last = (mechanism: Mechanism): Float32Array => train(settings, members, { ...mechanism, seed: 'heart' }).models.at(-1)!
    expect(auc(last({ addNoise: () => {}, clipNorm: Infinity }))).toBeGreaterThan(0.7)
    expect(auc(last({}))).toBeLessThan(0.6)
  })
})

/**
 * What one update tells of a canary's coin, against the mechanism whose likelihood is known, and how audits look at
 * updates
 */
import { describe, expect, it } from 'vitest'
import { auditView } from '../../src/audit/audit-view.ts'
import { AuditedTraining, auditedRounds } from '../../src/audit/audited-rounds.ts'
import { gradientProjections } from '../../src/audit/canary-scores.ts'
import { areaUnderCurve, rocPoints } from '../../src/audit/membership.ts'
import { participationScores } from '../../src/audit/participation-scores.ts'
import { TrainingError } from '../../src/errors.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { presetDocument } from '../../src/presets.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'

const COUNT = 2000

/**
 * Projections of canaries, half of them in, that each of `steps` takes with this probability, under noise of this
 * deviation
 */
function observed ({ steps, sampleRate, deviation, seed }: { steps: number, sampleRate: number, deviation: number, seed: string }): { projections: Float64Array, norms: Float64Array, labels: Uint8Array } {
  const random = seededRandom(seed)
  const normal = seededNormal(random)
  const norms = Float64Array.from({ length: COUNT }, (_, at) => 1 + at % 3)
  const projections = norms.map((norm, at) => {
    const times = at % 2 === 0 ? Array.from({ length: steps }, random).filter((draw) => draw < sampleRate).length : 0
    return times * norm + deviation * normal() + (at % 5) * 100
  })
  return { projections, norms, labels: Uint8Array.from({ length: COUNT }, (_, at) => at % 5) }
}

const auc = (scores: Float64Array): number => areaUnderCurve(rocPoints({ members: scores.filter((_, at) => at % 2 === 0), nonMembers: scores.filter((_, at) => at % 2 === 1) }))

describe('the scores of one update', () => {
  it('are the log-likelihood ratios of the sampled Gaussian mechanism, with a deviation that is measured', () => {
    const participation = { steps: 2, sampleRate: 0.05 }
    const seen = observed({ ...participation, deviation: 0.8, seed: 'ratio' })
    const scores = participationScores(seen, participation)
    const density = (x: number): number => Math.exp(-x * x / 2 / 0.64)
    let [error, largest] = [0, 0]
    for (let at = 0; at < COUNT; at++) {
      const x = seen.projections[at]! - (at % 5) * 100
      const norm = seen.norms[at]!
      const expected = Math.log(0.95 ** 2 + (2 * 0.05 * 0.95 * density(x - norm) + 0.05 ** 2 * density(x - 2 * norm)) / density(x))
      error += Math.abs(scores[at]! - expected) / COUNT
      largest = Math.max(largest, expected)
    }
    // up to the mean of each class and the deviation, which are estimates
    expect(largest).toBeGreaterThan(2)
    expect(error).toBeLessThan(0.05)
  })

  it('add up to more than sums of projections, the rarer a canary takes part', () => {
    const [ratios, sums] = [new Float64Array(COUNT), new Float64Array(COUNT)]
    for (let update = 0; update < 100; update++) {
      const participation = { steps: 1, sampleRate: 0.02 }
      const seen = observed({ ...participation, deviation: 0.3, seed: `update ${update}` })
      participationScores(seen, participation).forEach((score, at) => {
        ratios[at]! += score
        sums[at]! += seen.projections[at]! - (at % 5) * 100
      })
    }
    // 0.98^100 = 0.13 never took part: nobody finds those
    expect(auc(ratios)).toBeGreaterThan(0.91)
    expect(auc(sums)).toBeLessThan(0.85)
  })

  it('follow the projections where a canary always takes part, and say nothing where there is nothing to see', () => {
    const labels = [0, 0]
    expect([...participationScores({ projections: [3, 1], norms: [2, 2], labels }, { steps: 1, sampleRate: 1 })]).toEqual([2, -2])
    expect([...participationScores({ projections: [0, 0], norms: [0, 0], labels }, { steps: 1, sampleRate: 0.1 })]).toEqual([0, 0])
  })
})

describe('projections', () => {
  it('are products with gradients of length one, and 0 on none', () => {
    const project = gradientProjections(2, (canary, _, out) => { out.set(canary === 0 ? [3, 4] : [0, 0]) })
    expect(project(new Float32Array(2), Float64Array.of(1, 2))).toEqual({ projections: Float64Array.of(11 / 5, 0), norms: Float64Array.of(5, 0) })
  })
})

describe('what an audit sees', () => {
  const document = presetDocument('digits-private')

  it('are single steps of DP-SGD, and rounds without it', () => {
    const view = auditView(document, { exampleCount: 4200, expectedCount: 4200, rounds: 10, canaryCount: 400 })
    expect(view).toMatchObject({ updates: 10, participation: { steps: 1, sampleRate: 64 / 4200 }, document: { training: { steps: 1 } }, isOftenSampled: false })
    const none = auditView(presetDocument('digits'), { exampleCount: 4200, expectedCount: 4200, rounds: 10, canaryCount: 400 })
    expect(none).toMatchObject({ updates: 1, participation: { steps: 1, sampleRate: 1 }, document: presetDocument('digits'), isOftenSampled: true })
  })

  it('are a few steps at a time where single ones would take too long, never others than those of the round', () => {
    for (const [steps, expected] of [[12, 3], [17, 17], [60, 12]] as const) {
      const long = { ...document, training: { ...document.training, steps } }
      const view = auditView(long, { exampleCount: 4200, expectedCount: 4200, rounds: 100, canaryCount: 160 })
      expect(view).toMatchObject({ updates: steps / expected, participation: { steps: expected }, document: { training: { steps: expected } } })
    }
    const epochs = { ...document, training: { batchSize: 64, epochs: 2, optimizer: document.training.optimizer } }
    expect(auditView(epochs, { exampleCount: 640, expectedCount: 640, rounds: 1, canaryCount: 20 }).document.training).toEqual({ batchSize: 64, steps: 1, optimizer: document.training.optimizer })
  })

  it('tells guesses nothing of the coins, not even how many say in', () => {
    const view = (exampleCount: number, rounds: number): object => {
      const { participation, isOftenSampled } = auditView(document, { exampleCount, expectedCount: 4200, rounds, canaryCount: 400 })
      return { participation, isOftenSampled }
    }
    // around the number of rounds from which on canaries that are out are guessed
    for (const rounds of [19, 20, 21]) {
      expect([4150, 4250].map((count) => view(count, rounds))).toEqual([view(4200, rounds), view(4200, rounds)])
    }
    expect(view(4200, 19)).toMatchObject({ isOftenSampled: false })
    expect(view(4200, 20)).toMatchObject({ isOftenSampled: true })
  })

  it('are the gradients, whatever momentum and learning rate made of them', async () => {
    // the parameter's gradients are 1, 2, 3 ...; its canary's gradient is 1
    const seen: number[] = []
    let [velocity, gradient] = [0, 0]
    const learningRate = (round: number): number => 1 / 2 ** round
    const training = new AuditedTraining({
      train: ([parameter], { round }) => {
        velocity = 0.5 * velocity + ++gradient
        return { parameters: Float32Array.of(parameter! - learningRate(round) * velocity / 8), loss: 0, examples: 0, steps: 1 }
      },
      parameterCount: 1,
      updates: 2,
      participation: { steps: 1, sampleRate: 0.5 },
      gradientOf: { learningRate, momentum: 0.5, batchSize: 8 },
      project: (_, direction) => {
        seen.push(direction[0]!)
        return { projections: direction, norms: Float64Array.of(1) }
      },
      labels: [0]
    })
    let parameters = new Float32Array(1)
    for (const round of [1, 2, 3]) {
      const result = await training.train(parameters, { round })
      expect(result.steps).toBe(2)
      parameters = new Float32Array(result.parameters)
    }
    expect(training).toMatchObject({ steps: 6, trainedRounds: 3 })
    seen.forEach((value, at) => { expect(value).toBeCloseTo(at + 1, 4) })
    expect(seen).toHaveLength(6)
  })

  it('end with the first training that fails, after which a node would go on', async () => {
    const parameters = initialParameters(document.model)
    const rounds: number[] = []
    const audit = auditedRounds({
      document,
      train: (model, { round }) => {
        rounds.push(round)
        if (round === 2) {
          throw new TrainingError('diverged')
        }
        return { parameters: model, loss: 0, examples: 0, steps: 0 }
      },
      evaluate: () => ({ loss: 0, accuracy: 0, examples: 1 }),
      parameters,
      rounds: 5,
      updates: 1,
      participation: { steps: 1, sampleRate: 0.5 },
      gradientOf: { learningRate: () => 1, momentum: 0, batchSize: 8 },
      project: () => ({ projections: new Float64Array(1), norms: Float64Array.of(1) }),
      labels: [0]
    })
    await expect(audit).rejects.toThrow('diverged')
    expect(rounds).toEqual([1, 2])
  })
})

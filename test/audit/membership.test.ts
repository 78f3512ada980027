/**
 * Metrics, caps and scores of membership inference
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { confidenceScores, fitOutDistributions, likelihoodRatioScores, lossScores } from '../../src/audit/membership-scores.ts'
import { areaUnderCurve, membershipReport, operatingPoint, rocPoints } from '../../src/audit/membership.ts'
import { advantageCap, areaCap, truePositiveRateCap } from '../../src/audit/privacy-region.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'

/** P[member > non-member] + P[equal] / 2, pair by pair */
function pairwise (members: number[], nonMembers: number[]): number {
  const wins = members.flatMap((member) => nonMembers.map((other): number => member > other ? 1 : member === other ? 0.5 : 0))
  return wins.reduce((sum, win) => sum + win, 0) / wins.length
}

const normals = (count: number, mean: number, seed: string): Float64Array => {
  const normal = seededNormal(seededRandom(seed))
  return Float64Array.from({ length: count }, () => mean + normal())
}

describe('ROC curve', () => {
  it('has the area of Mann and Whitney, with ties, for any scores', () => {
    const scores = fc.array(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.double({ noNaN: true })), { minLength: 1, maxLength: 30 })
    fc.assert(fc.property(scores, scores, (members, nonMembers) => {
      const points = rocPoints({ members, nonMembers })
      expect(areaUnderCurve(points)).toBeCloseTo(pairwise(members, nonMembers), 12)
      expect(points[0]).toMatchObject({ threshold: Infinity, truePositiveRate: 0, falsePositiveRate: 0 })
      expect(points.at(-1)).toMatchObject({ truePositives: members.length, falsePositives: nonMembers.length, truePositiveRate: 1, falsePositiveRate: 1 })
      expect(points.slice(1).every(({ threshold, truePositives, falsePositives }) =>
        truePositives === members.filter((score) => score >= threshold).length && falsePositives === nonMembers.filter((score) => score >= threshold).length)).toBe(true)
    }))
  })

  it('does not split examples of one score: equal scores are a straight line', () => {
    const points = rocPoints({ members: [1, 1, 1], nonMembers: [1, 1] })
    expect(points.map(({ truePositiveRate, falsePositiveRate }) => [falsePositiveRate, truePositiveRate])).toEqual([[0, 0], [1, 1]])
    expect(areaUnderCurve(points)).toBe(0.5)
  })

  it('is that of two normal distributions', () => {
    const { auc, advantage, operatingPoints } = membershipReport({ members: normals(20_000, 1, 'in'), nonMembers: normals(20_000, 0, 'out') })
    // Phi(1 / sqrt 2), 2 Phi(1 / 2) - 1, and 1 - Phi(z - 1) at the quantiles z of 0.999 and 0.99
    expect(Math.abs(auc - 0.76025)).toBeLessThan(0.01)
    expect(Math.abs(advantage - 0.38292)).toBeLessThan(0.02)
    expect(Math.abs(operatingPoints[0]!.truePositiveRate - 0.01834)).toBeLessThan(0.01)
    expect(Math.abs(operatingPoints[1]!.truePositiveRate - 0.09236)).toBeLessThan(0.02)
  })

  it.each([[[], [1]], [[1], []], [[NaN], [1]], [[1], [2, NaN]]])('is not drawn from %j against %j', (members, nonMembers) => {
    expect(() => rocPoints({ members, nonMembers })).toThrow(RangeError)
  })
})

describe('true positive rate at a false positive rate', () => {
  const members = [9, 8, 7, 3]
  const nonMembers = [7, 6, 5, 4, 2, 1, 0, -1, -2, -3]

  it('is that of the best threshold which keeps it', () => {
    const at = (limit: number): number[] => {
      const { truePositives, falsePositives } = operatingPoint(rocPoints({ members, nonMembers }), limit)
      return [truePositives, falsePositives]
    }
    expect(at(0)).toEqual([2, 0])
    // 7 is the score of both kinds
    expect(at(0.09)).toEqual([2, 0])
    expect(at(0.1)).toEqual([3, 1])
    expect(at(0.4)).toEqual([4, 4])
    expect(at(1)).toEqual([4, 10])
  })

  it('says when there are too few non-members to resolve it, and what rate cannot be excluded', () => {
    const few = operatingPoint(rocPoints({ members, nonMembers }), 0.01)
    expect(few).toMatchObject({ limit: 0.01, falsePositiveRate: 0, isResolved: false })
    expect(few.falsePositiveRateBound).toBeCloseTo(1 - 0.05 ** 0.1, 10)
    const enough = operatingPoint(rocPoints({ members, nonMembers: Array.from({ length: 100 }, (_, i) => -i) }), 0.01)
    expect(enough).toMatchObject({ falsePositiveRate: 0.01, isResolved: true })
    expect(enough.falsePositiveRateBound).toBeGreaterThan(0.01)
  })

  it('is refused for what is no rate', () => {
    expect(() => operatingPoint(rocPoints({ members, nonMembers }), 1.5)).toThrow(RangeError)
  })
})

describe('caps', () => {
  it('are those of the plot', () => {
    for (const [epsilon, rate, advantage] of [[1, 0.0027, 0.46], [2, 0.0074, 0.76], [4, 0.055, 0.96]] as const) {
      expect(truePositiveRateCap(0.001, { epsilon })).toBeCloseTo(rate, 3)
      expect(advantageCap({ epsilon })).toBeCloseTo(advantage, 2)
    }
    expect(truePositiveRateCap(0, { epsilon: 3, delta: 0.01 })).toBe(0.01)
    expect(advantageCap({ epsilon: 0, delta: 0.2 })).toBe(0.2)
  })

  it('bend at the dual cap: no test misses fewer than e^-epsilon (1 - FPR - delta)', () => {
    const claim = { epsilon: 1, delta: 0.01 }
    expect(truePositiveRateCap(0.5, claim)).toBeCloseTo(1 - Math.exp(-1) * 0.49, 12)
    expect(truePositiveRateCap(0.5, claim)).toBeLessThan(Math.E * 0.5 + 0.01)
    expect(truePositiveRateCap(1, claim)).toBe(1)
  })

  it('leave an area under the curve: that under the cap', () => {
    for (const claim of [{ epsilon: 0 }, { epsilon: 0.7, delta: 0.1 }, { epsilon: 3, delta: 1e-5 }, { epsilon: 800 }, { epsilon: Infinity }, { epsilon: 1, delta: 1 }]) {
      const steps = 20_000
      let area = 0
      for (let step = 0; step < steps; step++) {
        area += truePositiveRateCap((step + 0.5) / steps, claim) / steps
      }
      expect(areaCap(claim)).toBeCloseTo(area, 4)
    }
    expect(areaCap({ epsilon: 0 })).toBe(0.5)
    expect(() => areaCap({ epsilon: -1 })).toThrow(RangeError)
  })

  it('have the largest advantage where both meet, which is its cap', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 30, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (epsilon, delta) => {
      // e^epsilon x + delta = 1 - e^-epsilon (1 - x - delta)
      const meeting = (1 - delta) / (Math.exp(epsilon) + 1)
      const cap = advantageCap({ epsilon, delta })
      expect(truePositiveRateCap(meeting, { epsilon, delta }) - meeting).toBeCloseTo(cap, 10)
      for (const rate of [0, meeting / 2, (1 + meeting) / 2, 1]) {
        expect(truePositiveRateCap(rate, { epsilon, delta }) - rate).toBeLessThan(cap + 1e-10)
      }
    }))
  })

  it('are met with equality by randomised response', () => {
    const truth = 1 / (1 + Math.exp(-1.5))
    expect(truePositiveRateCap(1 - truth, { epsilon: 1.5 })).toBeCloseTo(truth, 12)
  })

  it('cap nothing without a claim, also at a rate of zero', () => {
    expect(truePositiveRateCap(0, { epsilon: Infinity })).toBe(1)
    expect(truePositiveRateCap(0, { epsilon: 800, delta: 1e-5 })).toBe(1e-5)
    expect(advantageCap({ epsilon: Infinity, delta: 1e-5 })).toBe(1)
  })

  it.each([[0.5, { epsilon: -1 }], [0.5, { epsilon: NaN }], [0.5, { epsilon: 1, delta: 2 }], [-1, { epsilon: 1 }], [NaN, { epsilon: 1 }]])('are refused for a rate of %s under %o', (rate, claim) => {
    expect(() => truePositiveRateCap(rate, claim)).toThrow(RangeError)
  })
})

describe('scores', () => {
  const batch = (rows: number[][], labels: number[]): Parameters<typeof confidenceScores>[1] =>
    ({ logits: Float32Array.from(rows.flat()), labels: Uint16Array.from(labels), count: rows.length, outputs: rows[0]!.length })

  it('of the loss are higher for a lower one', () => {
    expect([...lossScores([0.5, 2])]).toEqual([-0.5, -2])
  })

  it('are ln(p / (1 - p)) of the softmax, exact where p rounds to 0 and 1', () => {
    const odds = confidenceScores('categoricalCrossentropy', batch([[1, 2, 3], [0, 0, 0], [500, -300, 0], [-300, 500, 0]], [2, 1, 0, 0]))
    expect(odds[0]).toBeCloseTo(3 - Math.log(Math.E + Math.E ** 2), 12)
    expect(odds[1]).toBeCloseTo(-Math.LN2, 12)
    // the float32 probabilities are 1 and 0
    expect(odds[2]).toBe(500)
    expect(odds[3]).toBe(-800)
  })

  it('are ln(p / (1 - p)) of the sigmoid of one output, and of the product of several', () => {
    expect([...confidenceScores('binaryCrossentropy', batch([[3], [3], [-800]], [1, 0, 0]))]).toEqual([3, -3, 800])
    const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
    const p = sigmoid(-1) * sigmoid(2) * sigmoid(-0.5)
    const several = confidenceScores('binaryCrossentropy', batch([[1, 2, 0.5], [-700, 700, -700]], [1, 1]))
    expect(several[0]).toBeCloseTo(Math.log(p / (1 - p)), 12)
    expect(several[1]).toBeCloseTo(700 - Math.log(3), 10)
  })

  it('are standard scores of the non-members of the class, or of all where these are few', () => {
    const scores = [...Array.from({ length: 20 }, (_, i) => 10 + (i % 2)), 1, 2]
    const out = fitOutDistributions({ scores, labels: scores.map((score) => score >= 10 ? 0 : 1) }, 3)
    expect(out[0]).toEqual({ mean: 10.5, standardDeviation: Math.sqrt(20 * 0.25 / 19) })
    expect(out[1]!.mean).toBeCloseTo((210 + 3) / 22, 12)
    expect(out[2]).toEqual(out[1])
    const [score] = likelihoodRatioScores({ scores: [10.5 + 3 * out[0]!.standardDeviation], labels: [0] }, out)
    expect(score).toBeCloseTo(3, 12)
  })

  it('tell members of easy and hard classes better than one threshold for all', () => {
    const count = 2000
    const labels = Array.from({ length: count }, (_, i) => i % 2)
    const phi = (mean: number, seed: string): Float64Array => normals(count, mean, seed).map((value, i) => value + 8 * labels[i]!)
    const out = fitOutDistributions({ scores: phi(0, 'reference'), labels }, 2)
    const members = phi(1, 'members')
    const nonMembers = phi(0, 'non-members')
    const plain = membershipReport({ members, nonMembers }).auc
    const ratio = membershipReport({ members: likelihoodRatioScores({ scores: members, labels }, out), nonMembers: likelihoodRatioScores({ scores: nonMembers, labels }, out) }).auc
    expect(plain).toBeLessThan(0.66)
    expect(ratio).toBeGreaterThan(0.73)
  })

  it('need a spread of finite numbers, or call any unit good where all are equal', () => {
    expect(() => fitOutDistributions({ scores: [1], labels: [0] }, 1)).toThrow(RangeError)
    expect(() => fitOutDistributions({ scores: [1, Infinity], labels: [0, 0] }, 1)).toThrow(RangeError)
    expect(fitOutDistributions({ scores: [2, 2], labels: [0, 0] }, 1)).toEqual([{ mean: 2, standardDeviation: 1 }])
  })
})

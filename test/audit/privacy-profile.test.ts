/**
 * The cap of all (epsilon, delta) of a mechanism against its trade-off function
 */
import { describe, expect, it } from 'vitest'
import { createAccountant } from '../../src/privacy/accounting/accountants.ts'
import { pldAccountant } from '../../src/privacy/accounting/pld.ts'
import { lossAt } from '../../src/privacy/accounting/privacy-loss.ts'
import { normalTail } from '../../src/privacy/accounting/special-functions.ts'
import { operatingPoint, rocPoints } from '../../src/audit/membership.ts'
import { privacyProfile, profileAdvantageCap, profileAreaCap, profileRateCap } from '../../src/audit/privacy-profile.ts'
import { advantageCap, areaCap, truePositiveRateCap } from '../../src/audit/privacy-region.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import type { MechanismEvent } from '../../src/privacy/accounting/accountant.ts'

const SAMPLED: MechanismEvent = { sampleRate: 256 / 3750, noiseMultiplier: 0.8517, steps: 150 }

const gaussian = (mu: number): MechanismEvent => ({ sampleRate: 1, noiseMultiplier: 1 / mu, steps: 1 })

describe('the cap of a privacy profile', () => {
  it.each([0.01, 0.1, 0.5, 1, 1.5, 2, 4, 8, 40])('is that of the Gaussian mechanism without sampling, mu = %s: TPR = 1 - Phi(Phi^-1(1 - FPR) - mu)', (mu) => {
    const profile = privacyProfile(pldAccountant().compose(gaussian(mu)))
    for (let score = -7; score <= 8; score += 0.01) {
      const excess = profileRateCap(normalTail(score), profile) - normalTail(score - mu)
      expect(excess).toBeGreaterThanOrEqual(0)
      expect(excess).toBeLessThan(1e-3)
    }
    const area = profileAreaCap(profile) - normalTail(-mu * Math.SQRT1_2)
    expect(area).toBeGreaterThanOrEqual(0)
    expect(area).toBeLessThan(1e-3)
    expect(profileAdvantageCap(profile)).toBeCloseTo(2 * normalTail(-mu / 2) - 1, 10)
  })

  it.each([0.01, 0.3, 1, 2])('is good to 2 % of the rate where few others are taken for members, mu = %s', (mu) => {
    const profile = privacyProfile(pldAccountant().compose(gaussian(mu)))
    for (let score = 2; score <= 4.75; score += 0.01) {
      expect(profileRateCap(normalTail(score), profile) / normalTail(score - mu)).toBeLessThan(1.02)
    }
  })

  it('is that of one sampled step, whose test is a threshold on the outcome', () => {
    const { sampleRate: q, noiseMultiplier: sigma } = { sampleRate: 0.2, noiseMultiplier: 0.6 }
    const profile = privacyProfile(pldAccountant().compose({ sampleRate: q, noiseMultiplier: sigma, steps: 1 }))
    // up to where TPR - FPR is largest; from there on the example's absence is what is harder to hide
    for (let outcome = 3; outcome >= 0.5; outcome -= 0.01) {
      const rate = normalTail(outcome / sigma)
      const excess = profileRateCap(rate, profile) - (1 - q) * rate - q * normalTail((outcome - 1) / sigma)
      expect(excess).toBeGreaterThanOrEqual(0)
      expect(excess).toBeLessThan(1e-3)
    }
  })

  it('is reached, but for the scatter, by who sees every sampled step and knows the example', () => {
    const COUNT = 20_000
    const random = seededRandom('sampled steps')
    const normal = seededNormal(seededRandom('noise of sampled steps'))
    const score = (rate: number): number => {
      let sum = 0
      for (let step = 0; step < SAMPLED.steps; step++) {
        sum += lossAt(SAMPLED, SAMPLED.noiseMultiplier * normal() + (random() < rate ? 1 : 0))
      }
      return sum
    }
    const points = rocPoints({ members: Float64Array.from({ length: COUNT }, () => score(SAMPLED.sampleRate)), nonMembers: Float64Array.from({ length: COUNT }, () => score(0)) })
    const accountant = pldAccountant().compose(SAMPLED)
    const profile = privacyProfile(accountant)
    for (const limit of [0.01, 0.03, 0.1]) {
      const { truePositiveRate } = operatingPoint(points, limit)
      const cap = profileRateCap(limit, profile)
      // the threshold that lets through `limit` scatters by as much as the slope there says
      const slope = (profileRateCap(limit * 1.1, profile) - cap) / (limit * 0.1)
      const scatter = slope * Math.sqrt(limit / COUNT) + Math.sqrt(cap / COUNT)
      expect(Math.abs(truePositiveRate - cap)).toBeLessThan(4 * scatter)
      expect(4 * scatter).toBeLessThan(cap / 2)
    }
    // what epsilon 8 alone leaves
    expect(truePositiveRateCap(0.01, { epsilon: accountant.epsilon(1e-5), delta: 1e-5 })).toBeGreaterThan(0.999)
    expect(profileRateCap(0.01, profile)).toBeLessThan(0.18)
  })

  it.each<[string, MechanismEvent[]]>([
    ['sampled steps', [SAMPLED]],
    ['next to nothing', [{ sampleRate: 0.001, noiseMultiplier: 20, steps: 3 }]],
    ['unequal steps', [{ sampleRate: 0.02, noiseMultiplier: 1, steps: 200 }, { sampleRate: 0.1, noiseMultiplier: 4, steps: 30 }]]
  ])('rises, ever less steeply, from below 1e-7 to 1, and is its own mirror image: %s', (_, events) => {
    const profile = privacyProfile(events.reduce((accountant, event) => accountant.compose(event), pldAccountant()))
    expect(profile[0]!.epsilon).toBe(0)
    const rates = Array.from({ length: 401 }, (_, at) => (at / 400) ** 3)
    const caps = rates.map((rate) => profileRateCap(rate, profile))
    expect(caps[0]).toBeLessThan(1e-7)
    expect(caps.at(-1)).toBe(1)
    const slopes = caps.slice(1).map((cap, at) => (cap - caps[at]!) / (rates[at + 1]! - rates[at]!))
    for (const [at, slope] of slopes.entries()) {
      expect(slope).toBeGreaterThanOrEqual(0)
      expect(slope).toBeLessThanOrEqual((slopes[at - 1] ?? Infinity) * (1 + 1e-9) + 1e-9)
      expect(caps[at]).toBeGreaterThanOrEqual(rates[at]!)
      if (caps[at]! < 1 - 1e-6) {
        expect(profileRateCap(1 - caps[at]!, profile)).toBeCloseTo(1 - rates[at]!, 9)
      }
    }
  })

  it('is not above that of any pair of the accountant, by more than a thousandth, whichever accountant', () => {
    for (const name of ['pld', 'rdp'] as const) {
      const accountant = createAccountant(name).compose(SAMPLED)
      const profile = privacyProfile(accountant)
      for (const delta of [1e-7, 1e-5, 1e-3, 0.1]) {
        const claim = { epsilon: accountant.epsilon(delta), delta }
        for (const rate of [1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9]) {
          expect(profileRateCap(rate, profile)).toBeLessThan(truePositiveRateCap(rate, claim) + 1e-3)
        }
        expect(profileAreaCap(profile)).toBeLessThan(areaCap(claim) + 1e-3)
        expect(profileAdvantageCap(profile)).toBeLessThanOrEqual(advantageCap(claim))
      }
    }
  })

  it('is guessing where nothing was released, and anything where nothing is claimed', () => {
    const nothing = privacyProfile(pldAccountant())
    expect(nothing).toEqual([{ epsilon: 0, delta: 0 }])
    expect([profileRateCap(0.01, nothing), profileAdvantageCap(nothing)]).toEqual([0.01, 0])
    expect(profileAreaCap(nothing)).toBeCloseTo(0.5, 5)
    expect([profileRateCap(0, []), profileAdvantageCap([]), profileAreaCap([])]).toEqual([1, 1, 1])
    expect(() => profileRateCap(2, nothing)).toThrow(RangeError)
  })
})

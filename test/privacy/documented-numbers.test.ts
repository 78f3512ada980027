/**
 * The tables of docs/privacy.md, row by row, from the code that they speak of
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createAccountant } from '../../src/privacy/accounting/accountants.ts'
import { noiseForEpsilon } from '../../src/privacy/accounting/noise-for-epsilon.ts'
import { updateScores } from '../../src/audit/canary-scores.ts'
import { auditOneRun } from '../../src/audit/one-run.ts'
import { privacyProfile, profileAdvantageCap, profileRateCap } from '../../src/audit/privacy-profile.ts'
import { advantageCap, truePositiveRateCap } from '../../src/audit/privacy-region.ts'
import { gradientNoiseMultiplier } from '../../src/federation/noise-multiplier.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { VECTORS } from './accounting/vectors.ts'
import { softmaxProducts, trainAudited } from '../audit/audited-training.ts'
import type { AccountantName, MechanismEvent } from '../../src/privacy/accounting/accountant.ts'
import type { Fault } from '../audit/audited-training.ts'

const TEXT = readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8')
const DELTA = 1e-5

/** Of up to seven cells */
type Row = [string, string, string, string, string, string, string]

/** Cells of a table between its markers, without its two header lines */
function rows (name: string): Row[] {
  const table = new RegExp(`<!-- ${name}:.*-->\\n([^]*?)<!-- end of ${name} -->`).exec(TEXT)?.[1] ?? ''
  return table.trim().split('\n').slice(2).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()) as Row)
}

function epsilon (accountant: AccountantName, event: MechanismEvent): number {
  return createAccountant(accountant).compose(event).epsilon(DELTA)
}

/** To as many digits after the point as the document has */
function asShown (value: number, shown: string): string {
  return value.toFixed(/\.(\d+)/.exec(shown)?.[1]!.length ?? 0)
}

describe('docs/privacy.md says what the code gives:', () => {
  it.each(rows('accountants'))('epsilon for q = %s, z = %s, %s steps', (...[q, z, steps, rdp, pld]) => {
    const event = { sampleRate: Number(q), noiseMultiplier: Number(z), steps: Number(steps) }
    expect([asShown(epsilon('rdp', event), rdp), asShown(epsilon('pld', event), pld)]).toEqual([rdp, pld])
  })

  it('how much less pld says than rdp', () => {
    const savings = VECTORS.eps.map(({ q, steps, eps_rdp: rdp, eps_pld: pld }) => ({ isFew: q < 1 && steps <= 100, share: 100 * (1 - pld / rdp) }))
    const sorted = (few: boolean): number[] => savings.filter(({ isFew }) => isFew === few).map(({ share }) => share).sort((a, b) => a - b)
    const [few, others] = [sorted(true), sorted(false)]
    expect([few.length, few[0], few.at(-1)]).toEqual([3, expect.closeTo(31, 0), expect.closeTo(79, 0)])
    expect([others.length, others[0], others.at(-1)]).toEqual([26, expect.closeTo(5.9, 1), expect.closeTo(18.2, 1)])
    expect([...few, ...others].sort((a, b) => a - b)[14]).toBeCloseTo(8.5, 1)
    expect(TEXT).toContain('31 % to 79 % less\nfor the three that sample and have 100 steps or fewer, and 5.9 % to 18.2 % less for the other 26; 8.5 % is the median')
  })

  it.each(rows('noise'))('noise for epsilon %s with batches of %s and %s steps', (...[target, batch, steps, pld, rdp, perUnit]) => {
    const plan = { epsilon: Number(target), delta: DELTA, sampleRate: Number(batch) / 3750, steps: Number(steps) }
    const byPld = noiseForEpsilon({ ...plan, accountant: 'pld' })
    expect(asShown(byPld, pld)).toBe(pld)
    expect(asShown(noiseForEpsilon({ ...plan, accountant: 'rdp' }), rdp)).toBe(rdp)
    expect(asShown(1000 * byPld / Number(batch), perUnit)).toBe(perUnit)
  })

  it('noise of whole updates, and what more examples save', () => {
    const whole = (target: number): string => noiseForEpsilon({ epsilon: target, delta: DELTA, sampleRate: 1, steps: 100, accountant: 'pld' }).toFixed(1)
    expect(TEXT).toContain(`100 rounds need z = ${whole(1)} for ε = 1 and ${whole(8)} for ε = 8`)
    const of = (examples: number, digits: number): string => epsilon('pld', { sampleRate: 256 / examples, noiseMultiplier: 1, steps: 150 }).toFixed(digits)
    expect(TEXT).toContain(`ε = ${of(938, 1)} at N = 938, ${of(3750, 1)} at 3,750, ${of(15000, 1)} at 15,000, ${of(60000, 2)} at 60,000`)
  })

  it('the price of adaptive clipping', () => {
    const left = gradientNoiseMultiplier({ noiseMultiplier: 1, adaptiveClipping: { countDeviation: 10 } })
    expect(TEXT).toContain(`With z = 1 and b = 10, z_g is ${left.toFixed(4)}`)
  })

  it.each(rows('caps'))('what epsilon %s leaves of membership inference', (...[claimed, low, lowOfAll, high, highOfAll, advantage, advantageOfAll]) => {
    const claim = { epsilon: Number(claimed), delta: DELTA }
    const percent = (value: number, shown: string): string => `${asShown(100 * value, shown)} %`
    expect([percent(truePositiveRateCap(0.001, claim), low), percent(truePositiveRateCap(0.01, claim), high), percent(advantageCap(claim), advantage)]).toEqual([low, high, advantage])

    const steps = { sampleRate: 256 / 3750, steps: 150 }
    const noiseMultiplier = noiseForEpsilon({ ...claim, ...steps, accountant: 'pld' })
    const profile = privacyProfile(createAccountant('pld').compose({ ...steps, noiseMultiplier }))
    const atMost = (value: number, shown: string): string => {
      const unit = 10 ** -(/\.(\d+)/.exec(shown)?.[1]!.length ?? 0)
      return percent(Math.ceil(100 * value / unit) * unit / 100, shown)
    }
    expect([atMost(profileRateCap(0.001, profile), lowOfAll), atMost(profileRateCap(0.01, profile), highOfAll), atMost(profileAdvantageCap(profile), advantageOfAll)])
      .toEqual([lowOfAll, highOfAll, advantageOfAll])
  })

  // as in test/audit/mechanism.test.ts
  const SETTINGS = { batchSize: 200, privacy: { clipNorm: 0.02, noiseMultiplier: 8 }, rounds: 30 }
  const withDeviation = (of: (deviation: number) => number): Fault => ({
    noise: (source) => ({
      sample: source.sample,
      addGaussian: (sums, deviation) => { of(deviation) > 0 && source.addGaussian(sums, of(deviation)) }
    })
  })
  const FAULTS: Record<string, Fault> = {
    'as it is': {},
    'no noise': withDeviation(() => 0),
    'no clipping': { clipNorm: 1000 },
    'variance taken for the deviation': withDeviation((deviation) => deviation ** 2),
    'noise divided by the batch twice': withDeviation((deviation) => deviation / SETTINGS.batchSize),
    'noise a third as strong': withDeviation((deviation) => deviation / 3),
    'noise half as strong': withDeviation((deviation) => deviation / 2),
    'noise a third too weak': withDeviation((deviation) => deviation * 2 / 3)
  }

  it.each(rows('audit'))('what an audit of training shows: %s', (name, correct, bound, found) => {
    const { steps, canaries, included, document, exampleCount } = trainAudited(SETTINGS, { digitCount: 100, canaryCount: 600 }, { ...FAULTS[name]!, seed: 'a' })
    const audit = auditOneRun(updateScores(steps, softmaxProducts(canaries, SETTINGS.privacy.clipNorm)), included, { guessedIn: 120, guessedOut: 120, delta: DELTA })
    const charge = roundCharge(document, exampleCount)!
    const ledger = epsilon('pld', { ...charge, steps: SETTINGS.rounds * charge.steps })
    expect(TEXT).toContain(`the ledger says ${ledger.toFixed(2)}`)
    expect(audit.guesses).toBe(240)
    // a guess or two hang on the last bits of a platform's arithmetic
    expect(Math.abs(audit.correct - Number(correct))).toBeLessThanOrEqual(2)
    expect(Math.abs(audit.lowerBound - Number(bound))).toBeLessThan(0.5)
    expect(audit.lowerBound > ledger).toBe(found.startsWith('yes'))
  })

  it('and every table is there', () => {
    expect(['accountants', 'noise', 'caps', 'audit'].map((name) => rows(name).length)).toEqual([8, 9, 4, 8])
    expect(rows('audit').map(([name]) => name)).toEqual(Object.keys(FAULTS))
  })
})

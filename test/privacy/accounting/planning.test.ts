import { describe, expect, it } from 'vitest'
import { ACCOUNTANT_NAMES, createAccountant } from '../../../src/privacy/accounting/accountants.ts'
import { noiseForEpsilon } from '../../../src/privacy/accounting/noise-for-epsilon.ts'
import { stepsWithin } from '../../../src/privacy/accounting/steps-within.ts'
import { relativeError } from './vectors.ts'

describe.each(ACCOUNTANT_NAMES)('planning with the %s accountant', (accountant) => {
  it.each([
    { epsilon: 1, delta: 1e-6, sampleRate: 1, steps: 1 },
    { epsilon: 3, delta: 1e-5, sampleRate: 0.01, steps: 3000 },
    { epsilon: 0.1, delta: 1e-5, sampleRate: 0.01, steps: 100 },
    { epsilon: 50, delta: 1e-5, sampleRate: 0.01, steps: 10 },
    { epsilon: 2, delta: 1e-7, sampleRate: 1e-3, steps: 1 }
  ])('finds the least noise that is enough: %o', (plan) => {
    const noiseMultiplier = noiseForEpsilon({ ...plan, accountant })
    const epsilonWith = (sigma: number): number =>
      createAccountant(accountant).compose({ sampleRate: plan.sampleRate, steps: plan.steps, noiseMultiplier: sigma }).epsilon(plan.delta)

    expect(epsilonWith(noiseMultiplier)).toBeLessThanOrEqual(plan.epsilon)
    // The discretisation has a part in it for PLD
    expect(epsilonWith(noiseMultiplier * (1 - 1e-3))).toBeGreaterThan(plan.epsilon)
  })

  it('needs hardly any noise for an enormous epsilon, and much for a tiny one', () => {
    expect(noiseForEpsilon({ epsilon: 1e9, delta: 1e-5, sampleRate: 0.01, steps: 1, accountant })).toBe(1e-3)
    expect(noiseForEpsilon({ epsilon: 1e-6, delta: 1e-5, sampleRate: 1, steps: 1, accountant })).toBeGreaterThan(1e4)
  })

  it('finds how many steps are left, to the step', () => {
    const spent = createAccountant(accountant).compose({ sampleRate: 1, noiseMultiplier: 30, steps: 20 }).compose({ sampleRate: 0.02, noiseMultiplier: 1, steps: 50 })
    const budget = { epsilon: 3, delta: 1e-5, spent, sampleRate: 0.01, noiseMultiplier: 1.1 }
    const steps = stepsWithin(budget)
    const epsilonAfter = (more: number): number => spent.compose({ sampleRate: 0.01, noiseMultiplier: 1.1, steps: more }).epsilon(1e-5)

    expect(steps).toBeGreaterThan(1000)
    expect(epsilonAfter(steps)).toBeLessThanOrEqual(3)
    expect(epsilonAfter(steps + 1)).toBeGreaterThan(3)
  })

  it('leaves no step when all is spent, and stops counting where steps are free', () => {
    const spent = createAccountant(accountant).compose({ sampleRate: 0.1, noiseMultiplier: 1, steps: 1000 })

    expect(stepsWithin({ epsilon: 1, delta: 1e-5, spent, sampleRate: 0.1, noiseMultiplier: 1 })).toBe(0)
    expect(stepsWithin({ epsilon: 1, delta: 1e-5, spent: createAccountant(accountant), sampleRate: 1e-9, noiseMultiplier: 1000 })).toBe(2 ** 31)
  })
})

describe('planning', () => {
  it('agrees with published noise: sigma 4.530877 for one Gaussian step at epsilon 1, delta 1e-6, by RDP', () => {
    expect(relativeError(noiseForEpsilon({ epsilon: 1, delta: 1e-6, sampleRate: 1, steps: 1, accountant: 'rdp' }), 4.530877117)).toBeLessThan(2e-4)
  })

  it('needs less noise and leaves more steps by PLD', () => {
    const plan = { epsilon: 2, delta: 1e-5, sampleRate: 0.02, steps: 200 }

    expect(noiseForEpsilon({ ...plan, accountant: 'pld' })).toBeLessThan(noiseForEpsilon({ ...plan, accountant: 'rdp' }))
    const [byRdp, byPld] = ACCOUNTANT_NAMES.map((name) =>
      stepsWithin({ epsilon: 2, delta: 1e-5, spent: createAccountant(name), sampleRate: 0.02, noiseMultiplier: 1.2 }))
    expect(byPld).toBeGreaterThan(1.1 * byRdp!)
  })

  it.each([
    [{ epsilon: 0 }, 'epsilon must be a finite number above 0, not 0'],
    [{ epsilon: Infinity }, 'epsilon must be a finite number above 0, not Infinity'],
    [{ delta: 0 }, 'delta must be above 0 and below 1, not 0'],
    [{ sampleRate: 2 }, 'sampleRate must be above 0 and at most 1, not 2'],
    [{ steps: 0 }, 'steps must be at least 1: no step needs no noise'],
    [{ steps: 0.5 }, 'steps must be a whole number of at least 0, not 0.5']
  ])('refuses %o', (wrong, message) => {
    expect(() => noiseForEpsilon({ epsilon: 1, delta: 1e-5, sampleRate: 0.1, steps: 10, accountant: 'rdp', ...wrong })).toThrow(new RangeError(message))
  })

  it('refuses a budget outside its bounds', () => {
    const budget = { epsilon: 1, delta: 1e-5, spent: createAccountant('rdp'), sampleRate: 0.1, noiseMultiplier: 1 }

    expect(() => stepsWithin({ ...budget, epsilon: -1 })).toThrow(RangeError)
    expect(() => stepsWithin({ ...budget, delta: 1 })).toThrow(RangeError)
    expect(() => stepsWithin({ ...budget, sampleRate: 0 })).toThrow(RangeError)
    expect(() => stepsWithin({ ...budget, noiseMultiplier: NaN })).toThrow(RangeError)
  })
})

import { describe, expect, it } from 'vitest'
import { pldAccountant } from '../../../src/privacy/accounting/pld.ts'
import { outcomeAt } from '../../../src/privacy/accounting/privacy-loss.ts'
import { normalTail } from '../../../src/privacy/accounting/special-functions.ts'
import { relativeError, VECTORS } from './vectors.ts'
import type { Accountant } from '../../../src/privacy/accounting/accountant.ts'

function accountant (...events: Array<[sampleRate: number, noiseMultiplier: number, steps: number]>): Accountant {
  return events.reduce((sum, [sampleRate, noiseMultiplier, steps]) => sum.compose({ sampleRate, noiseMultiplier, steps }), pldAccountant())
}

describe('PLD accountant', () => {
  it.each(VECTORS.eps)('agrees with dp_accounting: q $q, sigma $sigma, $steps steps, delta $delta', ({ q, sigma, steps, delta, eps_pld: expected }) => {
    const epsilon = accountant([q, sigma, steps]).epsilon(delta)

    expect(relativeError(epsilon, expected)).toBeLessThan(3e-4)
    // That one discretises too, on a grid of 1e-4, and errs upwards by up to 1.2e-4
    expect(epsilon).toBeGreaterThan(expected - 1.5e-4)
  })

  // A plain FFT without a tilt, losses rounded to the nearest point, at two spacings that agree to the digits given
  it.each<[string, Array<[number, number, number]>, number, number]>([
    ['100 steps', [[0.01, 1, 100]], 1e-5, 0.71803566],
    ['10,000 small steps', [[0.01, 4, 10_000]], 1e-5, 0.9468668],
    ['heavy tails', [[0.001, 0.6, 20_000]], 1e-6, 3.7467],
    ['little noise', [[0.2, 0.5, 3]], 1e-5, 11.5153986],
    ['half of the examples', [[0.5, 1, 20]], 1e-6, 16.8643197],
    ['three kinds', [[0.01, 1, 500], [0.05, 2, 200], [1, 10, 3]], 1e-5, 2.1592482]
  ])('is an upper bound, and a tight one: %s', (_, events, delta, exact) => {
    const epsilon = accountant(...events).epsilon(delta)

    expect(epsilon).toBeGreaterThan(exact)
    expect(epsilon).toBeLessThan(exact * (1 + 3e-4))
  })

  it.each([[0.05, 3.110654e-4], [0.1, 7.290038e-5], [0.2, 9.908568e-6], [0.5, 2.214519e-7], [1, 2.732009e-9]])('has the closed form of one step, epsilon %d', (epsilon, delta) => {
    expect(relativeError(accountant([0.01, 1, 1]).delta(epsilon), delta)).toBeLessThan(1e-5)
  })

  it.each<[number, number]>([[0.01, 1], [0.3, 0.4], [1e-5, 0.25], [0.7, 20]])('is never below the closed form of one step, q %d, sigma %d', (q, sigma) => {
    const one = accountant([q, sigma, 1])
    for (const epsilon of [1e-4, 0.01, 0.3, 1, 4, 10]) {
      const x = outcomeAt({ sampleRate: q, noiseMultiplier: sigma }, epsilon)
      const exact = (1 - q) * normalTail(x / sigma) + q * normalTail((x - 1) / sigma) - Math.exp(epsilon) * normalTail(x / sigma)

      // The difference above loses its own digits
      expect(one.delta(epsilon)).toBeGreaterThan(exact * (1 - 1e-9) - 1e-16)
      // Where epsilon is less than the grid can tell from 0, delta is that of 0 at worst
      expect(one.delta(epsilon)).toBeLessThan((epsilon < 1e-3 ? 1.1 : 1.001) * exact + 1e-16)
    }
  })

  it('has the deltas that the tests of dp_accounting expect', () => {
    expect(Math.abs(accountant([0.2, 0.5, 3]).delta(1) - 0.15594)).toBeLessThan(1e-4)
    expect(relativeError(accountant([1, Math.sqrt(3), 3]).delta(1), 0.126936)).toBeLessThan(1e-5)
  })

  it('counts what samples nothing as one Gaussian mechanism, exactly', () => {
    const { eps_exact_gaussian: exact, delta } = VECTORS.eps.find(({ q, sigma, steps }) => q === 1 && sigma === 5 && steps === 100)!

    expect(relativeError(accountant([1, 5, 36], [1, 2.5, 16]).epsilon(delta), exact!)).toBeLessThan(1e-10)
  })

  it('counts the same whether equal mechanisms are composed one by one or all at once', () => {
    const whole = accountant([0.01, 1, 1000], [0.02, 2, 10])

    expect(accountant([0.01, 1, 300], [0.02, 2, 10], [0.01, 1, 700]).epsilon(1e-5)).toBe(whole.epsilon(1e-5))
    expect(relativeError(accountant([0.01, 1, 500], [0.01, 1 + 1e-12, 500]).epsilon(1e-5), accountant([0.01, 1, 1000]).epsilon(1e-5))).toBeLessThan(1e-4)
    expect(relativeError(accountant([0.01, 1, 1000], [1, 1e6, 1]).epsilon(1e-5), accountant([0.01, 1, 1000]).epsilon(1e-5))).toBeLessThan(1e-4)
  })

  it('leads from epsilon back to delta', () => {
    for (const delta of [1e-2, 1e-5, 1e-9, 1e-30]) {
      const many = accountant([0.01, 1, 1000])

      expect(Math.abs(Math.log(many.delta(many.epsilon(delta)) / delta))).toBeLessThan(2e-3)
    }
  })

  it('finds that delta alone may cover the whole leak', () => {
    expect(accountant([1e-6, 1, 1]).epsilon(1e-5)).toBe(0)
    expect(accountant([1e-6, 1, 100]).epsilon(1e-5)).toBe(0)
    // Whoever takes part is seen, but hardly anyone does
    expect(accountant([1e-6, 1e-200, 3]).epsilon(1e-5)).toBe(0)
    expect(relativeError(accountant([1e-6, 1e-200, 3]).delta(10), 3e-6)).toBeLessThan(1e-9)
    expect(accountant([1e-6, 1, 100]).delta(0)).toBeGreaterThan(5.1416e-6)
    expect(accountant([1e-6, 1, 100]).delta(0)).toBeLessThan(5.16e-6)
  })

  it('finds the delta of the worse direction where that of the other one is beyond float64', () => {
    const mixed = accountant([2.3e-4, 0.3, 200], [3e-4, 80, 100_000])

    expect(Math.abs(Math.log(mixed.delta(mixed.epsilon(1e-6)) / 1e-6))).toBeLessThan(0.01)
  })

  it('forgets transforms rather than fill the memory', () => {
    let epsilon = Infinity
    for (let sigma = 2; sigma < 6; sigma += 0.1) {
      const next = pldAccountant().compose({ sampleRate: 0.1, noiseMultiplier: sigma, steps: 100 }).epsilon(1e-5)

      expect(next).toBeLessThan(epsilon)
      epsilon = next
    }
  })
})

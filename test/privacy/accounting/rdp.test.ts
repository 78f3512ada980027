import { describe, expect, it } from 'vitest'
import { deltaOfRdp, epsilonOfRdp } from '../../../src/privacy/accounting/rdp-conversion.ts'
import { rdpAccountant } from '../../../src/privacy/accounting/rdp.ts'
import { sampledGaussianDivergence } from '../../../src/privacy/accounting/renyi-divergence.ts'
import { relativeError, VECTORS } from './vectors.ts'

const WHOLE_ORDERS = Array.from({ length: 63 }, (_, i) => i + 2)

describe('Rényi divergence of the sampled Gaussian', () => {
  it.each(VECTORS.rdp_single_order)('agrees with dp_accounting at q $q, sigma $sigma, order $alpha', ({ q, sigma, alpha, rdp_lib: expected }) => {
    expect(relativeError(sampledGaussianDivergence({ sampleRate: q, noiseMultiplier: sigma }, alpha), expected)).toBeLessThan(1e-8)
  })

  it.each(VECTORS.rdp_single_order)('is never below 40-digit quadrature at q $q, sigma $sigma, order $alpha', ({ q, sigma, alpha, rdp_quadrature: exact }) => {
    const divergence = sampledGaussianDivergence({ sampleRate: q, noiseMultiplier: sigma }, alpha)

    expect(divergence).toBeGreaterThanOrEqual(exact * (1 - 1e-12))
    expect(divergence).toBeLessThan(exact * (Number.isInteger(alpha) ? 1 + 1e-12 : 1.05))
  })

  it('agrees with the values in the tests of dp_accounting', () => {
    const divergences = [1.5, 2.5, 5, 50, 100].map((order) => 50 * sampledGaussianDivergence({ sampleRate: 0.01, noiseMultiplier: 2.5 }, order))

    for (const [at, expected] of [6.70579741e-4, 1.08548710e-3, 2.18075656e-3, 2.38460375e-2, 1.67416308e2].entries()) {
      expect(relativeError(divergences[at]!, expected)).toBeLessThan(1e-4)
    }
  })

  it('excludes a small fractional order whose series does not converge', () => {
    const divergences = [1.1, 1.2, 1.3, 1.4].map((order) => sampledGaussianDivergence({ sampleRate: 0.1, noiseMultiplier: 1 }, order))

    expect(divergences).toContain(Infinity)
  })

  it('keeps its digits when the divergence is far below the rounding of 1', () => {
    // To first order in q^2: alpha q^2 (e^{1 / sigma^2} - 1) / 2
    const divergence = sampledGaussianDivergence({ sampleRate: 1e-9, noiseMultiplier: 2 }, 3)

    expect(relativeError(divergence, 1.5e-18 * Math.expm1(0.25))).toBeLessThan(1e-6)
  })

  it('is infinite, not NaN, when it overflows', () => {
    for (const order of [1.5, 2, 10.3, 1024]) {
      expect(sampledGaussianDivergence({ sampleRate: 0.01, noiseMultiplier: 1e-160 }, order)).toBe(Infinity)
      expect(sampledGaussianDivergence({ sampleRate: 1, noiseMultiplier: 1e-200 }, order)).toBe(Infinity)
    }
  })
})

describe('conversion of Rényi divergences', () => {
  const orders = Array.from({ length: 31 }, (_, i) => i + 2)
  const divergences = orders.map(() => 1.1)

  it('agrees with the value in the tests of dp_accounting, and back', () => {
    const { epsilon, order } = epsilonOfRdp({ orders, divergences }, 1e-5)

    expect(relativeError(epsilon, 1.32783806176)).toBeLessThan(1e-11)
    expect(order).toBe(32)
    expect(relativeError(deltaOfRdp({ orders, divergences }, 1.32783806176).delta, 1e-5)).toBeLessThan(1e-8)
  })

  it('knows from the Kullback–Leibler bound that a tiny divergence costs no epsilon', () => {
    expect(epsilonOfRdp({ orders: [2], divergences: [1e-11] }, 1e-5).epsilon).toBe(0)
    expect(epsilonOfRdp({ orders: [2], divergences: [1e-9] }, 1e-5).epsilon).toBeGreaterThan(0)
    expect(relativeError(deltaOfRdp({ orders: [2], divergences: [1e-10] }, 0).delta, 1e-5)).toBeLessThan(1e-6)
  })

  it('proves nothing without a finite order', () => {
    expect(epsilonOfRdp({ orders, divergences: orders.map(() => Infinity) }, 1e-5).epsilon).toBe(Infinity)
    expect(deltaOfRdp({ orders, divergences: orders.map(() => Infinity) }, 3).delta).toBe(1)
  })
})

describe('RDP accountant', () => {
  it.each(VECTORS.eps)('agrees with dp_accounting: q $q, sigma $sigma, $steps steps, delta $delta', ({ q, sigma, steps, delta, ...expected }) => {
    const event = { sampleRate: q, noiseMultiplier: sigma, steps }

    expect(relativeError(rdpAccountant().compose(event).epsilon(delta), expected.eps_rdp)).toBeLessThan(1e-7)
    expect(relativeError(rdpAccountant(WHOLE_ORDERS).compose(event).epsilon(delta), expected.eps_rdp_integer_orders_2_64)).toBeLessThan(1e-9)
  })

  it('gives the delta that leads back to epsilon', () => {
    const accountant = rdpAccountant().compose({ sampleRate: 0.01, noiseMultiplier: 1, steps: 1000 })

    expect(relativeError(accountant.delta(accountant.epsilon(1e-5)), 1e-5)).toBeLessThan(1e-9)
  })

  it('refuses an order that is not above 1', () => {
    expect(() => rdpAccountant([2, 1])).toThrow(new RangeError('an order must be a finite number above 1, not 1'))
  })
})

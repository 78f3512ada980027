import { describe, expect, it } from 'vitest'
import { gaussianDelta, gaussianEpsilon } from '../../../src/privacy/accounting/gaussian-mechanism.ts'
import { relativeError, VECTORS } from './vectors.ts'

describe('the Gaussian mechanism', () => {
  it.each(VECTORS.eps.filter(({ q }) => q === 1))('has the exact epsilon: sigma $sigma, $steps steps', ({ sigma, steps, delta, eps_exact_gaussian: exact }) => {
    const epsilon = gaussianEpsilon(Math.sqrt(steps) / sigma, delta)

    expect(relativeError(epsilon, exact!)).toBeLessThan(1e-11)
    expect(relativeError(gaussianDelta(Math.sqrt(steps) / sigma, epsilon), delta)).toBeLessThan(1e-9)
  })

  it('has the delta that the tests of dp_accounting expect: three steps of sigma sqrt(3)', () => {
    expect(relativeError(gaussianDelta(1, 1), 0.126936)).toBeLessThan(1e-5)
  })

  it('has no epsilon above 0 where delta is the whole distance of the two distributions', () => {
    expect(gaussianEpsilon(1e-6, 1e-5)).toBe(0)
    expect(gaussianEpsilon(1, 0.4)).toBe(0)
  })

  it('is finite far out, and infinite only where all is told', () => {
    expect(gaussianEpsilon(1e9, 1e-5)).toBeGreaterThan(4.9e17)
    expect(gaussianEpsilon(Infinity, 1e-5)).toBe(Infinity)
    expect(gaussianDelta(Infinity, 3)).toBe(1)
    expect(gaussianDelta(1, Infinity)).toBe(0)
    expect(gaussianDelta(100, 0)).toBe(1)
    expect(gaussianDelta(1, 60)).toBe(0)
  })
})

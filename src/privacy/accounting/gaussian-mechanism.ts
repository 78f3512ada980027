/**
 * The Gaussian mechanism without sampling, exactly
 *
 * Balle, Wang 2018, "Improving the Gaussian mechanism for differential privacy", theorem 8:
 * delta(epsilon) = Phi(mu / 2 - epsilon / mu) - e^epsilon Phi(-mu / 2 - epsilon / mu), where mu = 1 / noiseMultiplier.
 * Steps compose exactly: mu^2 adds up (Dong, Roth, Su 2022, "Gaussian differential privacy", corollary 3.3).
 */
import { erfcx } from './special-functions.ts'

/** Relative; the formula below is good to 1e-14 of its larger term */
const ROUNDING = 1e-13

/**
 * delta at this epsilon >= 0, an upper bound within 1e-12; `mu` > 0 is the distance of the means in standard deviations
 */
export function gaussianDelta (mu: number, epsilon: number): number {
  if (mu === Infinity) {
    return 1
  }
  if (epsilon === Infinity) {
    return 0
  }
  const near = (epsilon / mu - mu / 2) * Math.SQRT1_2
  const far = (epsilon / mu + mu / 2) * Math.SQRT1_2
  // With e^epsilon drawn into the second term both have the factor e^(-near^2), so that nothing overflows
  const scale = 0.5 * Math.exp(-near * near)
  const head = near < -20 ? 1 : scale * erfcx(near)
  return Math.min(1, Math.max(0, head - scale * erfcx(far)) + ROUNDING * head)
}

/** Least epsilon >= 0 at this delta in (0, 1), an upper bound within 1e-12, relative */
export function gaussianEpsilon (mu: number, delta: number): number {
  if (mu === Infinity) {
    return Infinity
  }
  if (gaussianDelta(mu, 0) <= delta) {
    return 0
  }
  let low = 0
  let high = Math.max(mu, mu * mu)
  while (gaussianDelta(mu, high) > delta) {
    low = high
    high *= 2
  }
  while (high - low > 1e-13 * high) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) {
      break
    }
    if (gaussianDelta(mu, middle) > delta) {
      low = middle
    } else {
      high = middle
    }
  }
  return high
}

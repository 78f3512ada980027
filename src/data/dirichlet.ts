/**
 * Random proportions: the symmetric Dirichlet distribution, from gamma variates
 *
 * Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26(3), 2000. All in logarithms: for a
 * small alpha the variates themselves underflow to zero. No Math.pow, whose last bit differs between engines.
 */
import { seededNormal } from '../seeded-random.ts'
import type { Random } from '../interface.ts'

/** Gamma(shape, 1) for shape >= 1: section 3 of the paper. Rejects less than 5 % of its proposals */
function gammaAboveOne (shape: number, random: Random, normal: () => number): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal()
    const root = 1 + c * x
    const v = root * root * root
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return d * v
    }
  }
}

/** ln of a Gamma(shape, 1) variate. Below one: Gamma(shape + 1) times U^(1 / shape), section 6 of the paper */
function logGamma (shape: number, random: Random, normal: () => number): number {
  if (shape >= 1) {
    return Math.log(gammaAboveOne(shape, random, normal))
  }
  return Math.log(gammaAboveOne(shape + 1, random, normal)) + Math.log(1 - random()) / shape
}

/**
 * `count` proportions that add up to 1; the smaller `alpha`, the fewer of them matter. Throws RangeError unless alpha >
 * 0 and finite
 */
export function dirichlet (alpha: number, count: number, random: Random): Float64Array {
  if (!(alpha > 0 && Number.isFinite(alpha))) {
    throw new RangeError(`alpha of a Dirichlet split must be a positive number, not ${alpha}`)
  }
  const normal = seededNormal(random)
  const logs = Float64Array.from({ length: count }, () => logGamma(alpha, random, normal))
  const largest = logs.reduce((a, b) => Math.max(a, b), -Infinity)
  const weights = logs.map((log) => Math.exp(log - largest))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / sum)
}

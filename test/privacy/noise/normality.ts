/**
 * What tells draws of N(0, 1) from anything else
 *
 * Every limit is at about 4.5 standard errors, or a chance of 1e-5, of a correct sampler, and the draws under test come
 * from fixed keys: a fault is a fault of the sampler and not of the day. noise-faults.test.ts shows that each statistic
 * rejects samplers that are broken in its way.
 */

/** Standard errors */
const LIMIT = 4.5
const TAILS = [3, 4, 5]
const CHANCE = 1e-5
const CELLS = 2 ** 16
/** The lowest bits, and the highest of those 52 - 23 = 29 that a float32 has not */
const LOW_BITS = [0, 13]
/** Where the ziggurat turns to its tail, and draws come from other code */
const FAR = 3.654152885361009

const SERIES = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223]

/** P(Z > x), x >= 0, within 1.2e-7 of its value relatively: erfc of Press et al., Numerical Recipes, 6.2.2 */
export function upperTail (x: number): number {
  const z = x / Math.SQRT2
  const t = 1 / (1 + 0.5 * z)
  let series = 0
  for (const coefficient of SERIES) {
    series = series * t + coefficient
  }
  return 0.5 * t * Math.exp(-z * z + series)
}

function cumulative (x: number): number {
  return x > 0 ? 1 - upperTail(x) : upperTail(-x)
}

/** max |F_n - F| of ascending values */
function kolmogorovSmirnov (sorted: Float64Array, distribution: (x: number) => number): number {
  let distance = 0
  for (let i = 0; i < sorted.length; i++) {
    const expected = distribution(sorted[i]!)
    distance = Math.max(distance, expected - i / sorted.length, (i + 1) / sorted.length - expected)
  }
  return distance
}

/** Of a distance over n values at least this large, by Kolmogorov's limit: 2 exp(-2 n D²) */
function chanceOfDistance (distance: number, n: number): number {
  return 2 * Math.exp(-2 * n * distance * distance)
}

/** The smaller of P(X <= count) and P(X >= count), X a binomial of rare events, which is Poisson's distribution */
function chanceOfCount (count: number, mean: number): number {
  let term = Math.exp(-mean)
  let below = 0
  for (let k = 0; k < count; k++) {
    below += term
    term *= mean / (k + 1)
  }
  return Math.min(below + term, 1 - below)
}

/** As chanceOfCount, by the normal approximation where it is good and Poisson's numbers underflow */
function isUnlikelyCount (count: number, mean: number): boolean {
  return mean > 100 ? Math.abs(count - mean) > LIMIT * Math.sqrt(mean) : chanceOfCount(count, mean) < CHANCE
}

interface Sums {
  powers: number[]
  products: number
  positive: number
}

function sumsOf (draws: Float64Array): Sums {
  const sums: Sums = { powers: [0, 0, 0, 0], products: 0, positive: 0 }
  let previous = 0
  for (const x of draws) {
    const square = x * x
    sums.powers[0]! += x
    sums.powers[1]! += square
    sums.powers[2]! += square * x
    sums.powers[3]! += square * square
    sums.products += x * previous
    sums.positive += x > 0 ? 1 : 0
    previous = x
  }
  return sums
}

/** In standard errors under N(0, 1) */
function deviationsOf (draws: Float64Array): Record<string, number> {
  const n = draws.length
  const { powers, products, positive } = sumsOf(draws)
  const [mean, second, third, fourth] = powers.map((sum) => sum / n) as [number, number, number, number]
  const variance = second - mean * mean
  const skewness = (third - 3 * mean * second + 2 * mean ** 3) / variance ** 1.5
  const kurtosis = (fourth - 4 * mean * third + 6 * mean * mean * second - 3 * mean ** 4) / variance ** 2
  return {
    mean: mean * Math.sqrt(n),
    variance: (variance - 1) * Math.sqrt(n / 2),
    skewness: skewness * Math.sqrt(n / 6),
    kurtosis: (kurtosis - 3) * Math.sqrt(n / 24),
    'lag-1 autocorrelation': products / variance / Math.sqrt(n),
    'sign balance': (2 * positive - n) / Math.sqrt(n)
  }
}

function tailFaults (sorted: Float64Array): string[] {
  const n = sorted.length
  return TAILS.flatMap((edge) => {
    const mean = n * upperTail(edge)
    const faults: string[] = []
    if (isUnlikelyCount(n - firstAbove(sorted, edge), mean)) {
      faults.push(`tail above ${edge}`)
    }
    if (isUnlikelyCount(firstAbove(sorted, -edge), mean)) {
      faults.push(`tail below -${edge}`)
    }
    return faults
  })
}

/** Index of the first of the ascending values that is above x */
function firstAbove (sorted: Float64Array, x: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! > x) {
      high = middle
    } else {
      low = middle + 1
    }
  }
  return low
}

/** The draws beyond FAR, both sides folded together, against the normal distribution given that it is beyond */
function isFarTailOff (sorted: Float64Array): boolean {
  const far = sorted.filter((x) => Math.abs(x) > FAR).map(Math.abs).sort()
  const distance = kolmogorovSmirnov(far, (x) => 1 - upperTail(x) / upperTail(FAR))
  return chanceOfDistance(distance, far.length) < CHANCE
}

/** 16 neighbouring bits of the draws, from bit `shift` on, take each of their 65,536 values alike often: chi-square */
function areBitsOff (draws: Float64Array, shift: number): boolean {
  const words = new Uint32Array(draws.buffer, draws.byteOffset, 2 * draws.length)
  const counts = new Float64Array(CELLS)
  for (let i = 0; i < words.length; i += 2) {
    counts[(words[i]! >>> shift) & (CELLS - 1)]! += 1
  }
  const mean = draws.length / CELLS
  let chiSquare = 0
  for (const count of counts) {
    chiSquare += (count - mean) ** 2 / mean
  }
  return Math.abs(chiSquare - CELLS + 1) > LIMIT * Math.sqrt(2 * CELLS)
}

/** Names of the statistics in which the draws are not independent ones of N(0, 1) in full float64 */
export function normalityFaults (draws: Float64Array): string[] {
  const sorted = draws.slice().sort()
  const faults = Object.entries(deviationsOf(draws)).filter(([, deviation]) => !(Math.abs(deviation) < LIMIT)).map(([name]) => name)
  faults.push(...tailFaults(sorted))
  if (!(chanceOfDistance(kolmogorovSmirnov(sorted, cumulative), draws.length) > CHANCE)) {
    faults.push('distribution')
  }
  if (isFarTailOff(sorted)) {
    faults.push('far tail')
  }
  if (LOW_BITS.some((shift) => areBitsOff(draws, shift))) {
    faults.push('low bits')
  }
  return faults
}

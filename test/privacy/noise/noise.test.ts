import { describe, expect, it } from 'vitest'
import { createKeystreamNoise } from '../../../src/privacy/noise/keystream-noise.ts'
import { createSecureNoise } from '../../../src/privacy/noise/secure-noise.ts'
import { RandomWords } from '../../../src/privacy/noise/random-words.ts'
import { standardNormal, TAIL_START, zigguratTables } from '../../../src/privacy/noise/ziggurat.ts'
import { normalityFaults } from './normality.ts'
import { seededKeystream, seededNoise } from './seeded-noise.ts'
import type { NoiseSource } from '../../../src/privacy/noise/noise-source.ts'

/**
 * A draw is a low word and a high one: the layer in 8 bits, the sign, two bits without a meaning, 21 of the position
 */
function draw (layer: number, position: number, negative = false): [low: number, high: number] {
  const high = Math.floor(position * 2 ** 21)
  return [(position * 2 ** 21 - high) * 2 ** 32, ((layer << 24) | (negative ? 1 << 23 : 0) | high) >>> 0]
}

/** The words that make a uniform number of (k + 1) 2^-53 */
function uniform (k: bigint): [low: number, high: number] {
  return [Number(k & 0xffffffffn), Number(k >> 32n)]
}

/** Gives the words in order, then those of a fixed key */
function scripted (...pairs: ReadonlyArray<readonly [number, number]>): NoiseSource {
  const keystream = seededKeystream('scripted')
  let script = pairs.flat()
  return createKeystreamNoise((words) => {
    keystream(words)
    words.set(script)
    script = []
  })
}

function gaussians (source: NoiseSource, count: number, deviation = 1): Float64Array {
  const draws = new Float64Array(count)
  source.addGaussian(draws, deviation)
  return draws
}

describe('Gaussian noise', () => {
  it.each([1, 2])('passes every statistic on 10^7 draws of fixed key %s', (seed) => {
    expect(normalityFaults(gaussians(seededNoise(seed), 1e7))).toEqual([])
  })

  it.each([0.25, 4])('has a deviation, not a variance, of %s', (deviation) => {
    const draws = gaussians(seededNoise('deviation'), 1e6, deviation)
    expect(normalityFaults(draws.map((value) => value / deviation))).toEqual([])
  })

  it('passes every statistic with the production source', () => {
    // truly random, so that one statistic may be off once in thousands of runs, but hardly in two sources at once
    const faults = [1, 2].map(() => normalityFaults(gaussians(createSecureNoise(), 1e6)))
    expect(faults).toContainEqual([])
  })

  it('is added to what is there, in float64', () => {
    const noise = gaussians(seededNoise('sum'), 1000, 3)
    const sums = Float64Array.from({ length: 1000 }, (_, i) => 1e6 / (i + 1))
    const expected = sums.map((sum, i) => sum + noise[i]!)
    seededNoise('sum').addGaussian(sums, 3)
    expect(sums).toEqual(expected)
  })

  it('is one draw after the other, each pair of words taken once, to the last bit', () => {
    const random = new RandomWords(seededKeystream('in order'))
    // a thousand buffers, so that points that need more words than a pair meet the end of some
    const expected = Float64Array.from({ length: 2e6 }, () => 2 * standardNormal(random))
    const draws = gaussians(createKeystreamNoise(seededKeystream('in order')), expected.length, 2)
    expect(draws.findIndex((value, i) => value !== expected[i])).toBe(-1)
  })

  it('touches no element outside a view', () => {
    const sums = new Float64Array(10)
    seededNoise(1).addGaussian(sums.subarray(3, 6), 1)
    expect([...sums].map((value) => value !== 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => i >= 3 && i < 6))
  })

  it.each([0, -1, NaN, Infinity])('refuses a deviation of %s and leaves the sums alone', (deviation) => {
    const sums = Float64Array.of(1, 2, 3)
    expect(() => { seededNoise(1).addGaussian(sums, deviation) }).toThrow(RangeError)
    expect([...sums]).toEqual([1, 2, 3])
  })

  it('fails where the machine gives no randomness', () => {
    const source = createKeystreamNoise(() => { throw new Error('no entropy') })
    expect(() => { source.addGaussian(new Float64Array(1), 1) }).toThrow('no entropy')
    expect(() => source.sample(1, 0.5)).toThrow('no entropy')
  })
})

describe('the ziggurat', () => {
  const { edges, heights } = zigguratTables()

  const area = edges[0]! * heights[1]!

  /**
   * Density of |x| in all that is drawn, by the tables alone: layers are met alike often, points are even over a width
   */
  function densityOfTables (x: number): number {
    let density = x < TAIL_START ? 1 / edges[0]! : 0
    for (let layer = 1; layer < 256; layer++) {
      const bottom = heights[layer]!
      const kept = (Math.exp(-0.5 * x * x) - bottom) / (heights[layer + 1]! - bottom)
      density += x < edges[layer]! ? Math.min(1, Math.max(0, kept)) / edges[layer]! : 0
    }
    return density / 256
  }

  it('has the density of the normal distribution within 1e-13 everywhere before its tail', () => {
    let worst = 0
    for (let x = 0.0003; x < TAIL_START; x += 0.0007) {
      // what is above the curve is drawn again: 256 areas are drawn from, sqrt(pi / 2) is kept
      worst = Math.max(worst, Math.abs(256 * area * densityOfTables(x) * Math.exp(0.5 * x * x) - 1))
    }
    expect(worst).toBeLessThan(1e-13)
  })

  it('has a tail of the right probability', () => {
    const drawn = (1 - TAIL_START / edges[0]!) / 256
    const kept = Math.sqrt(Math.PI / 2) / (256 * area)
    // 2 P(Z > 3.654152885361009), from 30 digits
    expect(Math.abs(drawn / kept / 2.580324876539009e-4 - 1)).toBeLessThan(1e-12)
  })

  it('takes a point below the next layer at once, on the side that the sign says', () => {
    const x = 0.5 * edges[7]!
    expect([...gaussians(scripted(draw(7, 0.5), draw(7, 0.5, true)), 2)]).toEqual([x, -x])
  })

  it('lets a uniform height decide on a point beyond the edge of the next layer', () => {
    const position = 0.5 * (1 + edges[101]! / edges[100]!)
    const [low, high] = draw(100, position)
    const exact = ((high & 0x1fffff) * 2 ** 32 + Math.floor(low)) * 2 ** -53 * edges[100]!
    const limit = (Math.exp(-0.5 * exact * exact) - heights[100]!) / (heights[101]! - heights[100]!)
    const height = (u: number): [number, number] => uniform(BigInt(Math.round(u * 2 ** 53)))
    const replacement = draw(50, 0.25)
    expect(gaussians(scripted([low, high], height(limit - 1e-9), replacement), 1)[0]).toBe(exact)
    expect(gaussians(scripted([low, high], height(limit + 1e-9), replacement), 1)[0]).toBe(0.25 * edges[50]!)
  })

  it.each([false, true])('draws beyond the base strip from the exact tail (negative: %s)', (negative) => {
    const beyond = draw(0, 1 - 2 ** -20, negative)
    const u = 2 ** -3
    const accepted = TAIL_START - Math.log(u) / TAIL_START
    const first = uniform(2n ** 50n - 1n)
    // the second uniform number decides: 1 has no logarithm to be accepted by, 2^-53 always is
    const rejecting = [uniform(2n ** 51n - 1n), uniform(2n ** 53n - 1n)] as const
    const value = gaussians(scripted(beyond, ...rejecting, first, uniform(0n)), 1)[0]!
    expect(value).toBeCloseTo(negative ? -accepted : accepted, 14)
  })

  it('reaches 12.2 deviations, and nothing beyond', () => {
    const beyond = draw(0, 1 - 2 ** -20)
    // accepted while -2 ln(u2) > (ln(u1) / r)²: at the smallest u2, 2^-53, up to this
    const farthest = Math.sqrt(2 * 53 * Math.LN2)
    const position = (distance: number): [number, number] => uniform(BigInt(Math.round(Math.exp(-distance * TAIL_START) * 2 ** 53) - 1))
    expect(gaussians(scripted(beyond, position(farthest - 0.01), uniform(0n)), 1)[0]).toBeCloseTo(TAIL_START + farthest - 0.01, 2)
    expect(gaussians(scripted(beyond, position(farthest + 0.01), uniform(0n)), 1)[0]).toBeLessThan(5)
  })
})

describe('Poisson sampling', () => {
  it('takes nobody with 0, everybody with 1 and nobody of none', () => {
    const source = createSecureNoise()
    expect([...source.sample(1000, 0)]).toEqual([])
    expect([...source.sample(1000, 1)]).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect([...source.sample(0, 0.5)]).toEqual([])
  })

  it('decides with all 53 bits, and never above the probability', () => {
    const least = uniform(0n)
    const half = 2n ** 52n - 1n
    expect([...scripted(uniform(half), uniform(half + 1n), least).sample(3, 0.5)]).toEqual([0, 2])
    expect([...scripted(least, uniform(1n)).sample(2, 2 ** -53)]).toEqual([0])
    // between 2^-53 and 2^-52: rounded down
    expect([...scripted(least, uniform(1n)).sample(2, 1.9 * 2 ** -53)]).toEqual([0])
    expect([...scripted(least).sample(1, 0.9 * 2 ** -53)]).toEqual([])
    expect([...scripted(uniform(2n ** 53n - 1n), uniform(2n ** 53n - 2n)).sample(2, 1 - 2 ** -53)]).toEqual([1])
  })

  it.each([0.001, 0.01, 0.3, 0.9])('chooses each index independently with probability %s', (q) => {
    const source = seededNoise(`sample ${q}`)
    const count = 500
    const repeats = 4000
    const chosen = new Float64Array(count)
    let pairs = 0
    const sizes = Array.from({ length: repeats }, () => {
      const indexes = source.sample(count, q)
      indexes.forEach((index, at) => {
        chosen[index]! += 1
        pairs += at > 0 && indexes[at - 1] === index - 1 ? 1 : 0
      })
      return indexes.length
    })
    const error = Math.sqrt(q * (1 - q))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(Math.abs(total - count * repeats * q)).toBeLessThan(4 * error * Math.sqrt(count * repeats))
    // no index is favoured: chi-square over `count` cells within 4 of its standard errors
    const chiSquare = chosen.reduce((sum, times) => sum + (times - repeats * q) ** 2, 0) / (repeats * q * (1 - q))
    expect(Math.abs(chiSquare - count)).toBeLessThan(4 * Math.sqrt(2 * count))
    // the size varies as a binomial's does, which a batch of fixed size or a shuffle's would not
    const variance = sizes.reduce((sum, size) => sum + (size - count * q) ** 2, 0) / repeats
    expect(Math.abs(variance / (count * q * (1 - q)) - 1)).toBeLessThan(4 * Math.sqrt(2 / repeats))
    // neighbours are chosen together as often as chance says; pairs that share an index go together, hence 3 q
    const expected = repeats * (count - 1) * q * q
    expect(Math.abs(pairs - expected)).toBeLessThan(4 * Math.sqrt(expected * (1 + 3 * q)) + 4)
  })

  it.each([[-1, 0.5], [1.5, 0.5], [2 ** 32, 0.5], [NaN, 0.5], [10, -0.1], [10, 1.1], [10, NaN]])('refuses a count of %s with a probability of %s', (count, probability) => {
    expect(() => seededNoise(1).sample(count, probability)).toThrow(RangeError)
  })
})

describe('sources', () => {
  it('repeat themselves for equal seeds, in tests, and nowhere else', () => {
    expect(gaussians(seededNoise(7), 100)).toEqual(gaussians(seededNoise(7), 100))
    expect(gaussians(seededNoise(7), 100)).not.toEqual(gaussians(seededNoise(8), 100))
    expect(gaussians(createSecureNoise(), 100)).not.toEqual(gaussians(createSecureNoise(), 100))
  })

  it('have no seed in production', () => {
    expect(createSecureNoise).toHaveLength(0)
  })

  it('use no words twice: calls of any size draw what one call draws, from where the last buffer ends', () => {
    const source = createSecureNoise()
    const draws = [1, 2, 2047, 2048, 2049, 10_000].flatMap((count) => [...gaussians(source, count)])
    expect(new Set(draws).size).toBe(draws.length)
  })

  it('erase their words after every call, also after one that fails', () => {
    const seen: Uint32Array[] = []
    const keystream = seededKeystream('erase')
    let isBroken = false
    const source = createKeystreamNoise((words) => {
      seen.push(words)
      keystream(words)
      if (isBroken) {
        throw new Error('no entropy')
      }
    })
    source.addGaussian(new Float64Array(10), 1)
    source.sample(10, 0.5)
    isBroken = true
    expect(() => source.sample(10, 0.5)).toThrow('no entropy')
    expect(seen).toHaveLength(3)
    expect(seen.every((words) => words.every((word) => word === 0))).toBe(true)
  })
})

/**
 * The compiled kernels against plain references
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differenceProducts } from '../../src/aggregators/kernels/difference-products.ts'
import { meanAroundMedian, medianOf, sortingNetwork, trimmedMeanOf } from '../../src/aggregators/kernels/order-statistics.ts'
import { referenceDifferenceProducts } from '../../src/aggregators/kernels/reference/difference-products.ts'
import { referenceMeanAroundMedian, referenceTrimmedMean } from '../../src/aggregators/kernels/reference/order-statistics.ts'
import { referenceWeightedSum } from '../../src/aggregators/kernels/reference/weighted-sum.ts'
import { combine, weightedSum } from '../../src/aggregators/kernels/weighted-sum.ts'
import { seededRandom, shuffle } from '../../src/seeded-random.ts'
import type { Random } from '../../src/interface.ts'

const SPECIAL = [0, -0, 1e-45, -1e-45, 1e-38, 1e30, -1e30, 1, -1, 1.0000001]

function element (random: Random): number {
  return random() < 0.2 ? SPECIAL[Math.floor(random() * SPECIAL.length)]! : (random() - 0.5) * 10 ** Math.floor(random() * 6 - 3)
}

/** Views at odd places of one buffer, so that nothing may assume an alignment */
function vectorsFrom (seed: number, count: number, size: number): Float32Array[] {
  const random = seededRandom(seed)
  const buffer = Float32Array.from({ length: count * (size + 1) + 1 }, () => element(random))
  return Array.from({ length: count }, (_, j) => buffer.subarray(1 + j * (size + 1), 1 + j * (size + 1) + size))
}

const shapes = fc.record({ seed: fc.nat(), count: fc.integer({ min: 1, max: 40 }), size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1023, 1024, 1025, 2051)) })
const RUNS = { numRuns: 120 }

function close (actual: ArrayLike<number>, expected: ArrayLike<number>, scale: (i: number) => number): void {
  expect(actual.length).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    const allowed = 1e-6 * scale(i) + 1e-44
    if (!(Math.abs(actual[i]! - expected[i]!) <= allowed)) {
      expect.fail(`element ${i} is ${actual[i]}, not ${expected[i]} within ${allowed}`)
    }
  }
}

const magnitudes = (vectors: readonly Float32Array[]) => (i: number): number => vectors.reduce((sum, vector) => sum + Math.abs(vector[i]!), 0)

describe('kernels', () => {
  it('multiply differences as the reference does', () => {
    fc.assert(fc.property(shapes, ({ seed, count, size }) => {
      const [reference, ...vectors] = vectorsFrom(seed, count + 1, size)
      const expected = referenceDifferenceProducts(reference!, vectors)
      const norms = vectors.map((_, i) => Math.sqrt(expected[i * count + i]!))
      close(differenceProducts(reference!, vectors), expected, (at) => norms[Math.floor(at / count)]! * norms[at % count]!)
    }), RUNS)
  })

  it('sum with weights as the reference does, one sum and many', () => {
    fc.assert(fc.property(shapes, fc.integer({ min: 1, max: 40 }), ({ seed, count, size }, sums) => {
      const vectors = vectorsFrom(seed, count, size)
      const random = seededRandom(seed + 1)
      const rows = Array.from({ length: sums }, () => Float64Array.from({ length: count }, () => random() < 0.3 ? 0 : random()))
      close(weightedSum(vectors, rows[0]!), referenceWeightedSum(vectors, rows[0]!), (i) => Math.abs(referenceWeightedSum(vectors, rows[0]!)[i]!) + 1e-9 * magnitudes(vectors)(i))
      for (const [s, sum] of combine(vectors, rows).entries()) {
        close(sum, referenceWeightedSum(vectors, rows[s]!), (i) => 4 * magnitudes(vectors)(i))
      }
    }), { numRuns: 60 })
  })

  it('trim, take medians and means around them as the references do', () => {
    fc.assert(fc.property(shapes, fc.nat(), ({ seed, count, size }, any) => {
      const vectors = vectorsFrom(seed, count, size)
      const f = any % (((count - 1) >> 1) + 1)
      const keep = 1 + any % count
      expect(trimmedMeanOf({ vectors }, f)).toEqual(referenceTrimmedMean(vectors, f))
      expect(medianOf({ vectors })).toEqual(referenceTrimmedMean(vectors, (count - 1) >> 1))
      expect(meanAroundMedian({ vectors }, keep)).toEqual(referenceMeanAroundMedian(vectors, keep))
    }), RUNS)
  })

  it('sort weighted sums as if they had been formed before', () => {
    fc.assert(fc.property(shapes, fc.integer({ min: 3, max: 12 }), ({ seed, count, size }, sums) => {
      const vectors = vectorsFrom(seed, count, size)
      const random = seededRandom(seed + 2)
      const rows = Array.from({ length: sums }, () => Float64Array.from({ length: count }, () => random()))
      expect(trimmedMeanOf({ vectors, rows }, 1)).toEqual(trimmedMeanOf({ vectors: combine(vectors, rows) }, 1))
      expect(meanAroundMedian({ vectors, rows }, 2)).toEqual(meanAroundMedian({ vectors: combine(vectors, rows) }, 2))
    }), { numRuns: 40 })
  })

  it('give the same bits for the same numbers in another order', () => {
    fc.assert(fc.property(shapes, ({ seed, count, size }) => {
      const vectors = vectorsFrom(seed, count, size)
      const others = shuffle([...vectors], seededRandom(seed))
      const f = (count - 1) >> 2
      for (const statistic of [(set: readonly Float32Array[]) => medianOf({ vectors: set }), (set: readonly Float32Array[]) => trimmedMeanOf({ vectors: set }, f), (set: readonly Float32Array[]) => meanAroundMedian({ vectors: set }, 1 + (count >> 1))]) {
        const [a, b] = [statistic(vectors), statistic(others)]
        expect(new Uint32Array(a.buffer)).toEqual(new Uint32Array(b.buffer))
      }
    }), RUNS)
  })

  it('mutate nothing', () => {
    const vectors = vectorsFrom(5, 9, 1500)
    const copies = vectors.map((vector) => vector.slice())
    differenceProducts(vectors[0]!, vectors)
    weightedSum(vectors, vectors.map(() => 0.1))
    combine(vectors, [new Float64Array(9).fill(0.1)])
    medianOf({ vectors })
    trimmedMeanOf({ vectors }, 2)
    meanAroundMedian({ vectors }, 3)
    expect(vectors).toEqual(copies)
  })

  it('work for as many vectors as a neighbourhood can have, and for more', () => {
    for (const count of [33, 64, 65, 70]) {
      const vectors = vectorsFrom(count, count, 1030)
      const norms = vectors.map((vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)))
      close(differenceProducts(new Float32Array(1030), vectors), referenceDifferenceProducts(new Float32Array(1030), vectors), (at) => norms[Math.floor(at / count)]! * norms[at % count]!)
      expect(medianOf({ vectors })).toEqual(referenceTrimmedMean(vectors, (count - 1) >> 1))
      expect(weightedSum(vectors, vectors.map(() => 1 / count))).toEqual(referenceWeightedSum(vectors, vectors.map(() => 1 / count)))
      expect(combine(vectors, vectors.map(() => new Float64Array(count).fill(1 / count)))).toHaveLength(count)
    }
  })

  it('sort by networks that sort zeros and ones, and so everything', () => {
    for (let n = 1; n <= 16; n++) {
      const network = sortingNetwork(n)
      for (let bits = 0; bits < 2 ** n; bits++) {
        const ones = bits.toString(2).replaceAll('0', '').length
        expect(exchanged(bits, network)).toBe((2 ** ones - 1) << (n - ones))
      }
    }
  })
})

/** Bits after every comparator has put the smaller of its two first */
function exchanged (bits: number, network: Uint8Array): number {
  let value = bits
  for (let pair = 0; pair < network.length; pair += 2) {
    const [low, high] = [network[pair]!, network[pair + 1]!]
    if ((value >> low & 1) > (value >> high & 1)) {
      value ^= (1 << low) | (1 << high)
    }
  }
  return value
}

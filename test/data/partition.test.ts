import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dirichlet } from '../../src/data/dirichlet.ts'
import { holdOut } from '../../src/data/hold-out.ts'
import { MIN_PART_EXAMPLES, partitionRows, split } from '../../src/data/partition.ts'
import { DatasetError } from '../../src/errors.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { Partition } from '../../src/interface.ts'

const labelsOf = (count: number, classes = 10): Uint16Array => Uint16Array.from({ length: count }, (_, i) => (i * 7 + (i >> 3)) % classes)

const options = fc.record({
  strategy: fc.constantFrom('iid', 'dirichlet', 'shards'),
  count: fc.integer({ min: 1, max: 20 }),
  alpha: fc.double({ min: 0.001, max: 100, noNaN: true }),
  shardsPerPeer: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat()
}) as fc.Arbitrary<Omit<Partition, 'index'>>

/** Mean over parts of the total variation distance between the part's and the whole's class frequencies */
function skew (labels: Uint16Array, parts: Uint32Array[], classes = 10): number {
  const frequencies = (rows: ArrayLike<number>): number[] => {
    const counts = new Array<number>(classes).fill(0)
    for (let i = 0; i < rows.length; i++) {
      counts[labels[rows[i]!]!]! += 1 / rows.length
    }
    return counts
  }
  const all = frequencies(Uint32Array.from(labels, (_, i) => i))
  return parts.reduce((sum, part) => sum + frequencies(part).reduce((distance, f, c) => distance + Math.abs(f - all[c]!) / 2, 0), 0) / parts.length
}

describe('split', () => {
  it('puts every example in exactly one part, ascending', () => {
    fc.assert(fc.property(options, fc.integer({ min: 80, max: 600 }), fc.integer({ min: 1, max: 12 }), (chosen, examples, classes) => {
      const parts = split(labelsOf(examples, classes), chosen)
      expect(parts).toHaveLength(chosen.count)
      for (const part of parts) {
        expect(part.every((row, i) => i === 0 || part[i - 1]! < row)).toBe(true)
        expect(part.length).toBeGreaterThan(0)
      }
      expect(parts.flatMap((part) => [...part]).sort((a, b) => a - b)).toEqual(Array.from({ length: examples }, (_, i) => i))
    }))
  })

  it('depends on labels and options only', () => {
    fc.assert(fc.property(options, (chosen) => {
      const labels = labelsOf(200)
      expect(split(labels, { ...chosen })).toEqual(split(labels.slice(), chosen))
    }), { numRuns: 30 })
  })

  it('gives the same parts as ever, on any machine', () => {
    const labels = labelsOf(60, 3)
    const parts = (strategy: Partition['strategy']): number[] => [...split(labels, { strategy, count: 6, alpha: 0.3, shardsPerPeer: 2, seed: 9 })[2]!]
    expect({ iid: parts('iid'), dirichlet: parts('dirichlet'), shards: parts('shards') }).toMatchInlineSnapshot(`
      {
        "dirichlet": [
          2,
          5,
          10,
          20,
          26,
          29,
          37,
          42,
          50,
          53,
        ],
        "iid": [
          10,
          12,
          17,
          27,
          31,
          39,
          45,
          46,
          49,
          57,
        ],
        "shards": [
          5,
          13,
          17,
          18,
          20,
          31,
          39,
          42,
          44,
          45,
        ],
      }
    `)
  })

  it('differs between seeds', () => {
    const labels = labelsOf(400)
    for (const strategy of ['iid', 'dirichlet', 'shards'] as const) {
      expect(split(labels, { strategy, count: 4, seed: 1 })).not.toEqual(split(labels, { strategy, count: 4, seed: 2 }))
    }
  })

  it('leaves no Dirichlet part with fewer than the minimum, however small alpha is', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 30 }), fc.constantFrom(1e-6, 0.001, 0.05, 0.3), fc.nat(), (count, alpha, seed) => {
      const labels = labelsOf(1000)
      const least = Math.min(MIN_PART_EXAMPLES, Math.floor(1000 / count))
      for (const part of split(labels, { strategy: 'dirichlet', count, alpha, seed })) {
        expect(part.length).toBeGreaterThanOrEqual(least)
      }
    }))
  })

  it('is more skewed the smaller alpha is, and least for iid', () => {
    const labels = labelsOf(8000)
    const mean = (chosen: Partial<Partition> & Pick<Partition, 'strategy'>): number => [1, 2, 3, 4, 5].reduce((sum, seed) => sum + skew(labels, split(labels, { count: 8, seed, ...chosen })) / 5, 0)
    const skews = [mean({ strategy: 'iid' }), ...[10, 1, 0.3, 0.05].map((alpha) => mean({ strategy: 'dirichlet', alpha }))]
    expect(skews).toEqual([...skews].sort((a, b) => a - b))
    expect(skews[0]).toBeLessThan(0.06)
    expect(skews[3]).toBeGreaterThan(0.4)
    expect(skews[4]).toBeGreaterThan(0.65)
  })

  it('cuts iid parts to sizes that differ by one at most', () => {
    const sizes = split(labelsOf(103), { strategy: 'iid', count: 4, seed: 1 }).map((part) => part.length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBe(1)
  })

  it('gives few classes to each peer with two shards', () => {
    const labels = labelsOf(4000)
    for (const part of split(labels, { strategy: 'shards', count: 10, shardsPerPeer: 2, seed: 5 })) {
      expect(new Set([...part].map((row) => labels[row])).size).toBeLessThanOrEqual(4)
    }
  })

  it('refuses impossible options with a RangeError, and too few examples with a DatasetError', () => {
    const labels = labelsOf(100)
    const good: Partition = { index: 0, count: 4, strategy: 'dirichlet', alpha: 0.3, seed: 1 }
    for (const bad of [{ index: 4 }, { index: -1 }, { index: 0.5 }, { count: 0 }, { count: 1e9 }, { alpha: 0 }, { alpha: NaN }, { shardsPerPeer: 0 }, { seed: NaN }]) {
      expect(() => partitionRows(labels, { ...good, ...bad })).toThrow(RangeError)
    }
    expect(() => partitionRows(labels, { ...good, count: 101 })).toThrow(DatasetError)
    expect(() => partitionRows(labels, { ...good, strategy: 'shards', shardsPerPeer: 26 })).toThrow(/100 training examples cannot be split into 104 parts/)
  })
})

describe('dirichlet', () => {
  it('adds up to one for any alpha', () => {
    fc.assert(fc.property(fc.double({ min: 1e-8, max: 1e6, noNaN: true }), fc.integer({ min: 1, max: 40 }), fc.nat(), (alpha, count, seed) => {
      const proportions = dirichlet(alpha, count, seededRandom(seed))
      expect(proportions.every((p) => p >= 0 && p <= 1)).toBe(true)
      expect(proportions.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    }))
  })

  it.each([0.1, 0.3, 1, 5])('has the mean and variance of the distribution at alpha %d', (alpha) => {
    const random = seededRandom(3)
    const count = 5
    const draws = Array.from({ length: 20_000 }, () => dirichlet(alpha, count, random)[0]!)
    const mean = draws.reduce((a, b) => a + b) / draws.length
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length
    expect(mean).toBeCloseTo(1 / count, 2)
    // (1/k)(1 - 1/k) / (k alpha + 1)
    expect(variance / ((1 / count) * (1 - 1 / count) / (count * alpha + 1))).toBeCloseTo(1, 1)
  })
})

describe('holdOut', () => {
  it('sets aside the fraction, from every class, and leaves nothing out', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 400 }), fc.integer({ min: 1, max: 6 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.nat(), (count, classes, fraction, seed) => {
      const { train, test } = holdOut(labelsOf(count, classes), fraction, seed)
      expect([...train, ...test].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
      expect(Math.abs(test.length - count * fraction)).toBeLessThanOrEqual(1)
      expect(train.length).toBeGreaterThan(0)
      expect(test.length).toBeGreaterThan(0)
    }))
  })

  it('keeps the proportions of the classes', () => {
    const labels = labelsOf(1000, 4)
    const { test } = holdOut(labels, 0.2, 1)
    for (let c = 0; c < 4; c++) {
      const share = labels.filter((label) => label === c).length * 0.2
      expect(Math.abs([...test].filter((row) => labels[row] === c).length - share)).toBeLessThanOrEqual(1)
    }
  })

  it('refuses impossible fractions', () => {
    for (const fraction of [0, 1, -1, NaN]) {
      expect(() => holdOut(labelsOf(10), fraction, 1)).toThrow(RangeError)
    }
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededNormal, seededRandom, shuffle } from '../src/seeded-random.ts'

function draw (random: () => number, count: number): number[] {
  return Array.from({ length: count }, random)
}

describe('seededRandom', () => {
  it.each([
    // from a separate implementation, in Python, of FNV-1a, splitmix32 and xoshiro128**
    [1, [1322085210, 3448142222, 3302272250, 76698490, 172264274]],
    ['grapevine', [1289512051, 264917456, 142277393, 2136472445, 87277755]]
  ])('gives the numbers of the reference for seed %s', (seed, expected) => {
    expect(draw(seededRandom(seed), 5).map((value) => value * 2 ** 32)).toEqual(expected)
  })

  it('gives equal sequences for equal seeds, and different ones for different seeds', () => {
    fc.assert(fc.property(fc.oneof(fc.integer(), fc.string()), fc.oneof(fc.integer(), fc.string()), (a, b) => {
      const first = draw(seededRandom(a), 8)
      expect(draw(seededRandom(a), 8)).toEqual(first)
      if (String(a) !== String(b)) {
        expect(draw(seededRandom(b), 8)).not.toEqual(first)
      }
    }))
  })

  it('stays in [0, 1) and is even over ten bins', () => {
    const random = seededRandom('bins')
    const bins = new Uint32Array(10)
    for (const value of draw(random, 100_000)) {
      expect(value >= 0 && value < 1).toBe(true)
      bins[Math.floor(value * 10)]!++
    }
    // chi-square with 9 degrees of freedom: 27.9 is exceeded once in a thousand seeds, and this seed is fixed
    expect(bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9)
  })

  it('has no two streams of neighbouring seeds that go together', () => {
    const a = draw(seededRandom(1), 10_000)
    const b = draw(seededRandom(2), 10_000)
    const correlation = a.reduce((sum, value, index) => sum + (value - 0.5) * (b[index]! - 0.5), 0) / 10_000 * 12
    expect(Math.abs(correlation)).toBeLessThan(0.04)
  })
})

describe('shuffle', () => {
  it('keeps the items, changes the array in place and depends on nothing but the seed', () => {
    fc.assert(fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
      const shuffled = [...items]
      expect(shuffle(shuffled, seededRandom(seed))).toBe(shuffled)
      expect([...shuffled].sort((a, b) => a - b)).toEqual([...items].sort((a, b) => a - b))
      expect(shuffle([...items], seededRandom(seed))).toEqual(shuffled)
    }))
  })

  it('gives each order of three items alike often', () => {
    const random = seededRandom('orders')
    const counts = new Map<string, number>()
    for (let i = 0; i < 60_000; i++) {
      const order = shuffle([0, 1, 2], random).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(6)
    for (const count of counts.values()) {
      expect(Math.abs(count - 10_000)).toBeLessThan(400)
    }
  })
})

describe('seededNormal', () => {
  it('has the moments and the tails of a standard normal distribution', () => {
    const normal = seededNormal(seededRandom('normal'))
    const values = draw(normal, 200_000)
    const moment = (power: number): number => values.reduce((sum, value) => sum + value ** power, 0) / values.length
    expect(Math.abs(moment(1))).toBeLessThan(0.01)
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02)
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1)
    expect(values.filter((value) => Math.abs(value) > 1.96).length / values.length).toBeCloseTo(0.05, 2)
  })

  it('is finite also where the uniform numbers are at their ends', () => {
    const ends = [0, 1 - 2 ** -32]
    for (const a of ends) {
      for (const b of ends) {
        const queue = [a, b]
        expect(Number.isFinite(seededNormal(() => queue.shift()!)())).toBe(true)
      }
    }
  })
})

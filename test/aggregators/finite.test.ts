/**
 * No rule may give back what is not finite, alone or behind a pre-aggregation: a version that is not would end its peer
 * at every start
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AGGREGATION_RULES, createAggregator } from '../../src/aggregators/aggregator.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { inputOf } from '../../src/contracts/aggregator.ts'
import type { AggregationInput } from '../../src/interface.ts'

/** The largest float32 */
const LARGEST = (2 - 2 ** -23) * 2 ** 127
/** The smallest float32 above zero */
const SMALLEST = 2 ** -149

const MOST_VECTORS = 13

/** Judge the neighbours' own models, and cannot follow a pre-aggregation */
const ALONE = ['balance', 'ubar']

const CHAINS = AGGREGATION_RULES.flatMap((rule) => ALONE.includes(rule) ? [rule] : ['', 'nnm+', 'bucketing+', 'nnm+bucketing+', 'bucketing+nnm+'].map((before) => before + rule))

function fill (size: number, value: number): Float32Array {
  return new Float32Array(size).fill(value)
}

/** The own vector first */
const VECTORS: Record<string, (count: number, size: number) => Float32Array[]> = {
  zeros: (count, size) => Array.from({ length: count }, () => fill(size, 0)),
  'zeros of both signs': (count, size) => Array.from({ length: count }, (_, j) => fill(size, j % 2 === 0 ? 0 : -0)),
  identical: (count, size) => Array.from({ length: count }, () => fill(size, 1 / 3)),
  ties: (count, size) => Array.from({ length: count }, (_, j) => fill(size, j % 2)),
  'all but the own one alike': (count, size) => Array.from({ length: count }, (_, j) => fill(size, j === 0 ? -1 : 1)),
  denormal: (count, size) => Array.from({ length: count }, (_, j) => fill(size, j * SMALLEST)),
  'the largest': (count, size) => Array.from({ length: count }, () => fill(size, LARGEST)),
  'the largest of both signs': (count, size) => Array.from({ length: count }, (_, j) => fill(size, j % 2 === 0 ? LARGEST : -LARGEST)),
  'one largest among zeros': (count, size) => Array.from({ length: count }, (_, j) => fill(size, j === 1 ? LARGEST : 0)),
  'the largest, own, among denormals': (count, size) => Array.from({ length: count }, (_, j) => fill(size, j === 0 ? -LARGEST : SMALLEST))
}

/** Losses too, for rules that read them */
function aggregated (chain: string, f: number, input: AggregationInput): Float32Array {
  const losses = { own: 1, neighbours: new Map(input.neighbours.map(({ peer }, j) => [peer, j % 3 === 0 ? Infinity : j])) }
  return createAggregator({ rule: chain, f }, seededRandom('draw')).aggregate({ ...input, losses }).parameters
}

function firstNotFinite (chain: string, f: number, vectors: readonly Float32Array[]): number {
  return aggregated(chain, f, inputOf(vectors)).findIndex((value) => !Number.isFinite(value))
}

function leastVectors (chain: string, f: number): number {
  return createAggregator({ rule: chain, f }).minimumNeighbours + 1
}

describe.each(CHAINS)('%s', (chain) => {
  it('is finite for every f and every number of vectors, whatever they hold', () => {
    const counts = [0, 1, 2, 3, 4, 5].flatMap((f) => Array.from({ length: MOST_VECTORS }, (_, i) => ({ f, count: i + 1 })))
    const cases = counts.filter(({ f, count }) => count >= leastVectors(chain, f)).flatMap((each) => Object.entries(VECTORS).flatMap(([name, make]) => [1, 9].map((size) => ({ ...each, name, make, size }))))
    const bad = cases.filter(({ f, count, make, size }) => firstNotFinite(chain, f, make(count, size)) !== -1)
    expect(bad.map(({ f, count, name }) => `f ${f}, ${count} vectors, ${name}`)).toEqual([])
    expect(cases.length).toBeGreaterThan(0)
  })

  it('is finite for any finite numbers', () => {
    const element = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, -0, SMALLEST, -SMALLEST, LARGEST, -LARGEST, 1, 1e-30, 1e30)
    )
    const sets = fc.integer({ min: 0, max: 3 }).filter((f) => leastVectors(chain, f) <= MOST_VECTORS).chain((f) => fc.tuple(
      fc.constant(f),
      fc.integer({ min: 1, max: 10 }).chain((size) => fc.array(fc.array(element, { minLength: size, maxLength: size }).map((values) => Float32Array.from(values)), { minLength: leastVectors(chain, f), maxLength: MOST_VECTORS }))
    ))
    fc.assert(fc.property(sets, ([f, vectors]) => {
      expect(firstNotFinite(chain, f, vectors)).toBe(-1)
    }), { numRuns: 60 })
  })
})

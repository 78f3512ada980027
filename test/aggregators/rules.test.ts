/**
 * Every rule against known answers, and what each one promises
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { adaptiveRadius, centredClip, csPlusRadius } from '../../src/aggregators/clipping.ts'
import { distancesFromVector, mixed, picked, ranked } from '../../src/aggregators/geometry.ts'
import { differenceProducts } from '../../src/aggregators/kernels/difference-products.ts'
import { weightedSum } from '../../src/aggregators/kernels/weighted-sum.ts'
import { krumScores } from '../../src/aggregators/krum.ts'
import { nearestNeighbourMixing } from '../../src/aggregators/nearest-neighbour-mixing.ts'
import { minimumNeighbours, ruleChain, unmetPrecondition } from '../../src/aggregators/rules.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import { inputOf, vectorSets } from '../../src/contracts/aggregator.ts'
import type { Geometry, RuleContext } from '../../src/aggregators/rule.ts'
import type { Aggregator } from '../../src/interface.ts'

function fixture (name: string): Record<string, never> {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as Record<string, never>
}

/** Row 0 of X is the own vector; rows 5 and 6 lie */
const known = fixture('aggregator_vectors') as unknown as Record<string, number[]> & { X: never, nnm_f2: never }
const vectors = (known.X as number[][]).map((row) => Float32Array.from(row))
const context: RuleContext = { f: 2, round: 1, random: seededRandom(0), clipRadius: undefined, ownNorm: () => 1, losses: undefined }

function make (rule: string, f = 2, clipRadius?: number): Aggregator {
  return createAggregator({ rule, f, clipRadius }, seededRandom('draw'))
}

function expectClose (actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length)
  Array.from(expected).forEach((value, i) => { expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value))) })
}

/** With the origin far away, so that nothing depends on it */
function geometryOf (set: readonly Float32Array[], weights?: readonly number[]): Geometry {
  return {
    count: set.length,
    products: differenceProducts(new Float32Array(set[0]!.length).fill(3), set),
    gossipWeights: Float64Array.from(weights ?? set.map(() => 1 / set.length))
  }
}

function cloud (count: number, seed: string, size = 40): Float32Array[] {
  const normal = seededNormal(seededRandom(seed))
  return Array.from({ length: count }, () => Float32Array.from({ length: size }, () => normal() / Math.sqrt(size)))
}

/** The result with gossip weights that are not equal */
function aggregateWith (rule: string, weights: readonly number[], f: number): Float32Array {
  const input = inputOf(vectors)
  return make(rule, f).aggregate({ ...input, neighbours: input.neighbours.map((neighbour, j) => ({ ...neighbour, weight: weights[j + 1]! })) }).parameters
}

describe('known answers', () => {
  it.each([
    ['mean', 0, 'average'],
    ['median', 2, 'median'],
    ['trimmed-mean', 2, 'trmean_f2'],
    ['krum', 2, 'krum_f2_paper_n-f-2'],
    ['multi-krum', 2, 'multikrum_f2_paper_m5'],
    ['geometric-median', 2, 'geomedian_nu1e-6_T200'],
    ['cs-plus', 2, 'cs_plus_uniform_w1/7_b2'],
    ['clipped-gossip', 2, 'clippedgossip_he_uniform_w1/7_b2'],
    ['nnm+trimmed-mean', 2, 'nnm_f2_then_trmean_f2'],
  ] as const)('%s with f = %i', (rule, f, expected) => {
    expectClose(make(rule, f).aggregate(inputOf(vectors)).parameters, known[expected]!)
  })

  it('krum scores by the paper: squared distances to n - f - 2 others', () => {
    expectClose(krumScores(geometryOf(vectors), 2), known.krum_scores_paper!)
  })

  it('bulyan', () => {
    const { X, bulyan, f } = fixture('bulyan_vector') as unknown as { X: number[][], bulyan: number[], f: number }
    expectClose(make('bulyan', f).aggregate(inputOf(X.map((row) => Float32Array.from(row)))).parameters, bulyan)
  })

  it('nearest-neighbour mixing, row by row', () => {
    const rows = nearestNeighbourMixing.mix(geometryOf(vectors), context)
    rows.forEach((row, i) => { expectClose(weightedSum(vectors, row), (known.nnm_f2 as unknown as number[][])[i]!) })
  })

  it('clipped gossip with a fixed radius of 1', () => {
    expectClose(make('clipped-gossip', 2, 1).aggregate(inputOf(vectors)).parameters, known.scclip_tau1_uniform!)
  })

  it('centered clipping from zero, 1 and 5 steps of radius 1', () => {
    const withZero = [new Float32Array(4), ...vectors]
    for (const iterations of [1, 5]) {
      // zero is where it starts, not one of the vectors: it may not weigh among them
      const start = new Float64Array(8)
      start[0] = 1
      const weights = centredClipOfRest(geometryOf(withZero), start, iterations)
      expectClose(weightedSum(withZero, weights), known[`centeredclip_m0_L${iterations}_tau1`]!)
    }
  })

  it('unequal gossip weights', () => {
    const weights = known.w_nonuniform!
    const geometry = geometryOf(vectors, weights)
    const distances = distancesFromVector(geometry, 0)

    expect(csPlusRadius(geometry, distances, 0.3)).toBe(0)
    const adaptive = adaptiveRadius(geometry, distances, 0.3)
    const clipped = weights.map((weight, j) => j === 0 ? 0 : weight * Math.min(1, adaptive / distances[j]!))
    clipped[0] = 1 - clipped.reduce((sum, weight) => sum + weight, 0)
    expectClose(weightedSum(vectors, clipped), known['cs_he_nonuniform_bw0.30']!)
    expectClose(aggregateWith('cs-plus', weights, 2), known['cs_plus_nonuniform_bw0.30']!)
    expectClose(aggregateWith('clipped-gossip', weights, 2), known['cs_he_nonuniform_bw0.30']!)
  })
})

/** Centered clipping over all vectors but the first, which is only the start */
function centredClipOfRest (geometry: Geometry, start: Float64Array, iterations: number): Float64Array {
  let weights = start
  for (let step = 0; step < iterations; step++) {
    // one step over n + 1 vectors, the start's own pull taken out and the rest scaled to n
    const next = centredClip(geometry, weights, { radius: 1, iterations: 1 })
    const { count } = geometry
    const pull = next.map((weight, u) => (weight - weights[u]!) * count / (count - 1))
    const startPull = Math.min(1, 1 / Math.max(1e-300, Math.sqrt(distanceOfStart(geometry, weights)))) / (count - 1)
    weights = weights.map((weight, u) => weight + pull[u]! + startPull * weight - (u === 0 ? startPull : 0))
  }
  return weights
}

function distanceOfStart ({ products, count }: Geometry, weights: Float64Array): number {
  const difference = weights.map((weight, u) => weight - (u === 0 ? 1 : 0))
  let sum = 0
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      sum += difference[i]! * difference[j]! * products[i * count + j]!
    }
  }
  return sum
}

describe('preconditions', () => {
  it.each([
    ['mean', 1], ['median', 2], ['trimmed-mean', 2], ['krum', 4], ['multi-krum', 4], ['bulyan', 6], ['geometric-median', 2],
    ['gated-geometric-median', 2], ['centered-clipping', 2], ['clipped-gossip', 2], ['cs-plus', 3], ['balance', 1], ['ubar', 2],
    ['nnm+krum', 4], ['nnm+median', 2], ['bucketing+median', 4], ['bucketing+nnm+krum', 8]
  ] as const)('%s needs %i neighbours for f = 1', (rule, expected) => {
    expect(minimumNeighbours(ruleChain(rule), 1)).toBe(expected)
    expect(make(rule, 1).minimumNeighbours).toBe(expected)
  })

  it('name the numbers when the degree is too small', () => {
    expect(unmetPrecondition({ rule: 'bulyan', f: 2 }, 8)).toBe('bulyan needs at least 10 neighbours to withstand f = 2 of them, but topology.degree is 8; raise the degree, lower f or choose another rule')
    expect(unmetPrecondition({ rule: 'bulyan', f: 2 }, 10)).toBeUndefined()
  })

  it('refuse a radius where there is none', () => {
    expect(unmetPrecondition({ rule: 'median', f: 1, clipRadius: 1 }, 8)).toBe('median has no clipRadius; only centered-clipping and clipped-gossip have one')
    expect(unmetPrecondition({ rule: 'nnm+clipped-gossip', f: 1, clipRadius: 1 }, 8)).toBeUndefined()
  })

  it('refuse names that mean nothing', () => {
    expect(() => ruleChain('nmm+median')).toThrow(new RangeError('unknown pre-aggregation "nmm" (did you mean "nnm"?)'))
    expect(() => ruleChain('nnm+medain')).toThrow(new RangeError('unknown aggregation rule "medain" (did you mean "median"?)'))
    expect(() => ruleChain('nnm+nnm+median')).toThrow('names a pre-aggregation twice')
    expect(() => ruleChain('nnm+ubar')).toThrow('ubar judges the neighbours\' own models and cannot follow nnm')
    expect(() => ruleChain('')).toThrow(RangeError)
    expect(() => ruleChain('constructor')).toThrow(RangeError)
  })
})

describe('geometry', () => {
  it('gives the positions of means of vectors', () => {
    fc.assert(fc.property(fc.nat(), (seed) => {
      const set = cloud(6, `mixed ${seed}`)
      const random = seededRandom(seed)
      const rows = Array.from({ length: 4 }, () => {
        const row = Float64Array.from(set, () => random())
        const sum = row.reduce((total, weight) => total + weight, 0)
        return row.map((weight) => weight / sum)
      })
      const expected = distancesFromVector(geometryOf(rows.map((row) => weightedSum(set, row))), 0)
      distancesFromVector(mixed(geometryOf(set), rows), 0).forEach((distance, i) => { expect(distance).toBeCloseTo(expected[i]!, 5) })
    }), { numRuns: 30 })
  })

  it('gives the positions of some of the vectors', () => {
    const set = cloud(6, 'picked')
    expect(distancesFromVector(picked(geometryOf(set), [4, 1, 2]), 0)).toEqual(distancesFromVector(geometryOf([set[4]!, set[1]!, set[2]!]), 0))
  })

  it('ranks equal values by index', () => {
    expect(ranked([3, 1, 3, 1])).toEqual([1, 3, 0, 2])
  })
})

describe('promises', () => {
  it('nobody pulls a clipping rule by more than its weight and radius', () => {
    fc.assert(fc.property(vectorSets({ minimum: 6, maximum: 9 }), fc.double({ min: 0.01, max: 5, noNaN: true }), (set, radius) => {
      const { parameters } = make('clipped-gossip', 1, radius).aggregate(inputOf(set))
      const moved = Math.hypot(...parameters.map((value, i) => value - set[0]![i]!))
      const slack = 1e-6 * Math.hypot(...set[0]!)
      expect(moved).toBeLessThanOrEqual(radius * (set.length - 1) / set.length * (1 + 1e-6) + slack)
    }))
  })

  it('f liars pull cs-plus no farther than honest neighbours stand', () => {
    for (const f of [1, 2, 3]) {
      const honest = cloud(3 * f + 2, `cs ${f}`)
      const liars = Array.from({ length: f }, () => new Float32Array(40).fill(1e6))
      const farthest = Math.max(...honest.map((vector) => Math.hypot(...vector.map((value, i) => value - honest[0]![i]!))))
      const { parameters } = make('cs-plus', f).aggregate(inputOf([...honest, ...liars]))
      expect(Math.hypot(...parameters.map((value, i) => value - honest[0]![i]!))).toBeLessThanOrEqual(farthest)
    }
  })

  it('krum takes an honest vector among far liars, and lists all others as not selected', () => {
    const honest = cloud(7, 'krum')
    const liars = [1, 2].map((j) => new Float32Array(40).fill(50 + 1e-3 * j))
    const { parameters, excluded } = make('krum', 2).aggregate(inputOf([...honest, ...liars]))

    expect(honest).toContainEqual(parameters)
    expect(new Set(excluded.map(({ reason }) => reason))).toEqual(new Set(['not-selected']))
    expect(excluded.length).toBeGreaterThanOrEqual(7)
  })

  it('multi-krum and bulyan leave far liars out', () => {
    for (const rule of ['multi-krum', 'bulyan']) {
      const honest = cloud(9, rule)
      const liars = [1, 2].map((j) => new Float32Array(40).fill(50 + j))
      const { parameters } = make(rule, 2).aggregate(inputOf([...honest, ...liars]))
      parameters.forEach((value, i) => { expect(Math.abs(value)).toBeLessThanOrEqual(Math.max(...honest.map((vector) => Math.abs(vector[i]!)))) })
    }
  })

  it('mixing nearest neighbours brings the honest ones together before the rule', () => {
    const honest = cloud(8, 'nnm')
    const geometry = geometryOf([...honest, new Float32Array(40).fill(9)])
    const spread = (positions: Geometry): number => Math.max(...distancesFromVector(positions, 0).subarray(0, 8))
    expect(spread(mixed(geometry, nearestNeighbourMixing.mix(geometry, { ...context, f: 1 })))).toBeLessThan(spread(geometry) / 2)
  })

  it('bucketing draws anew each time, and keeps the own model in the first bucket', () => {
    const aggregate = createAggregator({ rule: 'bucketing+median', f: 1 })
    const input = inputOf(cloud(9, 'buckets'))
    const results = new Set(Array.from({ length: 8 }, () => aggregate.aggregate(input).parameters.join()))
    expect(results.size).toBeGreaterThan(1)
  })

  it('balance accepts what is near in relation to the own length, less and less', () => {
    const at = (value: number): Float32Array => Float32Array.of(value)
    const input = inputOf([at(10), at(12.9), at(13.1), at(-10)])

    const first = make('balance').aggregate({ ...input, round: 1 })
    expect(first.excluded).toEqual([{ peer: 'peer-01', reason: 'distance-gate' }, { peer: 'peer-02', reason: 'distance-gate' }])
    expectClose(first.parameters, [0.5 * 10 + 0.5 * 12.9])
    const later = make('balance').aggregate({ ...input, round: 500 })
    expect(later.excluded).toHaveLength(3)
    expectClose(later.parameters, [10])
  })

  it('ubar takes the near ones that are good on own examples, or the best of them', () => {
    const input = inputOf([0, 1, 2, 3, 4].map((value) => Float32Array.of(value)))
    const losses = (...values: number[]): { own: number, neighbours: Map<string, number> } => ({ own: 1, neighbours: new Map(values.map((loss, j) => [`peer-0${j}`, loss])) })

    const some = make('ubar', 1).aggregate({ ...input, losses: losses(0.5, 2, 1, 0.1) })
    expectClose(some.parameters, [0.5 * 0 + 0.5 * (1 + 3) / 2])
    expect(some.excluded).toEqual([{ peer: 'peer-01', reason: 'loss-gate' }, { peer: 'peer-03', reason: 'distance-gate' }])
    expectClose(make('ubar', 1).aggregate({ ...input, losses: losses(9, 8, 7, 0.1) }).parameters, [1.5])
    expect(() => make('ubar', 1).aggregate(input)).toThrow('ubar needs the losses of 5 models on own examples, got none')
    expect(make('ubar').needsLosses).toBe(true)
    expect(make('mean').needsLosses).toBe(false)
  })
})

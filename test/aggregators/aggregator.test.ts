import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AGGREGATION_RULES, createAggregator } from '../../src/aggregators/aggregator.ts'
import { consensusDistance } from '../../src/aggregators/consensus.ts'
import { differenceProducts } from '../../src/aggregators/kernels/difference-products.ts'
import { positionsOf, relativeTo, slicedPositions } from '../../src/aggregators/geometry.ts'
import { squaredDistance } from '../../src/attacks/statistics.ts'
import { neighbourDistance } from '../../src/round/round-positions.ts'
import { trimmedMeanOf } from '../../src/aggregators/kernels/order-statistics.ts'
import { weightedSum } from '../../src/aggregators/kernels/weighted-sum.ts'
import { median } from '../../src/aggregators/median.ts'
import { metropolisHastingsWeight } from '../../src/aggregators/metropolis-hastings.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import { aggregatorContract, inputOf, vectorSets } from '../../src/contracts/aggregator.ts'
import type { Aggregator } from '../../src/interface.ts'

function make (rule: string): (f?: number) => Aggregator {
  return (f = 0) => createAggregator({ rule, f }, seededRandom('draw'))
}

const mean = make('mean')
const trimmedMean = make('trimmed-mean')
const geometricMedian = make('geometric-median')
const gatedGeometricMedian = make('gated-geometric-median')

/** Row 0 of X is the own vector; rows 5 and 6 lie */
const known = JSON.parse(readFileSync(new URL('../fixtures/aggregator_vectors.json', import.meta.url), 'utf8')) as {
  X: number[][]
  average: number[]
  trmean_f2: number[]
  median: number[]
  'geomedian_nu1e-6_T200': number[]
  self_distances: number[]
}
const vectors = known.X.map((row) => Float32Array.from(row))

function expectClose (actual: ArrayLike<number>, expected: readonly number[], digits = 6): void {
  expect(actual).toHaveLength(expected.length)
  expected.forEach((value, i) => { expect(actual[i]).toBeCloseTo(value, digits) })
}

/** n vectors around `centre`, each a unit step away in its own random direction */
function cloud (count: number, size: number, seed: string): Float32Array[] {
  const normal = seededNormal(seededRandom(seed))
  return Array.from({ length: count }, () => Float32Array.from({ length: size }, () => normal() / Math.sqrt(size)))
}

function squaredNorm (vector: Float32Array): number {
  return vector.reduce((sum, value) => sum + value * value, 0)
}

for (const [name, withstands] of Object.entries({
  mean: 'none',
  median: 'hull',
  'trimmed-mean': 'hull',
  krum: 'none',
  'multi-krum': 'none',
  bulyan: 'none',
  'geometric-median': 'ball',
  'gated-geometric-median': 'ball',
  'centered-clipping': 'none',
  'clipped-gossip': 'none',
  'cs-plus': 'none',
  balance: 'none',
  'nnm+mean': 'none',
  'nnm+trimmed-mean': 'none',
  'nnm+geometric-median': 'none',
  'bucketing+geometric-median': 'none',
  'bucketing+nnm+median': 'none'
} as const)) {
  aggregatorContract(name, make(name), { withstands })
}

describe('createAggregator', () => {
  it('makes each rule that a federation document may name', () => {
    expect(AGGREGATION_RULES).toEqual([
      'mean', 'median', 'trimmed-mean', 'krum', 'multi-krum', 'bulyan', 'geometric-median', 'gated-geometric-median',
      'centered-clipping', 'clipped-gossip', 'cs-plus', 'balance', 'ubar'
    ])
    for (const rule of AGGREGATION_RULES) {
      expect(createAggregator({ rule, f: 0 }).name).toBe(rule)
    }
  })

  it('suggests the nearest rule for a mistyped one and refuses a senseless f', () => {
    expect(() => createAggregator({ rule: 'trimed-mean', f: 0 })).toThrow(new RangeError('unknown aggregation rule "trimed-mean" (did you mean "trimmed-mean"?)'))
    for (const f of [-1, 0.5, NaN, Infinity]) {
      expect(() => createAggregator({ rule: 'mean', f })).toThrow(RangeError)
    }
  })
})

describe('mean', () => {
  it('gives the known average for equal weights', () => {
    expectClose(mean().aggregate(inputOf(vectors)).parameters, known.average)
  })

  it('weighs each neighbour by its edge and gives the own model the rest', () => {
    const input = inputOf([10, 20, 40].map((value) => Float32Array.of(value)))
    const neighbours = [{ ...input.neighbours[0]!, weight: 0.25 }, { ...input.neighbours[1]!, weight: 0.125 }]

    expect(mean().aggregate({ ...input, neighbours }).parameters).toEqual(Float32Array.of(0.625 * 10 + 0.25 * 20 + 0.125 * 40))
  })

  it('keeps the average of all peers when every peer mixes with Metropolis–Hastings weights', () => {
    const edges = [[0, 1], [1, 2], [2, 3], [3, 4], [1, 3]] as const
    const degree = (peer: number): number => edges.filter((edge) => edge.includes(peer as never)).length
    const values = [3, -1, 4, 1, -5]
    const mixed = values.map((own, i) => mean().aggregate({
      own: Float32Array.of(own),
      neighbours: edges.filter((edge) => edge.includes(i as never)).map(([a, b]) => a === i ? b : a).map((j) => ({
        peer: `peer-${j}`, parameters: Float32Array.of(values[j]!), weight: metropolisHastingsWeight(degree(i), degree(j))
      }))
    }).parameters[0]!)

    expect(mixed.reduce((sum, value) => sum + value, 0)).toBeCloseTo(values.reduce((sum, value) => sum + value, 0), 5)
  })

  it('never gives the own model less than an equal share, though more replicas arrive than its degree counted', () => {
    const input = inputOf([0, 1, 1, 1, 1].map((value) => Float32Array.of(value)))
    const neighbours = input.neighbours.map((neighbour) => ({ ...neighbour, weight: metropolisHastingsWeight(1, 1) }))

    expectClose(mean().aggregate({ ...input, neighbours }).parameters, [0.8])
  })

  it('refuses weights that are no weights', () => {
    const input = inputOf([Float32Array.of(0), Float32Array.of(1)])
    for (const weight of [-0.1, NaN, 1.5]) {
      expect(() => mean().aggregate({ ...input, neighbours: [{ ...input.neighbours[0]!, weight }] })).toThrow(RangeError)
    }
  })

  it('is moved anywhere by one liar: the reason for the other rules', () => {
    expect(mean().aggregate(inputOf([1, 2, 3, -1e9].map((value) => Float32Array.of(value)))).parameters[0]).toBeLessThan(-1e8)
  })
})

describe('metropolisHastingsWeight', () => {
  it('is one over one more than the larger degree, from either side', () => {
    expect(metropolisHastingsWeight(3, 8)).toBe(1 / 9)
    expect(metropolisHastingsWeight(8, 3)).toBe(1 / 9)
    expect(metropolisHastingsWeight(0, 0)).toBe(1)
  })

  it('cannot be raised by the degree that the other side claims', () => {
    for (const claimed of [0, 1, 1e300, Infinity]) {
      expect(metropolisHastingsWeight(4, claimed)).toBeLessThanOrEqual(1 / 5)
    }
    expect(() => metropolisHastingsWeight(4, NaN)).toThrow(RangeError)
    expect(() => metropolisHastingsWeight(4, -1)).toThrow(RangeError)
  })
})

describe('trimmed-mean', () => {
  it('gives the known answer for f = 2, the known average for f = 0 and the known median for f = 3', () => {
    expectClose(trimmedMean(2).aggregate(inputOf(vectors)).parameters, known.trmean_f2)
    expectClose(trimmedMean(0).aggregate(inputOf(vectors)).parameters, known.average)
    expectClose(trimmedMean(3).aggregate(inputOf(vectors)).parameters, known.median)
  })

  it('agrees with sorting, for every n up to 33 and every f', () => {
    fc.assert(fc.property(vectorSets({ minimum: 1, maximum: 33 }), fc.nat(16), (set, wanted) => {
      const f = Math.min(wanted, Math.floor((set.length - 1) / 2))
      const expected = Array.from(set[0]!, (_, i) => {
        const kept = set.map((vector) => vector[i]!).sort((a, b) => a - b).slice(f, set.length - f)
        return kept.reduce((sum, value) => sum + value, 0) / kept.length
      })
      trimmedMeanOf({ vectors: set }, f).forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1e-6 * Math.max(Math.abs(expected[i]!), 1e-20) + 2 ** 49 * 2 ** -48)
      })
    }), { numRuns: 300 })
  })

  it('trims exactly: no rounding is visible when the kept numbers are small and the dropped ones enormous', () => {
    const set = [1, 2, 3, 2 ** 49, -(2 ** 49)].map((value) => new Float32Array(1500).fill(value))

    expect(trimmedMeanOf({ vectors: set }, 1)).toEqual(new Float32Array(1500).fill(2))
  })

  it('orders negative numbers, zeros of both signs and subnormals like any others', () => {
    const set = [-1e-45, -0, 0, 1e-45, -3e38, 3e38, -5].map((value) => Float32Array.of(value))

    expect(trimmedMeanOf({ vectors: set }, 3)[0]! + 0).toBe(0)
    expect(trimmedMeanOf({ vectors: set.slice(0, 4) }, 1)[0]! + 0).toBe(0)
  })
})

describe('geometric-median', () => {
  it('gives the known answer of a converged iteration', () => {
    expectClose(geometricMedian(2).aggregate(inputOf(vectors)).parameters, known['geomedian_nu1e-6_T200'], 5)
  })

  it('has no descent direction: the unit vectors to all vectors cancel', () => {
    for (const count of [4, 5, 9, 17]) {
      const set = cloud(count, 300, `stationary ${count}`)
      const { parameters } = geometricMedian(1).aggregate(inputOf(set))
      const pull = new Float64Array(300)
      for (const vector of set) {
        const distance = Math.sqrt(squaredDistance(vector, parameters))
        vector.forEach((value, i) => { pull[i]! += (value - parameters[i]!) / distance })
      }
      expect(Math.hypot(...pull)).toBeLessThan(1e-3)
    }
  })

  it('leaves the own vector: with 4 equidistant vectors it reaches the middle, and is the same for all four', () => {
    const corners = [0, 1, 2, 3].map((axis) => Float32Array.from({ length: 4 }, (_, i) => i === axis ? 1 : 0))
    for (const own of [0, 1, 2, 3]) {
      const order = [corners[own]!, ...corners.filter((_, j) => j !== own)]
      expectClose(geometricMedian(1).aggregate(inputOf(order)).parameters, [0.25, 0.25, 0.25, 0.25])
    }
  })

  it('is the middle between two models, from both sides', () => {
    const [a, b] = [Float32Array.of(1, 2), Float32Array.of(3, -2)]

    expectClose(geometricMedian(0).aggregate(inputOf([a, b])).parameters, [2, 0])
    expectClose(geometricMedian(0).aggregate(inputOf([b, a])).parameters, [2, 0])
  })

  it('is the vector that more than half of the peers share', () => {
    const shared = Float32Array.of(1, -1, 0.5)
    const set = [Float32Array.of(9, 9, 9), shared, shared, Float32Array.of(-4, 2, 0), shared]

    expectClose(geometricMedian(1).aggregate(inputOf(set)).parameters, [...shared], 4)
  })

  it('finds a tight cluster far from the own model and next to an enormous liar', () => {
    const set = cloud(5, 50, 'cluster').map((vector) => vector.map((value) => 100 + 1e-3 * value))
    const own = new Float32Array(50)
    const liar = new Float32Array(50).fill(2 ** 49)
    const { parameters } = geometricMedian(2).aggregate(inputOf([own, liar, ...set]))

    expect(Math.sqrt(squaredDistance(parameters, set[0]!))).toBeLessThan(0.02)
  })
})

describe('gated-geometric-median', () => {
  it('drops both liars of the known example and gives the geometric median of the honest', () => {
    const { parameters, excluded } = gatedGeometricMedian(2).aggregate(inputOf(vectors))

    expect(excluded).toEqual([{ peer: 'peer-04', reason: 'distance-gate' }, { peer: 'peer-05', reason: 'distance-gate' }])
    expect(parameters).toEqual(geometricMedian(2).aggregate(inputOf(vectors.slice(0, 5))).parameters)
  })

  it('drops what is farther than three times the median distance, and nothing at exactly that distance', () => {
    const at = (distance: number): Float32Array => Float32Array.of(distance)

    expect(gatedGeometricMedian(0).aggregate(inputOf([at(0), at(1), at(-1), at(3)])).excluded).toEqual([])
    expect(gatedGeometricMedian(0).aggregate(inputOf([at(0), at(1), at(-1), at(3.001)])).excluded).toEqual([{ peer: 'peer-02', reason: 'distance-gate' }])
  })

  it('costs little among honest peers: none of a cloud is dropped', () => {
    for (const count of [3, 4, 9, 17]) {
      expect(gatedGeometricMedian(1).aggregate(inputOf(cloud(count, 1000, `honest ${count}`))).excluded).toEqual([])
    }
  })

  it('never closes the gate on one or two neighbours', () => {
    fc.assert(fc.property(vectorSets({ minimum: 2, maximum: 3 }), (set) => {
      expect(gatedGeometricMedian(0).aggregate(inputOf(set)).excluded).toEqual([])
    }))
  })

  it('outvotes one enormous liar among two neighbours', () => {
    const { parameters } = gatedGeometricMedian(1).aggregate(inputOf([Float32Array.of(0, 0), Float32Array.of(1, 0), Float32Array.of(0, 2 ** 49)]))

    expect(Math.hypot(...parameters)).toBeLessThan(1)
  })

  it('keeps at least half of the neighbours, whatever they send', () => {
    fc.assert(fc.property(vectorSets({ minimum: 2, maximum: 20 }), (set) => {
      const { excluded } = gatedGeometricMedian(0).aggregate(inputOf(set))
      expect(excluded.length).toBeLessThanOrEqual((set.length - 1) / 2)
    }))
  })

  it('is pulled less than the geometric median by far colluders in one direction', () => {
    const honest = cloud(7, 200, 'pull')
    const liars = [1, 2].map(() => new Float32Array(200).fill(50))
    const shift = (rule: typeof geometricMedian): number => squaredNorm(rule(2).aggregate(inputOf([...honest, ...liars])).parameters)

    expect(shift(gatedGeometricMedian)).toBeLessThan(shift(geometricMedian))
  })
})

describe('consensus', () => {
  it('measures a neighbour’s distance: half the mean squared difference, under the root', () => {
    expect(neighbourDistance(positionsOf(Float32Array.of(0, 0), [Float32Array.of(3, 4), Float32Array.of(0, 1)]).products)).toBeCloseTo(Math.sqrt((25 + 1) / 2 / 2), 12)
    expect(neighbourDistance(positionsOf(Float32Array.of(0, 0), []).products)).toBeNull()
  })

  it('measures all peers’ distance from their mean', () => {
    expect(consensusDistance([Float32Array.of(1), Float32Array.of(3)])).toBe(1)
    expect(consensusDistance([Float32Array.of(5, 5)])).toBe(0)
    expect(() => consensusDistance([])).toThrow(RangeError)
    expect(() => consensusDistance([Float32Array.of(1), Float32Array.of(1, 2)])).toThrow(RangeError)
  })

  it('is estimated without bias: the mean over all pairs of neighbours’ squared distances gives n / (n - 1) times its square', () => {
    const set = cloud(6, 5000, 'consensus')
    const estimates = set.map((own, i) => neighbourDistance(positionsOf(own, set.filter((_, j) => j !== i)).products)! ** 2)

    expect(estimates.reduce((sum, value) => sum + value, 0) / 6).toBeCloseTo(consensusDistance(set) ** 2 * 6 / 5, 8)
  })
})

describe('positions', () => {
  it('are what the rule asks for: handed in, they change nothing, whatever order the neighbours come in', () => {
    const set = cloud(7, 900, 'positions')
    const input = inputOf(set)
    const neighbours = [...input.neighbours].reverse()
    const { products } = positionsOf(set[0]!, neighbours.map(({ parameters }) => parameters))
    for (const rule of AGGREGATION_RULES.filter((name) => name !== 'ubar')) {
      expect(make(rule)(1).aggregate({ ...input, neighbours, products })).toEqual(make(rule)(1).aggregate(input))
    }
    // they are believed: others would choose another vector
    const lying = positionsOf(set[0]!, [...neighbours.slice(1), neighbours[0]!].map(({ parameters }) => parameters)).products
    expect(make('krum')(1).aggregate({ ...input, neighbours, products: lying })).not.toEqual(make('krum')(1).aggregate(input))
    expect(() => make('krum')(1).aggregate({ ...input, products: products.subarray(1) })).toThrow('products of 7 vectors are 49 numbers, not 48')
  })

  it('are the same in slices, whatever else is computed in between', () => {
    const set = cloud(5, 200_000, 'slices')
    const work = slicedPositions(set[0]!, set.slice(1))
    let [step, pauses] = [work.next(), 0]
    for (; step.done !== true; step = work.next()) {
      pauses++
      positionsOf(set[1]!, set.map((vector) => vector.subarray(0, 2_000)))
    }
    expect(pauses).toBe(3)
    expect(step.value).toEqual(positionsOf(set[0]!, set.slice(1)))
  })

  it('can be seen from any of the vectors', () => {
    const set = cloud(5, 500, 'origin')
    const seen = relativeTo(positionsOf(set[0]!, set.slice(1)), 4, [0, 2, 3])
    const expected = differenceProducts(set[4]!, [set[0]!, set[2]!, set[3]!])
    expect(seen.count).toBe(3)
    seen.products.forEach((product, i) => { expect(product).toBeCloseTo(expected[i]!, 9) })
  })
})

describe('kernels', () => {
  it('give the known distances from the own vector', () => {
    expectClose(vectors.map((vector) => Math.sqrt(squaredDistance(vectors[0]!, vector))), known.self_distances, 5)
  })

  it('multiply differences, not vectors: nothing cancels when models are close', () => {
    const reference = new Float32Array(2000).fill(1000)
    const close = [1, 2].map((j) => reference.map((value, i) => value + j * 2 ** -10 * (i % 2 === 0 ? 1 : -1)))

    expect([...differenceProducts(reference, close)]).toEqual([1, 2, 2, 4].map((factor) => factor * 2000 * 2 ** -20))
  })

  it('agree with plain sums at every length and number of vectors', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 10 }), fc.nat(), (size, count, seed) => {
      const random = seededRandom(seed)
      const set = Array.from({ length: count }, () => Float32Array.from({ length: size }, () => random() - 0.5))
      const weights = set.map(() => random())
      const sum = weightedSum(set, weights)
      for (const i of [0, size >> 1, size - 1]) {
        expect(sum[i]).toBeCloseTo(set.reduce((total, vector, j) => total + weights[j]! * vector[i]!, 0), 5)
      }
      const products = differenceProducts(set[0]!, set)
      for (const [a, b] of [[0, count - 1], [count - 1, count - 1], [count >> 1, count - 1]] as const) {
        const expected = set[a]!.reduce((total, value, i) => total + (value - set[0]![i]!) * (set[b]![i]! - set[0]![i]!), 0)
        expect(products[a * count + b]).toBeCloseTo(expected, 8)
        expect(products[b * count + a]).toBe(products[a * count + b])
      }
    }), { numRuns: 50 })
  })

  it('take the mean of the two middle numbers for the median of an even count', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })
})

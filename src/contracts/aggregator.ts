/**
 * What every Aggregator must do
 */
import fc from 'fast-check'
import { seededRandom, shuffle } from '../seeded-random.ts'
import { describe, expect, it } from './test-runner.ts'
import type { AggregationInput, AggregationResult, Aggregator, NeighbourReplica } from '../interface.ts'

export interface AggregatorContractOptions {
  /**
   * What f liars among 2 f neighbours cannot do, whatever they send:
   * `hull`: move a coordinate out of the honest numbers' range;
   * `ball`: move the result further from the honest mean than 2 (n - f) / (n - 2 f) times the farthest honest vector;
   * `none`: nothing is promised
   */
  withstands: 'hull' | 'ball' | 'none'
}

/** Of vectors so long that they are aggregated in several slices */
const SLICED_ELEMENTS = 150_000

/** Own vector first; peers get names in this order, and the weights of a complete graph */
export function inputOf ([own, ...others]: readonly Float32Array[]): AggregationInput {
  const neighbours = others.map((parameters, j): NeighbourReplica => ({
    peer: `peer-${String(j).padStart(2, '0')}`,
    parameters,
    weight: 1 / (others.length + 1)
  }))
  return { own: own!, neighbours }
}

/** n vectors of d elements each, with ties, near-equal and far numbers among them */
export function vectorSets ({ minimum, maximum }: { minimum: number, maximum: number }): fc.Arbitrary<Float32Array[]> {
  const element = fc.oneof(
    fc.float({ min: -4, max: 4, noNaN: true }),
    fc.integer({ min: -2, max: 2 }),
    fc.constantFrom(-0, 1e-30, 1e-3, 1.0000001, -(2 ** 49), 2 ** 49)
  )
  return fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc.array(fc.array(element, { minLength: size, maxLength: size }).map((values) => Float32Array.from(values)), { minLength: minimum, maxLength: maximum }))
}

function sameBits (a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]))
}

function distance (a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.hypot(...Array.from(a, (value, i) => value - b[i]!))
}

function meanOf (vectors: readonly Float32Array[]): number[] {
  return Array.from(vectors[0]!, (_, i) => vectors.reduce((sum, vector) => sum + vector[i]!, 0) / vectors.length)
}

function expectInHull (result: Float32Array, vectors: readonly Float32Array[]): void {
  result.forEach((value, i) => {
    const numbers = vectors.map((vector) => vector[i]!)
    const slack = 1e-6 * Math.max(...numbers.map(Math.abs))
    expect(value).toBeGreaterThanOrEqual(Math.min(...numbers) - slack)
    expect(value).toBeLessThanOrEqual(Math.max(...numbers) + slack)
  })
}

/** `create(f)` makes the rule for f liars among a node's neighbours */
export function aggregatorContract (name: string, create: (f: number) => Aggregator, { withstands }: AggregatorContractOptions): void {
  describe(`aggregator contract: ${name}`, () => {
    // what a rule draws at random must be the same for every order of arrival: each call begins afresh
    const aggregate = (input: AggregationInput): AggregationResult => create(1).aggregate(input)
    const least = create(1).minimumNeighbours + 1
    const enough = { minimum: least, maximum: Math.max(12, least) }

    it('has the name that the federation document uses, and a minimum of neighbours', () => {
      expect(create(1).name).toBe(name)
      for (const f of [0, 1, 2, 5]) {
        expect(create(f).minimumNeighbours).toBeGreaterThanOrEqual(1)
        if (withstands !== 'none') {
          expect(create(f).minimumNeighbours).toBeGreaterThanOrEqual(2 * f)
        }
      }
    })

    it('does not depend on the order of arrival, bit for bit', () => {
      fc.assert(fc.property(vectorSets(enough), fc.nat(), (vectors, seed) => {
        const input = inputOf(vectors)
        const result = aggregate(input)
        const again = aggregate({ ...input, neighbours: shuffle([...input.neighbours], seededRandom(seed)) })
        expect(sameBits(again.parameters, result.parameters)).toBe(true)
        expect(again.excluded).toEqual(result.excluded)
      }))
    })

    it('gives identical updates back unchanged, for every number of them', () => {
      fc.assert(fc.property(vectorSets({ minimum: 1, maximum: 1 }), fc.integer({ min: enough.minimum, max: 33 }), ([vector], count) => {
        const { parameters, excluded } = aggregate(inputOf(Array.from({ length: count }, () => vector!.slice())))
        parameters.forEach((value, i) => { expect(Math.abs(value - vector![i]!)).toBeLessThanOrEqual(2 ** -20 * Math.abs(value) + 1e-43) })
        // some rules take one of several equals
        expect(excluded.every(({ reason }) => reason === 'not-selected')).toBe(true)
      }))
    })

    it('mutates nothing and returns memory of its own', () => {
      fc.assert(fc.property(vectorSets(enough), (vectors) => {
        const copies = vectors.map((vector) => vector.slice())
        const input = inputOf(vectors)
        const order = [...input.neighbours]
        const { parameters } = aggregate(input)
        parameters.fill(7)
        vectors.forEach((vector, j) => { expect(sameBits(vector, copies[j]!)).toBe(true) })
        expect(input.neighbours).toEqual(order)
      }))
    })

    it('reads vectors that are views into one buffer', () => {
      const buffer = Float32Array.from({ length: 12 * 1100 }, (_, i) => Math.sin(i * i))
      const views = Array.from({ length: 12 }, (_, j) => buffer.subarray(j * 1100, j * 1100 + 1099))

      expect(aggregate(inputOf(views))).toEqual(aggregate(inputOf(views.map((view) => view.slice()))))
    })

    it('stays finite and between the smallest and the largest number of each coordinate', () => {
      fc.assert(fc.property(vectorSets(enough), (vectors) => {
        expectInHull(aggregate(inputOf(vectors)).parameters, vectors)
      }))
    })

    it('works the same in every block of a long vector', () => {
      const size = 5000
      const random = seededRandom(name)
      const short = Array.from({ length: 12 }, () => Float32Array.from({ length: 8 }, () => random() - 0.5))
      const long = short.map((vector) => Float32Array.from({ length: size }, (_, i) => vector[i % 8]!))
      const expected = aggregate(inputOf(short)).parameters

      aggregate(inputOf(long)).parameters.forEach((value, i) => { expect(value).toBeCloseTo(expected[i % 8]!, 5) })
    })

    it('gives the same in slices, bit for bit, whatever else is aggregated in between', () => {
      const random = seededRandom(name)
      const vectors = Array.from({ length: Math.max(6, least) }, () => Float32Array.from({ length: SLICED_ELEMENTS }, () => random() - 0.5))
      const other = inputOf(vectors.map((vector) => vector.subarray(0, 3_000)))
      const input = inputOf(vectors)
      const work = create(1).aggregation?.(input)
      for (let step = work?.next(); step !== undefined; step = work?.next()) {
        if (step.done === true) {
          expect(sameBits(step.value.parameters, aggregate(input).parameters)).toBe(true)
          return
        }
        aggregate(other)
      }
    })

    it('takes too few neighbours for a mistake of the caller, and names the numbers', () => {
      for (const f of [1, 2, 3]) {
        const strict = create(f)
        const vectors = Array.from({ length: strict.minimumNeighbours }, () => Float32Array.of(1))

        expect(() => strict.aggregate(inputOf(vectors))).toThrow(RangeError)
        expect(() => strict.aggregate(inputOf(vectors))).toThrow(`at least ${strict.minimumNeighbours} neighbours, got ${strict.minimumNeighbours - 1}`)
      }
    })

    it('refuses a peer that takes part twice and a replica of another length', () => {
      const input = inputOf(Array.from({ length: enough.maximum }, (_, value) => Float32Array.of(value)))
      const [first, ...rest] = input.neighbours

      expect(() => aggregate({ ...input, neighbours: [first!, ...rest, first!] })).toThrow(RangeError)
      expect(() => aggregate({ ...input, neighbours: [{ ...first!, parameters: Float32Array.of(1, 2) }, ...rest] })).toThrow(RangeError)
    })

    it('lists as excluded only neighbours, in order of their ids, each once', () => {
      fc.assert(fc.property(vectorSets(enough), (vectors) => {
        const input = inputOf(vectors)
        const peers = aggregate(input).excluded.map(({ peer }) => peer)
        expect(peers).toEqual([...new Set(peers)].sort())
        expect(input.neighbours.map(({ peer }) => peer)).toEqual(expect.arrayContaining(peers))
      }))
    })

    if (withstands === 'none') {
      return
    }

    it('withstands f liars, wherever they stand and whatever they send', () => {
      const honestSet = fc.integer({ min: 1, max: 3 }).chain((f) => fc.tuple(
        fc.constant(f),
        fc.integer({ min: 1, max: 8 }).chain((size) => fc.tuple(
          fc.array(fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: size, maxLength: size }), { minLength: create(f).minimumNeighbours + 1 - f, maxLength: create(f).minimumNeighbours + 6 - f }),
          fc.array(fc.array(fc.oneof(fc.float({ min: -2, max: 2, noNaN: true }), fc.float({ min: -(2 ** 49), max: 2 ** 49, noNaN: true }), fc.constantFrom(2 ** 49, -(2 ** 49))), { minLength: size, maxLength: size }), { minLength: f, maxLength: f })
        )),
        fc.nat()
      ))
      fc.assert(fc.property(honestSet, ([f, [honestValues, liarValues], seed]) => {
        const honest = honestValues.map((values) => Float32Array.from(values))
        const liars = liarValues.map((values) => Float32Array.from(values))
        const others = shuffle([...honest.slice(1), ...liars], seededRandom(seed))
        const { parameters } = create(f).aggregate(inputOf([honest[0]!, ...others]))
        if (withstands === 'hull') {
          expectInHull(parameters, honest)
        } else {
          const mean = meanOf(honest)
          const spread = Math.max(...honest.map((vector) => distance(vector, mean)))
          const count = honest.length + f
          expect(distance(parameters, mean)).toBeLessThanOrEqual(2 * (count - f) / (count - 2 * f) * spread * (1 + 1e-3) + 1e-5)
        }
      }), { numRuns: 300 })
    })
  })
}

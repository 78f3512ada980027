/**
 * The step from updates to the next model, with a codec that rounds: what a lossless one cannot tell apart
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { mix } from './placed.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { Aggregator } from '../../src/interface.ts'
import type { InboxEntry } from '../../src/round/inbox.ts'

const SIZE = 64
const codec = createCodec('int8')

function vector (seed: string): Float32Array {
  const random = seededRandom(seed)
  return Float32Array.from({ length: SIZE }, () => random() - 0.5)
}

function rounded (values: Float32Array): Float32Array {
  return codec.decode(codec.encode(values), SIZE)
}

function entry (author: string, model: Float32Array, degree = 2, ...others: Float32Array[]): InboxEntry {
  const payload = codec.encode(model)
  const update = { author, updateId: `${author}/1`, round: 1, sequence: 1, codec: 'int8', degree, payload, from: author, receivedAtMs: 0 }
  const vectors = [model, ...others].map(rounded)
  return { update, parameters: vectors[0]!, vectors }
}

describe('mixing with a codec that rounds', () => {
  it('moves the exact local model by what the average differs from the own replica: no rounding error of its own is lost', () => {
    fc.assert(fc.property(fc.string(), (seed) => {
      const half = vector(`${seed}/own`)
      const own = rounded(half)
      const entries = ['a', 'b'].map((name) => entry(name, vector(`${seed}/${name}`)))
      const options = { degree: 2, round: 1 }
      const parameters = mix({ half: [half], own: [own], entries }, createAggregator({ rule: 'mean', f: 0 }), options).vectors[0]!
      const error = half.map((value, i) => value - own[i]!)
      expect(error.some((value) => value !== 0)).toBe(true)
      for (let i = 0; i < SIZE; i++) {
        const average = (own[i]! + entries[0]!.parameters[i]! + entries[1]!.parameters[i]!) / 3
        expect(parameters[i]).toBeCloseTo(average + error[i]!, 6)
      }
    }))
  })

  it('keeps the exact local model, not its replica, when all neighbours have the same replica', () => {
    const half = vector('own')
    const own = rounded(half)
    const entries = ['a', 'b'].map((name) => ({ ...entry(name, half), parameters: own, vectors: [own] }))
    const parameters = mix({ half: [half], own: [own], entries }, createAggregator({ rule: 'mean', f: 0 }), { degree: 2, round: 1 }).vectors[0]!
    parameters.forEach((value, i) => { expect(value).toBeCloseTo(half[i]!, 6) })
  })

  it('weighs both ends of an edge alike, by the larger of the two degrees', () => {
    const [left, right] = [vector('left'), vector('right')]
    const rule = createAggregator({ rule: 'mean', f: 0 })
    const moved = (own: Float32Array, other: InboxEntry, degree: number): number[] => {
      const parameters = mix({ half: [own], own: [own], entries: [other] }, rule, { degree, round: 1 }).vectors[0]!
      return Array.from(parameters, (value, i) => value - own[i]!)
    }
    const there = moved(rounded(left), entry('right', right, 4), 1)
    const back = moved(rounded(right), entry('left', left, 1), 4)
    there.forEach((value, i) => { expect(value).toBeCloseTo(-back[i]!, 6) })
    // 1 / (1 + max(1, 4))
    expect(there[0]).toBeCloseTo((rounded(right)[0]! - rounded(left)[0]!) / 5, 6)
  })
})

describe('mixing several vectors', () => {
  const vectors = [{ name: 'model', rule: 'robust' as const }, { name: 'tracker', rule: 'robust' as const }, { name: 'count', rule: 'mean' as const }]
  const median = createAggregator({ rule: 'median', f: 1 })
  const fill = (value: number): Float32Array => new Float32Array(SIZE).fill(value)
  const three = (model: number, tracker: number, count: number): Float32Array[] => [fill(model), fill(tracker), fill(count)]
  const from = (author: string, ...values: [number, number, number]): InboxEntry => {
    const [model, ...others] = three(...values)
    const { update } = entry(author, model!)
    return { update, parameters: model!, vectors: [model!, ...others] }
  }

  it('takes each by its own rule, and displaces each by what it differs from its own replica', () => {
    const own = three(0, 10, 0)
    const half = three(1, 10.5, 0)
    const entries = [from('a', 0, 20, 3), from('b', 0, 30, 6), from('c', 0, -1000, 9)]
    const mixed = mix({ half, own, entries }, median, { degree: 3, vectors })
    // median of 10, 20, 30, -1000 is 15; mean of 0, 3, 6, 9 by quarters
    expect(mixed.vectors.map((vector) => vector[0])).toEqual([1, 15.5, 4.5])
    expect(mixed.parents).toHaveLength(3)
  })

  it('leaves out of a mean whom the rule left out with the model', () => {
    const krum = createAggregator({ rule: 'multi-krum', f: 1 })
    const entries = [from('a', 0, 0, 4), from('b', 0.1, 0, 4), from('c', 0.05, 0, 4), from('d', 0, 0, 4), from('liar', 1_000, 0, 1_000_000)]
    const own = three(0, 0, 4)
    const { vectors: mixed, excluded } = mix({ half: own, own, entries }, krum, { degree: 5, vectors })
    expect(excluded.map(({ peer }) => peer)).toContain('liar')
    expect(mixed[2]![0]).toBeCloseTo(4, 5)
  })

  it('keeps the others where nobody took part with the model', () => {
    const nobody: Aggregator = {
      name: median.name,
      minimumNeighbours: 1,
      needsLosses: false,
      aggregate: (input) => ({ ...median.aggregate(input), parameters: input.own.slice(), excluded: input.neighbours.map(({ peer }) => ({ peer, reason: 'distance-gate' })) })
    }
    const own = three(0, 10, 0)
    const half = three(1, 10.5, 0)
    const mixed = mix({ half, own, entries: [from('a', 9, 20, 3), from('b', 9, 30, 6), from('c', 9, 30, 9)] }, nobody, { degree: 3, vectors })
    expect(mixed.vectors.map((vector) => vector[0])).toEqual([1, 10.5, 0])
    expect(mixed.parents).toEqual([])
  })

  it('keeps all of them where one would not be a model', () => {
    const own = three(0, 0, 2 ** 49)
    const half = three(0, 1, 2 ** 49)
    const mixed = mix({ half, own: three(0, 0, 2 ** 48), entries: [from('a', 5, 5, 2 ** 49)] }, createAggregator({ rule: 'mean', f: 0 }), { degree: 1, vectors })
    expect(mixed).toMatchObject({ keptOwn: true, unsound: 0, parents: [] })
    expect(mixed.vectors).toBe(half)
    expect(own).toEqual(three(0, 0, 2 ** 49))
  })
})

/**
 * The step from updates to the next model, with a codec that rounds: what a lossless one cannot tell apart
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { mix } from '../../src/round/mix.ts'
import { seededRandom } from '../../src/seeded-random.ts'
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

function entry (author: string, parameters: Float32Array, degree = 2): InboxEntry {
  const payload = codec.encode(parameters)
  const update = { author, updateId: `${author}/1`, round: 1, sequence: 1, codec: 'int8', degree, payload, from: author, receivedAtMs: 0 }
  return { update, parameters: rounded(parameters) }
}

describe('mixing with a codec that rounds', () => {
  it('moves the exact local model by what the average differs from the own replica: no rounding error of its own is lost', () => {
    fc.assert(fc.property(fc.string(), (seed) => {
      const half = vector(`${seed}/own`)
      const own = rounded(half)
      const entries = ['a', 'b'].map((name) => entry(name, vector(`${seed}/${name}`)))
      const options = { degree: 2, round: 1 }
      const { parameters } = mix({ half, own, entries }, createAggregator({ rule: 'mean', f: 0 }), options)
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
    const entries = ['a', 'b'].map((name) => ({ ...entry(name, half), parameters: own }))
    const { parameters } = mix({ half, own, entries }, createAggregator({ rule: 'mean', f: 0 }), { degree: 2, round: 1 })
    parameters.forEach((value, i) => { expect(value).toBeCloseTo(half[i]!, 6) })
  })

  it('weighs both ends of an edge alike, by the larger of the two degrees', () => {
    const [left, right] = [vector('left'), vector('right')]
    const rule = createAggregator({ rule: 'mean', f: 0 })
    const moved = (own: Float32Array, other: InboxEntry, degree: number): number[] => {
      const { parameters } = mix({ half: own, own, entries: [other] }, rule, { degree, round: 1 })
      return Array.from(parameters, (value, i) => value - own[i]!)
    }
    const there = moved(rounded(left), entry('right', right, 4), 1)
    const back = moved(rounded(right), entry('left', left, 1), 4)
    there.forEach((value, i) => { expect(value).toBeCloseTo(-back[i]!, 6) })
    // 1 / (1 + max(1, 4))
    expect(there[0]).toBeCloseTo((rounded(right)[0]! - rounded(left)[0]!) / 5, 6)
  })
})

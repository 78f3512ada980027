import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainValueProblem } from '../src/plain-value.ts'

const limits = { maxDepth: 8, maxValues: 1000 }

function nested (depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) {
    value = i % 2 === 0 ? [value] : { value }
  }
  return value
}

describe('plainValueProblem', () => {
  it('has no problem with anything that JSON holds', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value)
      fc.pre(!text.includes('__proto__') && !/\d{16}|e\+/.test(text))
      expect(plainValueProblem(value, { maxDepth: 64, maxValues: 1e6 })).toBeUndefined()
    }))
  })

  it.each<[string, unknown, RegExp]>([
    ['NaN', { a: NaN }, /not finite/],
    ['infinity', [-Infinity], /not finite/],
    ['an integer that is not safe', { a: 2 ** 53 }, /2\^53/],
    ['a bigint', [1n], /type bigint/],
    ['a function', { a: () => 1 }, /type function/],
    ['a hole in a list', [1, undefined], /type undefined/],
    ['nothing', undefined, /type undefined/],
    ['bytes', { a: new Uint8Array(2) }, /neither a list nor plain/],
    ['an instance', { a: new Date(0) }, /neither a list nor plain/],
    ['__proto__ as a field', JSON.parse('{"a":{"__proto__":{"polluted":true}}}'), /__proto__/],
    ['too many values', Array.from({ length: 1001 }, () => 0), /more than 1000 values/]
  ])('names %s', (_what, value, problem) => {
    expect(plainValueProblem(value, limits)).toMatch(problem)
  })

  it('lets a field be undefined: it is left out', () => {
    expect(plainValueProblem({ a: undefined }, limits)).toBeUndefined()
  })

  it('draws the line of depth exactly', () => {
    expect(plainValueProblem(nested(8), limits)).toBeUndefined()
    expect(plainValueProblem(nested(9), limits)).toMatch(/more than 8 deep/)
  })

  it('ends on depth bombs and on cycles', () => {
    expect(plainValueProblem(nested(1_000_000), limits)).toMatch(/deep/)
    const cycle: Record<string, unknown> = {}
    cycle['a'] = cycle
    cycle['b'] = [cycle, cycle]
    expect(plainValueProblem(cycle, { maxDepth: 64, maxValues: 100_000 })).toMatch(/deep|values/)
  })
})

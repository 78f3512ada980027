import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closest } from '../src/closest.ts'

const KNOWN = ['epochs', 'steps', 'batchSize', 'learningRate']

describe('closest', () => {
  it.each([
    ['epoch', 'epochs'], ['batchsize', 'batchSize'], ['learnnigRate', 'learningRate'], ['stpes', 'steps'], ['EPOCHS', 'epochs'], ['zebra', undefined], ['', undefined]
  ])('answers %j with %j', (word, expected) => {
    expect(closest(word, KNOWN)).toBe(expected)
  })

  it('finds every known word with one letter changed, dropped or added', () => {
    fc.assert(fc.property(fc.constantFrom(...KNOWN), fc.nat(), fc.constantFrom('', 'x', 'xx'), (word, at, put) => {
      const index = at % word.length
      expect(closest(word.slice(0, index) + put + word.slice(index + 1), KNOWN)).toBe(word)
    }))
  })

  it('does not take a single letter for another one', () => {
    expect(closest('x', ['f'])).toBeUndefined()
    expect(closest('F', ['f'])).toBe('f')
  })

  it('has no suggestion for a word of enormous length, and does not take long to say so', () => {
    expect(closest('x'.repeat(1_000_000), KNOWN)).toBeUndefined()
  })
})

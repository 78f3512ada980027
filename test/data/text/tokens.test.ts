import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { plainText, textInputs, tokenizer } from '../../../src/data/text/tokens.ts'
import { WordCounter } from '../../../src/data/text/vocabulary.ts'
import { isWord } from '../../../src/federation/text-input.ts'
import { lowerCase, wordsOf } from '../../../src/federation/words.ts'
import type { TextInput } from '../../../src/data/examples.ts'

const bytes = (length: number): TextInput => ({ kind: 'text', length, tokens: 'bytes' })
const words = (length: number, ...vocabulary: string[]): TextInput => ({ kind: 'text', length, tokens: 'words', vocabulary })

describe('a text as it counts', () => {
  it.each([
    ['a\r\nb\rc\n', 'a\nb\nc'],
    ['\ufeff\u00a0 \t a b \u3000\n\n', 'a b'],
    [' \n ', ''],
    ['', '']
  ])('%j is %j', (text, plain) => {
    expect(plainText(text)).toBe(plain)
  })

  it('has no blanks around it, as trim has them, whatever the version of Unicode', () => {
    for (let code = 0; code < 0x10000; code++) {
      const character = String.fromCharCode(code)
      const lines = character === '\r' ? '\n' : character
      expect(plainText(`${character}x${character}`)).toBe(`${lines}x${lines}`.trim())
    }
  })

  it('of a million blanks is read in no time that grows with their square', () => {
    const text = ' '.repeat(1_000_000)
    expect(plainText(`${text}x${text}y`).length).toBe(1_000_002)
  })
})

describe('words', () => {
  it.each([
    ['Don\'t PANIC, it\'s 42!', ['don', 't', 'panic', 'it', 's', '42']],
    ['na\u00efve \u00dcBER-stra\u00dfe', ['na\u00efve', '\u00fcber', 'stra\u00dfe']],
    ['\u041f\u0440\u0418\u0432\u0415\u0442\u2014\u039a\u0391\u039b\u0397\u039c\u0388\u03a1\u0391\u03a3', ['\u043f\u0440\u0438\u0432\u0435\u0442', '\u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1\u03c3']],
    ['\u4f60\u597d\u3002world \u3053\u3093\u306b\u3061\u306f', ['\u4f60', '\u597d', 'world', '\u3053\u3093\u306b\u3061\u306f']],
    ['e\u0301te\u0301', ['e\u0301te\u0301']],
    ['\u{1f600}\u{1f600} ok', ['\u{1f600}\u{1f600}', 'ok']],
    [' .,;-_()[]{}<>"\'`\u201c\u2026\u20ac\u00bf', []]
  ])('of %j', (text, expected) => {
    expect([...wordsOf(text)]).toEqual(expected)
  })

  it('have small letters that are those of Unicode in the ranges that are said, and no others', () => {
    const ranges = [[0x41, 0x5a], [0xc0, 0x17f], [0x386, 0x3ab], [0x400, 0x42f]] as const
    for (let code = 0; code < 0x3000; code++) {
      const character = String.fromCharCode(code)
      const inRange = ranges.some(([from, to]) => code >= from && code <= to)
      expect(lowerCase(character)).toBe(code === 0x130 ? 'i' : inRange ? character.toLowerCase() : character)
    }
  })

  it('are cut alike for ever: the answers over all characters are pinned', () => {
    const all = Array.from({ length: 0x110000 }, (_, code) => code).filter((code) => code < 0xd800 || code > 0xdfff)
    const cut = [...wordsOf(all.map((code) => `a${String.fromCodePoint(code)}b`).join(' '))].join('\n')
    expect(createHash('sha256').update(cut).digest('hex')).toMatchInlineSnapshot('"b791a5cd9e4838313768d498d2606e0a67e2b292dc0519d490fda6bbfe0fc79d"')
  })

  it('of a vocabulary are those that a text can meet', () => {
    expect(['the', '42', '\u4f60', 'x'.repeat(64)].map(isWord)).toEqual([true, true, true, true])
    expect(['The', 'don\'t', '', 'a b', ' a', '\u4f60\u597d', 'x'.repeat(65)].map(isWord)).toEqual(Array(7).fill(false))
  })
})

describe('tokens', () => {
  it('of bytes are each byte and one, in UTF-8; a longer text is cut, a shorter one is padded', () => {
    expect([...tokenizer(bytes(3))('a\u00e9').ids]).toEqual([0x62, 0xc4, 0xaa])
    expect(tokenizer(bytes(3))('a\u00e9').cut).toBe(false)
    expect([...tokenizer(bytes(2))('\u{1f600}').ids]).toEqual([0xf1, 0xa0])
    expect(tokenizer(bytes(2))('\u{1f600}').cut).toBe(true)
    expect([...textInputs(['ab ', '', 'abcd'], bytes(3))]).toEqual([98, 99, 0, 0, 0, 0, 98, 99, 100])
  })

  it('are all bytes of a text that is long enough, wherever it is cut', () => {
    const text = 'a\u00e9\u4f60\u{1f600}'.repeat(5)
    const all = [...Buffer.from(text)].map((byte) => byte + 1)
    for (let length = 1; length <= all.length + 1; length++) {
      const { ids, cut } = tokenizer(bytes(length))(text)
      expect([...ids]).toEqual(all.slice(0, length))
      expect(cut).toBe(length < all.length)
    }
  })

  it('of words are places in the vocabulary behind padding and unknown', () => {
    const input = words(4, 'good', 'film')
    expect([...textInputs(['A GOOD film.', 'film film film film film', '!'], input)]).toEqual([1, 2, 3, 0, 3, 3, 3, 3, 0, 0, 0, 0])
    expect(tokenizer(input)('film film film film').cut).toBe(false)
    expect(tokenizer(input)('film film film film film').cut).toBe(true)
  })
})

describe('the most common words', () => {
  it('are counted by texts, not by times; equal ones go by their letters', () => {
    const counter = new WordCounter()
    counter.add('b b b b a')
    counter.add('a c')
    counter.add('B c')
    counter.add(`d ${'long'.repeat(20)}`)
    expect(counter.vocabulary(10, 1)).toEqual(['a', 'b', 'c', 'd'])
    expect(counter.vocabulary(2, 1)).toEqual(['a', 'b'])
    expect(counter.vocabulary(10, 2)).toEqual(['a', 'b', 'c'])
  })
})

/**
 * From a text to the numbers that the model takes, as the document says: the same on every machine
 *
 * Pure. What words are is in src/federation/words.ts.
 */
import { FIRST_WORD } from '../../federation/input-shape.ts'
import { wordsOf } from '../../federation/words.ts'
import type { TextInput } from '../examples.ts'

/** Of a word that the vocabulary does not have */
const UNKNOWN = 1

/** Blanks of ECMAScript's `trim`, by their numbers */
const BLANK = '[\\t-\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]'
const LEADING = new RegExp(`^${BLANK}+`)
const BLANKS = new RegExp(`^${BLANK}$`)

export interface Tokens {
  /** 1 or more each, at most the document's length of them; good until the next text comes */
  ids: Uint16Array
  /** The text has more tokens than the model is given */
  cut: boolean
}

/**
 * A text as it counts, wherever it stood: without blanks around it, and each end of a line is LF. So a text is the same
 * in a file with a last line end, in one from Windows, and in a cell of a table
 */
export function plainText (text: string): string {
  const lines = text.replace(/\r\n?/g, '\n').replace(LEADING, '')
  // from the end: a pattern for blanks at the end tries each blank before it
  let end = lines.length
  while (end > 0 && BLANKS.test(lines[end - 1]!)) {
    end--
  }
  return lines.slice(0, end)
}

/** Takes texts of `plainText` */
export function tokenizer (input: TextInput): (text: string) => Tokens {
  const ids = new Uint16Array(input.length)
  return input.vocabulary === undefined ? (text) => byteTokens(text, ids) : wordTokenizer(input.vocabulary, ids)
}

function byteTokens (text: string, ids: Uint16Array): Tokens {
  // a unit of UTF-16 has a byte at least; one unit more, so that no pair of them is torn before the bytes that count
  const bytes = Buffer.from(text.slice(0, ids.length + 1))
  const count = Math.min(bytes.length, ids.length)
  for (let i = 0; i < count; i++) {
    ids[i] = bytes[i]! + 1
  }
  return { ids: ids.subarray(0, count), cut: bytes.length > count }
}

function wordTokenizer (vocabulary: readonly string[], ids: Uint16Array): (text: string) => Tokens {
  const numbers = new Map(vocabulary.map((word, i) => [word, FIRST_WORD + i]))
  return (text) => {
    let count = 0
    for (const word of wordsOf(text)) {
      if (count === ids.length) {
        return { ids, cut: true }
      }
      ids[count++] = numbers.get(word) ?? UNKNOWN
    }
    return { ids: ids.subarray(0, count), cut: false }
  }
}

/**
 * The inputs of a model for these texts, for `Predictor.predict`: texts.length x `input.length` numbers of tokens,
 * row-major, 0 behind the end of a text
 */
export function textInputs (texts: readonly string[], input: TextInput): Float32Array {
  const tokens = tokenizer(input)
  const inputs = new Float32Array(texts.length * input.length)
  texts.forEach((text, i) => { inputs.set(tokens(plainText(text)).ids, i * input.length) })
  return inputs
}

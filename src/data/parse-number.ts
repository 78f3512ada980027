/**
 * Numbers as tables write them: decimal, with a point or a comma, nothing between the thousands
 */

/** What stands between whole and fraction */
export type DecimalMark = 'point' | 'comma'

/** Undefined when the text is not a finite decimal number */
export type NumberParser = (text: string) => number | undefined

/** Strict: no hexadecimal, no Infinity, no empty text, all of which Number() accepts */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Whole numbers of so many digits are exact, and so are these powers: their quotient is the nearest double */
const EXACT_DIGITS = 15
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i)

export const ZERO = 48
export const NINE = 57
export const PLUS = 43
export const MINUS = 45
const POINT_MARK = 46
const COMMA_MARK = 44

export function markCode (decimal: DecimalMark): number {
  return decimal === 'comma' ? COMMA_MARK : POINT_MARK
}

/** Thousands in the usual ways of writing them: 1,234,567.8 and 1.234.567,8 and 1 234 567 and 1'234'567 */
const THOUSANDS = /^[+-]?\d{1,3}([.,'’ \u00a0\u202f])\d{3}(\1\d{3})*([.,]\d+)?$/
const COMMA = /^[+-]?\d*,\d+(e[+-]?\d+)?$/i
const POINT = /^[+-]?\d*\.\d+(e[+-]?\d+)?$/i

function parseAny (text: string, decimal: DecimalMark): number | undefined {
  // words are told by their first letter; 1.234 is a thousand where there are decimal commas
  if (text.charCodeAt(0) > NINE || (decimal === 'comma' && text.includes('.'))) {
    return undefined
  }
  const plain = decimal === 'comma' ? text.replace(',', '.') : text
  const value = NUMBER.test(plain) ? Number(plain) : NaN
  return Number.isFinite(value) ? value : undefined
}

/** A part of a text. Most cells are short decimals, which take a fifth of the time without a pattern and `Number` */
export function parseSpan (text: string, from: number, to: number, decimal: DecimalMark): number | undefined {
  const mark = markCode(decimal)
  const first = text.charCodeAt(from)
  let whole = 0
  let digits = 0
  let fraction = 0
  let marked = 0
  for (let i = first === MINUS || first === PLUS ? from + 1 : from; i < to; i++) {
    const code = text.charCodeAt(i)
    const digit = code - ZERO
    if (digit >= 0 && digit <= 9) {
      whole = whole * 10 + digit
      digits++
      fraction += marked
    } else if (code === mark && marked === 0) {
      marked = 1
    } else {
      return parseAny(text.slice(from, to), decimal)
    }
  }
  const value = plainNumber(first, whole, digits, fraction)
  return Number.isNaN(value) ? parseAny(text.slice(from, to), decimal) : value
}

/** A sign or none, and so many digits, some of a fraction; NaN where they are too few, or too many to be exact */
function plainNumber (first: number, whole: number, digits: number, fraction: number): number {
  if (digits === 0 || digits > EXACT_DIGITS) {
    return NaN
  }
  const value = whole / POWERS[fraction]!
  return first === MINUS ? -value : value
}

/** More digits do not fit into 32 bits */
const SHORT_DIGITS = 9

/**
 * A number that stands for itself: a sign or none, digits, among them a mark or none
 *
 * @param first - Code of its first letter
 * @param whole - All digits as one number, right if they are few
 * @param length - Letters
 * @param markAt - Place of the mark among them, below 0 where there is none
 * @returns NaN where digits are too few or too many
 */
export function shortNumber (first: number, whole: number, length: number, markAt: number): number {
  const digits = length - (first === MINUS || first === PLUS ? 1 : 0) - (markAt < 0 ? 0 : 1)
  if (digits < 1 || digits > SHORT_DIGITS) {
    return NaN
  }
  const value = markAt < 0 ? whole : whole / POWERS[length - markAt - 1]!
  return first === MINUS ? -value : value
}

const PARSERS: Readonly<Record<DecimalMark, NumberParser>> = {
  point: (text) => parseSpan(text, 0, text.length, 'point'),
  comma: (text) => parseSpan(text, 0, text.length, 'comma')
}

/** Undefined when the text is not a finite decimal number with a point */
export const parseNumber: NumberParser = PARSERS.point

export function numberParser (decimal: DecimalMark): NumberParser {
  return PARSERS[decimal]
}

/** What a text that is no number may be meant to be, to follow a message; '' when it is like none */
export function numberHint (text: string, decimal: DecimalMark = 'point'): string {
  const other = decimal === 'point' ? COMMA.test(text) : POINT.test(text)
  const thousands = THOUSANDS.test(text)
  if (!other && !thousands) {
    return ''
  }
  const flag = decimal === 'point' ? 'comma' : 'point'
  const remove = 'signs between thousands are not read: take them out'
  return other ? ` (if that is a decimal ${flag}: --decimal ${flag}${thousands ? `; ${remove}` : ''})` : ` (${remove})`
}

/** Is this cell written with a decimal point or comma? Undefined where it has none, or may have thousands in it */
export function decimalMarkOf (text: string): DecimalMark | undefined {
  if (text.length > 32 || /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(text)) {
    return undefined
  }
  return COMMA.test(text) ? 'comma' : POINT.test(text) ? 'point' : undefined
}

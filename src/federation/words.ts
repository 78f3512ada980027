/**
 * How a text is cut into words: fixed ranges of code points, so that every machine, program and version of Unicode
 * cuts alike
 *
 * No property of Unicode is asked for: which characters are letters, and how they are written small, is another answer
 * in each version of it, and so of Node. What is written here can be written down in any language (docs/data.md#text).
 */

/** Between words, from U+0080 up: blanks, punctuation, signs. ASCII but for letters and digits is written out below */
const BETWEEN = '\\u0080-\\u00a9\\u00ab-\\u00b4\\u00b6-\\u00b9\\u00bb-\\u00bf\\u00d7\\u00f7\\u037e\\u0387\\u055a-\\u055f\\u0589\\u05be\\u05c0\\u05c3' +
  '\\u060c\\u061b\\u061f\\u066a-\\u066d\\u06d4\\u0964\\u0965\\u1680\\u2000-\\u206f\\u20a0-\\u20cf\\u2190-\\u2bff\\u2e00-\\u2e7f\\u3000-\\u3004\\u3008-\\u3020\\u3030\\u30fb' +
  '\\ud800-\\udfff\\ufe10-\\ufe1f\\ufe30-\\ufe6f\\ufeff\\uff00-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65\\uffe0-\\uffff'

/** Nothing stands between these where one word ends and the next begins: each is a word */
const IDEOGRAPHS = '\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}'

const WORD = new RegExp(`[${IDEOGRAPHS}]|[^\\u0000-\\u002f\\u003a-\\u0060\\u007b-\\u007f${BETWEEN}${IDEOGRAPHS}]+`, 'gu')

/**
 * Latin, Greek and Cyrillic letters that Unicode has had since its version 1.1: their small forms have never changed,
 * and may not any more (its stability policy). Of U+0130 the small form has two characters: here it is `i`
 */
const LARGE = /[A-Z\u00c0-\u017f\u0386-\u03ab\u0400-\u042f]/g

/** With the large letters of these ranges made small: A-Z, U+00C0-017F, U+0386-03AB, U+0400-042F. No others */
export function lowerCase (text: string): string {
  return text.replace(LARGE, (letter) => letter === '\u0130' ? 'i' : letter.toLowerCase())
}

/**
 * The words of a text, in small letters, in their order: runs of characters that are not between words; each ideograph
 * by itself. An apostrophe is between words: `don't` is `don` and `t`
 *
 * Pure. Characters are taken as they are: an accent that is written as a character of its own makes another word
 */
export function * wordsOf (text: string): Generator<string, void, undefined> {
  for (const [word] of lowerCase(text).matchAll(WORD)) {
    yield word
  }
}

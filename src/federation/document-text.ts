/**
 * A document as the text of a file, for people to write: JSON, in which a line that begins with `//` is a comment
 *
 * No text in JSON goes over the end of a line, so that such a line is never a part of one.
 */

/** What the text holds, whatever it is. Throws SyntaxError where it is no JSON, with the place in the text */
export function documentValue (text: string): unknown {
  // some editors put a byte order mark in front
  return JSON.parse(text.replace(/^\ufeff/, '').split('\n').map((line) => /^\s*\/\//.test(line) ? '' : line).join('\n'))
}

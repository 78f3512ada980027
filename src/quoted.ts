/**
 * Text that others wrote, made safe to show: a terminal obeys control characters, and an eye believes reordered ones
 *
 * `quoted` goes around each such text inside a message; `printable` and `jsonLine` are for whoever writes whole lines
 * to a terminal, so that what was forgotten, or what a library says, does no harm either.
 */

const MAX_LENGTH = 64

/**
 * Controls, formats (bidirectional ones among them), surrogates, private and unassigned characters; and the two
 * separators that end a line in some programs. What Unicode adds later is unassigned to an older Node, and replaced too
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Colour and weight, the only sequences that the programs themselves put into a line */
// eslint-disable-next-line no-control-regex -- the escape character is what it looks for
const STYLE_SEQUENCE = /(\u001b\[\d{1,2}m)/

/** In quotes, cut, and without characters that steer a terminal */
export function quoted (name: string): string {
  return printable(JSON.stringify(name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH)}…` : name))
}

/** Names in quotes, the first `most` of them, and how many more there are */
export function quotedList (names: readonly string[], most: number): string {
  return names.slice(0, most).map(quoted).join(', ') + (names.length > most ? ` and ${names.length - most} more` : '')
}

/** One line, whatever is in it; with `styles`, colours stay */
export function printable (line: string, { styles = false }: { styles?: boolean } = {}): string {
  if (!styles) {
    return line.replace(UNPRINTABLE, '\ufffd')
  }
  // the odd parts are the sequences
  return line.split(STYLE_SEQUENCE).map((part, index) => index % 2 === 1 ? part : printable(part)).join('')
}

/** JSON on one line, equal in value: what steers a terminal is escaped, not replaced */
export function jsonLine (value: unknown): string {
  return escapedJson(JSON.stringify(value))
}

/** The same for one line of JSON that is text already */
export function escapedJson (line: string): string {
  return line.replace(UNPRINTABLE, escaped)
}

function escaped (character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
}

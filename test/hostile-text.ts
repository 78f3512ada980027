/**
 * Text that a stranger would choose to be shown, and what must never reach a terminal of it
 */
import fc from 'fast-check'

/**
 * Title and clipboard of a terminal, colours, cursor, C1 forms of them, lines, direction, other planes, halves of
 * characters
 */
const WEAPONS = ['\u001b]0;owned\u0007', '\u001b]52;c;cm0gLXJm\u0007', '\u001b[31m', '\u001b[2J\u001b[H', '\u009b2J', '\u0090q\u009c', '\r', '\n', '\r\nerror GRAPEVINE_E_OK: all is well', '\u0008\u0008',
  '\u0000', '\u007f', '\u0085', '\u2028', '\u2029', '\u202e', '\u2066', '\u200b', '\u{e0041}', '\ud800', '\udc00', '\ufeff']

export const hostileText: fc.Arbitrary<string> = fc.array(fc.oneof(fc.constantFrom(...WEAPONS), fc.string({ unit: 'binary', maxLength: 8 }), fc.constant('x'.repeat(300))), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''))

/** Everything but the end of a line */
const STEERS = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u

/** The first character that steers a terminal, as a number; undefined for text that is safe */
export function steering (text: string): string | undefined {
  const found = STEERS.exec(text)?.[0]
  return found === undefined ? undefined : `U+${found.codePointAt(0)!.toString(16)} in ${JSON.stringify(text).slice(0, 200)}`
}

/** The value with every text in it, and every key that `keys` allows, made hostile */
export function withHostileText<T> (value: T, text: string, keys: (path: string) => boolean = () => false): T {
  return replaced(value, text, { keys, path: '' }) as T
}

function replaced (value: unknown, text: string, at: { keys: (path: string) => boolean, path: string }): unknown {
  if (typeof value === 'string') {
    return text
  }
  if (Array.isArray(value)) {
    return value.map((entry) => replaced(entry, text, at))
  }
  if (value === null || typeof value !== 'object') {
    return value
  }
  if (value instanceof Error) {
    return Object.assign(new Error(text, { cause: new Error(text) }), { name: value.name })
  }
  return Object.fromEntries(Object.entries(value).map(([key, field]) => {
    const path = `${at.path}.${key}`
    return [at.keys(path) ? text : key, replaced(field, text, { ...at, path })]
  }))
}

/** Every place of a value that holds text, and every object that has keys, by path */
export function placesOf (value: unknown, path: ReadonlyArray<string | number> = []): Array<ReadonlyArray<string | number>> {
  if (value === null || typeof value !== 'object') {
    return [path]
  }
  const entries: Array<[string | number, unknown]> = Array.isArray(value) ? [...value.slice(0, 3).entries()] : Object.entries(value)
  return [path, ...entries.flatMap(([key, field]) => placesOf(field, [...path, key]))]
}

/** A copy in which `change` was made to what lies at `path` */
export function changedAt (value: unknown, path: ReadonlyArray<string | number>, change: (old: unknown) => unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) {
    return change(value)
  }
  const copy = (Array.isArray(value) ? [...value as unknown[]] : { ...value as object }) as Record<string | number, unknown>
  copy[key] = changedAt(copy[key], rest, change)
  return copy
}

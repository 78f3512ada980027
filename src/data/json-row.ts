/**
 * One line of JSON Lines (jsonlines.org; the same as NDJSON) as the cells of a row
 *
 * Pure. RFC 8259 leaves open what an object with two equal names means, and has no NaN: both are refused, as are nested
 * values, which are no cells.
 */
import { MAX_COLUMNS } from '../limits.ts'
import { printable } from '../quoted.ts'

/** What a line cannot be; to follow the name of the file and the line */
export class JsonRowError extends Error {
  override name = 'JsonRowError'
}

/** Characters of a stranger's name that a message shows */
const MAX_SHOWN = 60

/** One that is never closed goes to the end: no search may begin anew at each quote within it */
const STRING = /"(?:[^"\\]|\\.)*(?:"|\\?$)/gs
const KEY = /"(?:[^"\\]|\\.)*"(?=\s*:)/g
const NO_NUMBER = /(?<![\w"])-?(NaN|Infinity|nan|inf)\b/
/** Whole numbers that a double may not hold to the last digit */
const LONG_WHOLE = /(?<![\w.+-])-?\d{16,}(?![\w.])/g

/** Cells as a CSV file would have them: trimmed, empty for null. Throws JsonRowError */
export function jsonRow (line: string): Map<string, string> {
  const entries = Object.entries(parsed(line))
  if (entries.length > MAX_COLUMNS) {
    throw new JsonRowError(`the object has ${entries.length} names, more than the ${MAX_COLUMNS} columns that a table may have; are names values there?`)
  }
  const bare = line.replaceAll(STRING, '""')
  const longWholes = new Set((bare.match(LONG_WHOLE) ?? []).map(Number))
  const cells = new Map(entries.map(([key, value]) => [key, cellText(key, value, longWholes)]))
  requireDifferentKeys(line, bare, entries.length)
  return cells
}

type JsonValue = string | number | boolean | null | object

function parsed (line: string): Record<string, JsonValue> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (err) {
    throw new JsonRowError(problemOf(line), { cause: err })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new JsonRowError(`${Array.isArray(value) ? 'an array' : String(value).slice(0, MAX_SHOWN)}, and no object; each line is one object: {"age": 41, "outcome": "yes"}`)
  }
  return value as Record<string, JsonValue>
}

/** The library's own message holds values of the file */
function problemOf (line: string): string {
  const word = NO_NUMBER.exec(line.replaceAll(STRING, '""'))?.[0]
  if (word !== undefined) {
    return `${word} is no JSON; write null where there is no value`
  }
  return /^\s*[[{]\s*$/.test(line)
    ? 'a JSON text of several lines, where each line is one object; write it so (jq -c ".[]")'
    : 'no complete JSON object; each line is one object, with names in double quotes and no comma behind the last'
}

/** `longWholes`: whole numbers of the line with too many digits, as they are read */
function cellText (key: string, value: JsonValue, longWholes: ReadonlySet<number>): string {
  if (value === null) {
    return ''
  }
  if (typeof value === 'object') {
    const [inner] = Object.keys(value)
    const path = Array.isArray(value) ? `${key}[0]` : `${key}.${inner ?? ''}`
    throw new JsonRowError(`${shownKey(key)} holds ${Array.isArray(value) ? 'an array' : 'an object'} (${shownKey(path)}), and nested values are no cells of a table; give each its own name`)
  }
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER && longWholes.has(value)) {
    throw new JsonRowError(`${shownKey(key)} is a whole number of more digits than JSON's numbers keep; write it as a string`)
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new JsonRowError(`${shownKey(key)} is a number too large to read; write null, or scale it`)
  }
  return String(value).trim()
}

/** In a flat object every colon outside of strings belongs to one name */
function requireDifferentKeys (line: string, bare: string, found: number): void {
  let colons = 0
  for (let at = bare.indexOf(':'); at !== -1; at = bare.indexOf(':', at + 1)) {
    colons++
  }
  if (colons !== found) {
    const seen = new Set<string>()
    const twice = (line.match(KEY) ?? []).map((key) => String(JSON.parse(key))).find((key) => seen.size === seen.add(key).size)
    throw new JsonRowError(`${shownKey(twice ?? '')} is there twice; give each name once`)
  }
}

export function shownKey (key: string): string {
  return printable(JSON.stringify(key.length > MAX_SHOWN ? `${key.slice(0, MAX_SHOWN)}…` : key))
}

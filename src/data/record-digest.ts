/**
 * What a row of a table says, whatever a federation's document makes of it: by that its dataset is recognised again
 */
import { hash } from 'node:crypto'
import { parseNumber } from './parse-number.ts'
import type { NumberParser } from './parse-number.ts'

/** Bytes of a digest */
export const RECORD_DIGEST_BYTES = 32

/**
 * The digest, sha-256, of rows with these columns: of all cells with the names of their columns, in the order of the
 * names
 *
 * The order of the columns does not matter, nor which of them a document takes for what, nor how a number is written
 * (`1.50`, `15e-1`, `1,5` where `parse` knows decimal commas)
 */
export function recordDigest (columns: readonly string[], parse: NumberParser = parseNumber): (fields: readonly string[]) => Uint8Array {
  const order = columns.map((_, i) => i).sort((a, b) => columns[a]! < columns[b]! ? -1 : 1)
  const names = JSON.stringify(order.map((at) => columns[at]))
  return (fields) => hash('sha256', `${names}\n${JSON.stringify(order.map((at) => parse(fields[at]!) ?? fields[at]))}`, 'buffer')
}

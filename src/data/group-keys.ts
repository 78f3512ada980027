/**
 * The rows of one group (a patient) are known by one number, whatever file they stand in and whoever reads it
 */
import { hash } from 'node:crypto'
import { badValue } from './csv.ts'
import type { RowPlace } from './csv.ts'
import type { MissingTest } from './missing.ts'

/** 48 bits: two of a million groups share a key once in 500 such tables, and then a side */
const KEY_BYTES = 6

/** Not in the order of names: numbers of patients tell when they came */
export function groupKey (text: string): number {
  return hash('sha256', `group\n${text}`, 'buffer').readUIntBE(0, KEY_BYTES)
}

/** The key of a row. Throws DatasetError for a row of no group: nobody can tell on whose side it belongs */
export function groupReader (column: string, isMissing: MissingTest): (text: string, place: RowPlace) => number {
  return (text, place) => {
    if (isMissing(text)) {
      throw badValue(place, column, text, 'names no group, by which the federation tells test rows from training rows; fill it in or remove the row')
    }
    return groupKey(text)
  }
}

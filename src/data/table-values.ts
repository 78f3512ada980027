/**
 * From the fields of a row to the numbers that the document's columns become, alike for training and for predicting
 */
import { closest } from '../closest.ts'
import { DatasetError } from '../errors.ts'
import { badValue, listed, shown } from './csv.ts'
import { isMissing } from './missing.ts'
import { parseNumber } from './parse-number.ts'
import { MISSING, OTHER } from './table-examples.ts'
import type { RowPlace } from './csv.ts'
import type { TableInput } from './examples.ts'

/** Writes one number for each column of the document: standardised or MISSING, the index of the category or OTHER */
export type ValuesReader = (fields: readonly string[], place: RowPlace, out: Float32Array, offset: number) => void

/**
 * Reads rows of a file whose columns have these names, in any order and with others among them
 *
 * Throws DatasetError when a column that the document names is missing; the reader does for a value that does not fit
 */
export function valuesReader (file: string, names: readonly string[], input: TableInput): ValuesReader {
  requireInputs(file, names, input)
  const columns = input.columns.map((column) => ({ at: names.indexOf(column.name), read: valueReader(column) }))
  return (fields, place, out, offset) => {
    for (let i = 0; i < columns.length; i++) {
      const { at, read } = columns[i]!
      out[offset + i] = read(fields[at]!, place)
    }
  }
}

function requireInputs (file: string, names: readonly string[], { columns }: TableInput): void {
  const lacking = columns.map(({ name }) => name).filter((name) => !names.includes(name))
  if (lacking.length === 1) {
    throw new DatasetError(`${file} has no column ${shown(lacking[0]!)}, which the federation takes as an input; it has ${listed(names)}${alike(lacking[0]!, names)}`)
  }
  if (lacking.length > 1) {
    throw new DatasetError(`${file} has no columns ${listed(lacking)}, which the federation takes as inputs; it has ${listed(names)}${alike(lacking[0]!, names)}`)
  }
}

/** For the end of a message: a name that was perhaps meant */
export function alike (column: string, names: readonly string[]): string {
  const suggestion = closest(column, names)
  return suggestion === undefined ? '' : ` (is it ${shown(suggestion)}?)`
}

function valueReader (column: TableInput['columns'][number]): (text: string, place: RowPlace) => number {
  if (column.kind === 'categorical') {
    const categories = new Map(column.values.map((value, i) => [value, i]))
    return (text, place) => {
      const category = categories.get(text) ?? (column.other === true ? OTHER : undefined)
      if (category === undefined) {
        throw badValue(place, column.name, text, `is not one of the federation's values ${listed(column.values)}`)
      }
      return category
    }
  }
  return (text, place) => {
    const value = parseNumber(text)
    if (value === undefined && isMissing(text)) {
      return MISSING
    }
    const standardised = value === undefined ? NaN : Math.fround((value - column.mean) / column.stdDev)
    if (!Number.isFinite(standardised)) {
      throw badValue(place, column.name, text, value === undefined ? 'is not a number; correct it or remove the row' : 'is too large for this column; correct it or remove the row')
    }
    return standardised
  }
}

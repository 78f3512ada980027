/**
 * From the fields of a row to the numbers that the document's columns become, alike for training and for predicting
 */
import { DatasetError } from '../errors.ts'
import { CellMemo } from './cell-memo.ts'
import { badValue, listed, shown } from './csv.ts'
import { missingTest } from './missing.ts'
import { numberHint, numberParser } from './parse-number.ts'
import { alike } from './similar-name.ts'
import { MISSING, OTHER } from './table-examples.ts'
import type { RowPlace } from './csv.ts'
import type { TableInput } from './examples.ts'
import type { DecimalMark } from './parse-number.ts'
import type { MissingTest } from './missing.ts'
import type { Row } from './row.ts'

type Column = TableInput['columns'][number]
type NumericColumn = Extract<Column, { kind: 'numeric' }>
type CategoricalColumn = Extract<Column, { kind: 'categorical' }>

/**
 * Writes one number for each column of the document: standardised or MISSING, the index of the category or OTHER, or
 * the number of categories where a missing value is one of its own
 */
export type ValuesReader = (row: Row, place: RowPlace, out: Float32Array, offset: number) => void

/**
 * Reads rows of a file whose columns have these names, in any order and with others among them
 *
 * Throws DatasetError when a column that the document names is missing; the reader does for a value that does not fit
 */
export function valuesReader (file: string, names: readonly string[], input: TableInput, decimal: DecimalMark = 'point'): ValuesReader {
  requireInputs(file, names, input)
  const columns = input.columns.map((column) => cellReader(names.indexOf(column.name), column, { marks: input.marks, decimal }))
  return (row, place, out, offset) => {
    for (let i = 0; i < columns.length; i++) {
      columns[i]!.write(row, place, out, offset + i)
    }
  }
}

/** Writes, and does not return: a number that is returned is an object more for each cell */
interface CellReader {
  write: (row: Row, place: RowPlace, out: Float32Array, offset: number) => void
}

function cellReader (at: number, column: Column, { marks, decimal }: { marks: readonly string[] | undefined, decimal: DecimalMark }): CellReader {
  const read = valueReader(column, marks, decimal)
  return column.kind === 'categorical'
    ? new CategoryCell(at, column.values, read)
    : new NumberCell({ at, mean: column.mean, stdDev: column.stdDev, marked: missingTest(marks, numberParser(decimal)).numbers, read })
}

/** Most cells are values that were met before, and need not become texts again */
class CategoryCell implements CellReader {
  private readonly at: number
  private readonly values: readonly string[]
  private readonly readText: (text: string, place: RowPlace) => number
  private readonly memo = new CellMemo<{ text: string, category: number }>()

  constructor (at: number, values: readonly string[], read: (text: string, place: RowPlace) => number) {
    this.at = at
    this.values = values
    this.readText = read
  }

  write (row: Row, place: RowPlace, out: Float32Array, offset: number): void {
    const known = this.memo.find(row, this.at)
    if (known !== undefined) {
      out[offset] = known.category
      return
    }
    const text = row.text(this.at)
    const category = this.readText(text, place)
    if (this.values[category] === text) {
      this.memo.keep(row, this.at, { text: this.values[category], category })
    }
    out[offset] = category
  }
}

/** Most cells are numbers, and need not become texts: whatever is not, or does not fit, is read as one */
class NumberCell implements CellReader {
  private readonly at: number
  private readonly mean: number
  private readonly stdDev: number
  private readonly marked: ReadonlySet<number> | undefined
  private readonly readText: (text: string, place: RowPlace) => number

  constructor ({ at, mean, stdDev, marked, read }: { at: number, mean: number, stdDev: number, marked: ReadonlySet<number> | undefined, read: (text: string, place: RowPlace) => number }) {
    this.at = at
    this.mean = mean
    this.stdDev = stdDev
    this.marked = marked
    this.readText = read
  }

  write (row: Row, place: RowPlace, out: Float32Array, offset: number): void {
    const value = row.number(this.at)
    const standardised = Math.fround((value - this.mean) / this.stdDev)
    out[offset] = Number.isFinite(standardised) && this.marked?.has(value) !== true ? standardised : this.readText(row.text(this.at), place)
  }
}

function requireInputs (file: string, names: readonly string[], { columns }: TableInput): void {
  const lacking = columns.map(({ name }) => name).filter((name) => !names.includes(name))
  if (lacking.length === 1) {
    throw new DatasetError(`${file} has no column ${shown(lacking[0]!)}, which the federation takes as an input; it has ${listed(names)}${alike(lacking[0]!, names)}. ${RENAME}`)
  }
  if (lacking.length > 1) {
    const first = lacking.slice(0, MAX_LACKING).map((name) => `${shown(name)}${alike(name, names)}`).join(', ')
    throw new DatasetError(`${file} has no columns ${first}${lacking.length > MAX_LACKING ? `, … (${lacking.length})` : ''}, which the federation takes as inputs; it has ${listed(names)}. ${RENAME}`)
  }
}

const MAX_LACKING = 8

const RENAME = 'Names must be the same to the letter: rename it in this file, or add it without values (blank cells, null in JSON Lines) where it was not measured'

/** What one cell becomes. Throws DatasetError for one that does not fit */
export function valueReader (column: Column, marks: readonly string[] | undefined, decimal: DecimalMark = 'point'): (text: string, place: RowPlace) => number {
  const isMissing = missingTest(marks, numberParser(decimal))
  return column.kind === 'categorical' ? categoryReader(column, isMissing) : numberReader(column, isMissing, { declared: marks !== undefined, decimal })
}

function categoryReader (column: CategoricalColumn, isMissing: MissingTest): (text: string, place: RowPlace) => number {
  const { name, values, other, missing } = column
  const categories = new Map(values.map((value, i) => [value, i]))
  return (text, place) => {
    const named = categories.get(text)
    if (named !== undefined) {
      return named
    }
    if (missing === true && isMissing(text)) {
      return values.length
    }
    if (other !== true) {
      throw badValue(place, name, text, `is not one of the federation's values ${listed(values)}`)
    }
    return OTHER
  }
}

function numberReader ({ name, mean, stdDev, unit }: NumericColumn, isMissing: MissingTest, { declared, decimal }: { declared: boolean, decimal: DecimalMark }): (text: string, place: RowPlace) => number {
  const parseNumber = numberParser(decimal)
  return (text, place) => {
    const value = parseNumber(text)
    // no mark is a number but where the document declares it
    if ((declared || value === undefined) && isMissing(text)) {
      return MISSING
    }
    const standardised = value === undefined ? NaN : Math.fround((value - mean) / stdDev)
    if (!Number.isFinite(standardised)) {
      throw badValue(place, name, text, value === undefined
        ? `is not a number${numberHint(text, decimal)}${unit === undefined ? '' : ` (of ${shown(unit)})`}; correct it or remove the row`
        : 'is too large for this column; correct it or remove the row')
    }
    return standardised
  }
}

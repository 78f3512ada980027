/**
 * Proposes columns and labels for a CSV file: a column is numeric when all its values are numbers, else categorical
 */
import { closest } from '../closest.ts'
import { DatasetError } from '../errors.ts'
import { badValue, listed, readCsv, shown } from './csv.ts'
import { parseNumber } from './parse-number.ts'
import type { TableInput } from './examples.ts'
import type { RowPlace } from './csv.ts'

/** As many as the federation document allows */
const MAX_COLUMNS = 4096
const MAX_CATEGORIES = 1024
const MAX_TEXT = 256

/** More classes than this in a table are names or numbers, not classes */
const MAX_LABELS = 1000

const DEFAULT_LABEL = 'label'

/** What is known of one column so far: Welford's running mean and variance, and the distinct values */
interface ColumnStatistics {
  name: string
  numeric: boolean
  count: number
  mean: number
  squares: number
  values: Set<string>
  firstEmpty: RowPlace | undefined
}

/**
 * Reads `file` once, in memory bounded by its columns and categories
 *
 * Throws DatasetError when the file cannot be read, `label` does not exist or is no class, a numeric column has empty values,
 * or a text column has too many different ones
 */
export async function inferTable (file: string, label?: string): Promise<{ input: TableInput, labels: string[] }> {
  let columns: ColumnStatistics[] = []
  let labelAt = -1
  const labels = new Set<string>()
  await readCsv(file, (names) => {
    labelAt = labelPosition(file, names, label)
    requireNames(file, names)
    columns = names.map((name) => ({ name, numeric: true, count: 0, mean: 0, squares: 0, values: new Set(), firstEmpty: undefined }))
    return (fields, place) => {
      addLabel(labels, fields[labelAt]!, names[labelAt]!, place)
      columns.forEach((column, i) => {
        if (i !== labelAt) {
          add(column, fields[i]!, place)
        }
      })
    }
  })
  if (labels.size < 2) {
    throw new DatasetError(`${file}: column ${shown(columns[labelAt]!.name)} holds one value only, ${listed([...labels])}; name the column with the class (--label)`)
  }
  return {
    input: { kind: 'table', label: columns[labelAt]!.name, columns: columns.filter((_, i) => i !== labelAt).map((column) => describe(column)) },
    labels: sortedLabels([...labels])
  }
}

function labelPosition (file: string, names: readonly string[], label?: string): number {
  if (label === undefined) {
    const found = names.findIndex((name) => name.toLowerCase() === DEFAULT_LABEL)
    return found === -1 ? names.length - 1 : found
  }
  const found = names.indexOf(label)
  if (found === -1) {
    const suggestion = closest(label, names)
    throw new DatasetError(`${file} has no column ${shown(label)}; it has ${listed(names)}${suggestion === undefined ? '' : ` (did you mean ${shown(suggestion)}?)`}`)
  }
  return found
}

function requireNames (file: string, names: readonly string[]): void {
  if (names.length > MAX_COLUMNS) {
    throw new DatasetError(`${file} has ${names.length} columns, more than ${MAX_COLUMNS}; remove some`)
  }
  names.forEach((name, i) => {
    if (name === '' || name.length > MAX_TEXT) {
      throw new DatasetError(`${file}: column ${i + 1} has ${name === '' ? 'no name' : `a name longer than ${MAX_TEXT} characters`}; name it in the first line`)
    }
  })
}

function addLabel (labels: Set<string>, text: string, column: string, place: RowPlace): void {
  if (text === '' || text.length > MAX_TEXT) {
    throw badValue(place, column, text, 'is no label; correct it, remove the row, or name another label column (--label)')
  }
  labels.add(text)
  if (labels.size > MAX_LABELS) {
    throw new DatasetError(`${place.file}: column ${shown(column)} has more than ${MAX_LABELS} different values, too many for classes; name the column with the class (--label)`)
  }
}

function add (column: ColumnStatistics, text: string, place: RowPlace): void {
  if (text.length > MAX_TEXT) {
    throw badValue(place, column.name, text, `is longer than ${MAX_TEXT} characters; remove the column`)
  }
  if (text === '') {
    column.firstEmpty ??= place
  }
  if (column.values.size <= MAX_CATEGORIES) {
    column.values.add(text)
  }
  const value = parseNumber(text)
  if (value === undefined) {
    column.numeric &&= text === ''
    requireCategories(column, text, place)
    return
  }
  column.count++
  const delta = value - column.mean
  column.mean += delta / column.count
  column.squares += delta * (value - column.mean)
  if (!column.numeric) {
    requireCategories(column, text, place)
  }
}

function requireCategories (column: ColumnStatistics, text: string, place: RowPlace): void {
  if (!column.numeric && column.values.size > MAX_CATEGORIES) {
    throw badValue(place, column.name, text, `is no number, and the column has more than ${MAX_CATEGORIES} different values; remove the column, or correct the value`)
  }
}

function describe (column: ColumnStatistics): TableInput['columns'][number] {
  const { name, numeric, count, mean, squares, values, firstEmpty } = column
  if (!numeric || count === 0) {
    return { kind: 'categorical', name, values: [...values].sort() }
  }
  if (firstEmpty !== undefined) {
    throw badValue(firstEmpty, name, '', 'stands among numbers; fill it in or remove the row')
  }
  const stdDev = rounded(Math.sqrt(squares / count))
  if (!Number.isFinite(mean) || !Number.isFinite(stdDev)) {
    throw new DatasetError(`the numbers of column ${shown(name)} are too large; scale them down`)
  }
  return { kind: 'numeric', name, mean: rounded(mean), stdDev: stdDev === 0 ? 1 : stdDev }
}

/** Twelve digits: a mean may be far from zero and its deviation small, as with dates in seconds */
function rounded (value: number): number {
  return Number(value.toPrecision(12))
}

/** By value when all are numbers, else by code unit */
function sortedLabels (labels: string[]): string[] {
  const allNumbers = labels.every((label) => parseNumber(label) !== undefined)
  return labels.sort(allNumbers ? (a, b) => Number(a) - Number(b) || (a < b ? -1 : 1) : undefined)
}

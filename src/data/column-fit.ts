/**
 * Does a site's table look like the one that the document was made for? A column in grams where the founder's is in
 * kilograms has the same name and trains without an error, for nothing
 *
 * Pure. What is said is for the site's own operator, and never sent.
 */
import { shown } from './csv.ts'
import { OTHER } from './table-examples.ts'
import type { TableInput } from './examples.ts'

/** A mean further from the document's, in its deviations, is another unit or another population */
const FAR_DEVIATIONS = 3
/** As are deviations that differ by this factor */
const FAR_SPREAD = 8
/** Fewer values say nothing about a deviation */
const MIN_SPREAD_VALUES = 20
/** More rows than this share without a usable value are worth a word */
const MANY_ROWS = 0.5

/**
 * One line for each column that is far from the document's, in the order of the document. `values` as in
 * `tableExamples`: rows of one number for each column
 */
export function columnRemarks (values: Float32Array, { columns }: TableInput): string[] {
  const rows = values.length / columns.length
  if (rows === 0) {
    return []
  }
  return columns.flatMap((column, at) => {
    const remark = column.kind === 'numeric' ? numericRemark(column, momentsOf(values, at, columns.length), rows) : otherRemark(column, countOf(values, at, columns.length), rows)
    return remark === undefined ? [] : [`column ${shown(column.name)}: ${remark}`]
  })
}

interface Moments { count: number, mean: number, stdDev: number }

/** Of the standardised values of one column that are not MISSING */
function momentsOf (values: Float32Array, at: number, width: number): Moments {
  let [count, mean, squares] = [0, 0, 0]
  for (let i = at; i < values.length; i += width) {
    const value = values[i]!
    if (!Number.isNaN(value)) {
      count++
      const delta = value - mean
      mean += delta / count
      squares += delta * (value - mean)
    }
  }
  return { count, mean, stdDev: Math.sqrt(squares / Math.max(1, count)) }
}

function countOf (values: Float32Array, at: number, width: number): number {
  let count = 0
  for (let i = at; i < values.length; i += width) {
    count += values[i] === OTHER ? 1 : 0
  }
  return count
}

function numericRemark (column: Extract<TableInput['columns'][number], { kind: 'numeric' }>, { count, mean, stdDev }: Moments, rows: number): string | undefined {
  const missing = rows - count
  if (missing > MANY_ROWS * rows) {
    return `no value in ${missing} of ${rows} rows, where the federation's mean of ${brief(column.mean)} stands for it`
  }
  const judged = count >= MIN_SPREAD_VALUES
  const own = { mean: column.mean + mean * column.stdDev, stdDev: stdDev * column.stdDev }
  if (judged && stdDev === 0) {
    return `${brief(own.mean)} in every row here; the federation's mean is ${brief(column.mean)}, its deviation ${brief(column.stdDev)}`
  }
  if (Math.abs(mean) > FAR_DEVIATIONS || (judged && (stdDev > FAR_SPREAD || stdDev < 1 / FAR_SPREAD))) {
    return `mean ${brief(own.mean)} and deviation ${brief(own.stdDev)} here, ${brief(column.mean)} and ${brief(column.stdDev)} in the federation: are the units the same?`
  }
  return undefined
}

function otherRemark ({ values: named }: Extract<TableInput['columns'][number], { kind: 'categorical' }>, other: number, rows: number): string | undefined {
  return other > MANY_ROWS * rows
    ? `${other} of ${rows} rows have none of the values that the federation names (${named.slice(0, 4).map(shown).join(', ')}${named.length > 4 ? ', …' : ''}): are they written another way here?`
    : undefined
}

/** Three digits are enough to tell a unit by */
function brief (value: number): string {
  return String(Number(value.toPrecision(3)))
}

/**
 * Does a site's table look like the one that the document was made for? A column in grams where the founder's is in
 * kilograms has the same name and trains without an error, for nothing
 *
 * Pure. What is said is for the site's own operator, and never sent.
 */
import { shown } from './csv.ts'
import { OTHER, standardisedRange } from './table-examples.ts'
import type { TableInput } from './examples.ts'

/** A mean further from the document's, in its deviations, is another unit or another population */
const FAR_DEVIATIONS = 3
/** As are deviations that differ by this factor */
const FAR_SPREAD = 8
/** Fewer values say nothing about a deviation */
const MIN_SPREAD_VALUES = 20
/** More rows than this share without a usable value are worth a word */
const MANY_ROWS = 0.5
/** With more values than this share outside of the declared range the median is: these are other numbers */
const OUTSIDE = 0.5

type NumericColumn = Extract<TableInput['columns'][number], { kind: 'numeric' }>
type CategoricalColumn = Extract<TableInput['columns'][number], { kind: 'categorical' }>

export interface ColumnFindings {
  /** One line for each column that is far from the document's, in the order of the document */
  remarks: string[]
  /** The same for columns that cannot be what the document declares them to be */
  unfit: string[]
}

/** `values` as in `tableExamples`: rows of one number for each column */
export function columnFindings (values: Float32Array, { columns }: TableInput): ColumnFindings {
  const rows = values.length / columns.length
  const findings: ColumnFindings = { remarks: [], unfit: [] }
  const all = rows === 0 ? undefined : momentsOf(values, columns)
  for (const [at, column] of all === undefined ? [] : columns.entries()) {
    const say = (kind: keyof ColumnFindings, text: string | undefined): void => {
      if (text !== undefined) {
        findings[kind].push(`column ${shown(column.name)}: ${text}`)
      }
    }
    const moments = all!(at)
    if (column.kind === 'categorical') {
      say('remarks', otherRemark(column, moments.others, rows))
      continue
    }
    const unfit = outsideProblem(column, moments)
    say('unfit', unfit)
    say('remarks', unfit === undefined ? numericRemark(column, moments, rows) ?? outsideRemark(column, moments) : undefined)
  }
  return findings
}

interface Moments {
  count: number
  mean: number
  stdDev: number
  outside: number
  /** Rows with a value that the document does not name */
  others: number
}

/** By column, of the standardised values that are not MISSING; in the order of memory, in a third of the time */
function momentsOf (values: Float32Array, columns: TableInput['columns']): (at: number) => Moments {
  const width = columns.length
  const ranges = columns.map((column) => column.kind === 'numeric' ? standardisedRange(column) : { lowest: -Infinity, highest: Infinity })
  const lowest = Float64Array.from(ranges, (range) => range.lowest)
  const highest = Float64Array.from(ranges, (range) => range.highest)
  const [counts, outside, others] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)]
  const [means, squares] = [new Float64Array(width), new Float64Array(width)]
  for (let row = 0; row < values.length; row += width) {
    for (let at = 0; at < width; at++) {
      const value = values[row + at]!
      if (!Number.isNaN(value)) {
        const delta = value - means[at]!
        means[at]! += delta / ++counts[at]!
        squares[at]! += delta * (value - means[at]!)
        outside[at]! += value < lowest[at]! || value > highest[at]! ? 1 : 0
        others[at]! += value === OTHER ? 1 : 0
      }
    }
  }
  return (at) => ({ count: counts[at]!, mean: means[at]!, stdDev: Math.sqrt(squares[at]! / Math.max(1, counts[at]!)), outside: outside[at]!, others: others[at]! })
}

function numericRemark (column: NumericColumn, { count, mean, stdDev }: Moments, rows: number): string | undefined {
  const missing = rows - count
  if (missing > MANY_ROWS * rows) {
    return `no value in ${missing} of ${rows} rows, where the federation's ${column.missing?.constant === undefined ? `mean of ${brief(column.mean)}` : `constant ${brief(column.missing.constant)}`} stands for it`
  }
  const judged = count >= MIN_SPREAD_VALUES
  const own = { mean: column.mean + mean * column.stdDev, stdDev: stdDev * column.stdDev }
  const unit = inUnit(column)
  if (judged && stdDev === 0) {
    return `${brief(own.mean)} in every row here; ${column.min === undefined ? `the federation's mean is ${brief(column.mean)}, its deviation ${brief(column.stdDev)}${unit}` : `the federation's range is ${rangeText(column)}`}`
  }
  if (Math.abs(mean) > FAR_DEVIATIONS || (judged && (stdDev > FAR_SPREAD || stdDev < 1 / FAR_SPREAD))) {
    const theirs = column.min === undefined ? `${brief(column.mean)} and ${brief(column.stdDev)}${unit} in the federation` : `in a declared range of ${rangeText(column)}`
    return `mean ${brief(own.mean)} and deviation ${brief(own.stdDev)} here, ${theirs}: are the units the same?`
  }
  return undefined
}

function outsideRemark (column: NumericColumn, { count, outside }: Moments): string | undefined {
  return outside === 0
    ? undefined
    : `${outside} of ${count} values lie outside of the declared range ${rangeText(column)}, and count as the nearer end of it: correct them in this file where they are mistakes`
}

/** Clipped, most rows would say the same */
function outsideProblem (column: NumericColumn, { count, mean, outside }: Moments): string | undefined {
  return count < MIN_SPREAD_VALUES || outside <= OUTSIDE * count
    ? undefined
    : `${outside} of ${count} values lie outside of the declared range ${rangeText(column)}, their mean is ${brief(column.mean + mean * column.stdDev)}: convert them in this file if they have another unit; if they are right, the document's range is too narrow, and only its founder can declare another one, in a new document`
}

function otherRemark ({ values: named }: CategoricalColumn, other: number, rows: number): string | undefined {
  return other > MANY_ROWS * rows
    ? `${other} of ${rows} rows have none of the values that the federation names (${named.slice(0, 4).map(shown).join(', ')}${named.length > 4 ? ', …' : ''}): are they written another way here?`
    : undefined
}

function rangeText (column: NumericColumn): string {
  return `${brief(column.min!)} to ${brief(column.max!)}${inUnit(column)}`
}

function inUnit ({ unit }: NumericColumn): string {
  return unit === undefined ? '' : ` (${shown(unit).slice(1, -1)})`
}

/** Three digits are enough to tell a unit by */
function brief (value: number): string {
  return String(Number(value.toPrecision(3)))
}

/**
 * What the document says of a table: which columns there are, what their values mean, and what stands for a missing one
 *
 * Fields that came with format 2 are optional, and absent means what format 1 meant; `newTableField` names them.
 */
import * as z from 'zod'
import { MAX_COLUMNS } from '../limits.ts'

const finite = z.number()
const positive = finite.positive()
const name = z.string().min(1).max(256)

/** Inputs beyond this are no standardised values */
const MAX_STANDARDISED = 1e6

const numericColumn = z.strictObject({
  kind: z.literal('numeric'),
  name,
  /** A value x becomes (x - mean) / stdDev. With a declared range: its middle */
  mean: finite,
  /** With a declared range: its width over the square root of 12, the deviation of values that are spread evenly */
  stdDev: positive,
  /** What a value is measured in, such as `kg`: for people. Format 2 */
  unit: z.string().min(1).max(32).optional(),
  /** With `max`, the declared range: a value outside counts as the nearer end of it. Format 2 */
  min: finite.optional(),
  max: finite.optional(),
  /** Where there is no value: without it the mean stands for it, and nothing tells that it is missing. Format 2 */
  missing: z.strictObject({
    /** Stands for the value, in the column's unit; without it the mean */
    constant: finite.optional(),
    /** One more input after the column's: 1 where the value is missing, else 0 */
    indicator: z.literal(true).optional()
  }).optional()
})

const categoricalColumn = z.strictObject({
  kind: z.literal('categorical'),
  name,
  values: z.array(z.string().max(256)).min(1).max(1024),
  /** Any other value, and none at all, is no error: all inputs of the column are 0 then */
  other: z.literal(true).optional(),
  /** One more input after those of the values: 1 where there is no value. Format 2 */
  missing: z.literal(true).optional()
})

export const tableInput = z.strictObject({
  kind: z.literal('table'),
  /** The column that holds the class */
  label: name,
  /** In the order of the input vector. A categorical column becomes one input for each value */
  columns: z.array(z.discriminatedUnion('kind', [numericColumn, categoricalColumn])).min(1).max(MAX_COLUMNS),
  /**
   * Cells that hold no value, besides blank ones; a number among them is that number however it is written. Without it:
   * `NA`, `?`, `-`, `null` and their like, in any letters. Format 2
   */
  marks: z.array(z.string().min(1).max(32)).max(64).optional(),
  /**
   * Not an input: all rows with one value of this column (a patient) are trained on, or all are tested on. Format 2
   */
  group: name.optional()
})

export type TableDescription = z.output<typeof tableInput>
export type TableColumn = TableDescription['columns'][number]
export type CategoricalColumn = Extract<TableColumn, { kind: 'categorical' }>
export type NumericColumn = Extract<TableColumn, { kind: 'numeric' }>

/** Path of a field of a table, where there is one, that a reader of format 1 does not know */
export function newTableField ({ marks, group, columns }: TableDescription): string | undefined {
  if (marks !== undefined || group !== undefined) {
    return marks === undefined ? 'model.input.group' : 'model.input.marks'
  }
  for (const [index, column] of columns.entries()) {
    const field = column.kind === 'numeric'
      ? (['unit', 'min', 'max', 'missing'] as const).find((key) => column[key] !== undefined)
      : column.missing === undefined ? undefined : 'missing'
    if (field !== undefined) {
      return `model.input.columns.${index}.${field}`
    }
  }
  return undefined
}

/** What is wrong between the fields of a table, which each for itself are right; undefined where nothing is */
export function tableProblem ({ columns }: TableDescription): string | undefined {
  for (const [index, column] of columns.entries()) {
    const problem = column.kind === 'numeric' ? numericProblem(column) : categoricalProblem(column)
    if (problem !== undefined) {
      return `model.input.columns.${index}: ${problem}`
    }
  }
  return undefined
}

/** Format 1 had no `missing`: there the empty text may be a value */
function categoricalProblem ({ values, missing }: CategoricalColumn): string | undefined {
  return missing === true && values.includes('')
    ? '"missing" is the input of rows without a value, and the empty text cannot be among "values" beside it'
    : undefined
}

function numericProblem ({ min, max, mean, stdDev, missing }: NumericColumn): string | undefined {
  if ((min === undefined) !== (max === undefined)) {
    return '"min" and "max" are one range: both or neither must be given'
  }
  if (min !== undefined && max !== undefined && !(min < max)) {
    return '"min" must be less than "max"'
  }
  if (missing !== undefined && missing.constant === undefined && missing.indicator === undefined) {
    return '"missing" must say "constant", "indicator" or both; leave it out where the mean stands for a missing value'
  }
  return missing?.constant !== undefined && !(Math.abs((missing.constant - mean) / stdDev) <= MAX_STANDARDISED)
    ? `"missing.constant" must be within ${MAX_STANDARDISED} deviations of the mean`
    : undefined
}

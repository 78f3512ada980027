/**
 * Rows of a table, held as one number for each column; a categorical column becomes one input for each of its values
 */
import { columnWidth } from '../federation/input-shape.ts'
import { requirePlace } from './examples.ts'
import type { Examples, TableInput } from './examples.ts'

/** Held for a number that is missing: the document's mean stands for it, 0 when standardised, or its constant */
export const MISSING = NaN

/** Held for a value that the document does not name: no input of the column is 1 */
export const OTHER = -1

type NumericColumn = Extract<TableInput['columns'][number], { kind: 'numeric' }>

/**
 * `values` has labels.length rows of one number for each column: standardised, or the index of the category; MISSING,
 * OTHER, or the number of categories for a value that is missing where that is a category of its own
 *
 * Throws RangeError when it has another length
 */
export function tableExamples (values: Float32Array, labels: Uint16Array, input: TableInput): Examples {
  const width = input.columns.length
  const count = labels.length
  if (values.length !== count * width) {
    throw new RangeError(`${values.length} values are not ${count} rows of ${width}`)
  }
  const widths = Uint32Array.from(input.columns, columnWidth)
  const featureCount = widths.reduce((sum, inputs) => sum + inputs, 0)
  const numeric = input.columns.map((column) => column.kind === 'numeric' ? numericPlan(column) : undefined)
  return {
    count,
    featureCount,
    labels,
    writeInputs (index, out, offset) {
      requirePlace(this, index, out, offset)
      out.fill(0, offset, offset + featureCount)
      let at = offset
      for (let column = 0; column < width; column++) {
        const value = values[index * width + column]!
        const plan = numeric[column]
        if (plan !== undefined) {
          writeNumber(plan, value, out, at)
        } else if (value !== OTHER) {
          out[at + value] = 1
        }
        at += widths[column]!
      }
    }
  }
}

/** The standardised ends of the declared range, or infinities: a value beyond one counts as that end */
export function standardisedRange ({ min = -Infinity, max = Infinity, mean, stdDev }: NumericColumn): { lowest: number, highest: number } {
  return { lowest: Math.fround((min - mean) / stdDev), highest: Math.fround((max - mean) / stdDev) }
}

/** All standardised */
interface NumericPlan {
  lowest: number
  highest: number
  imputed: number
  indicator: boolean
}

function numericPlan (column: NumericColumn): NumericPlan {
  const { missing, mean, stdDev } = column
  const imputed = missing?.constant === undefined ? 0 : (missing.constant - mean) / stdDev
  return { ...standardisedRange(column), imputed, indicator: missing?.indicator === true }
}

/** Into inputs that are 0 */
function writeNumber ({ lowest, highest, imputed, indicator }: NumericPlan, value: number, out: Float32Array, at: number): void {
  if (!Number.isNaN(value)) {
    out[at] = value < lowest ? lowest : value > highest ? highest : value
    return
  }
  out[at] = imputed
  if (indicator) {
    out[at + 1] = 1
  }
}

/**
 * Rows of a table, held as one number for each column; a categorical column becomes one input for each of its values
 */
import { requirePlace } from './examples.ts'
import type { Examples, TableInput } from './examples.ts'

/** Held for a number that is missing: the document's mean stands for it, 0 when standardised */
export const MISSING = NaN

/** Held for a value that the document does not name: no input of the column is 1 */
export const OTHER = -1

/**
 * `values` has labels.length rows of one number for each column: standardised, or the index of the category; MISSING,
 * or OTHER
 *
 * Throws RangeError when it has another length
 */
export function tableExamples (values: Float32Array, labels: Uint16Array, input: TableInput): Examples {
  const width = input.columns.length
  const count = labels.length
  if (values.length !== count * width) {
    throw new RangeError(`${values.length} values are not ${count} rows of ${width}`)
  }
  const widths = Uint32Array.from(input.columns, (column) => column.kind === 'numeric' ? 0 : column.values.length)
  const featureCount = widths.reduce((sum, categories) => sum + Math.max(1, categories), 0)
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
        const categories = widths[column]!
        if (categories === 0) {
          out[at++] = Number.isNaN(value) ? 0 : value
        } else {
          if (value !== OTHER) {
            out[at + value] = 1
          }
          at += categories
        }
      }
    }
  }
}

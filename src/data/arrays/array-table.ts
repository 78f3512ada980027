/**
 * An array of two dimensions as a table: columns x0, x1, … and the label
 */
import { dirname } from 'node:path'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { MEMBER, readArray } from './array-files.ts'
import { labelsBeside } from './array-pairs.ts'
import { requireLabels } from './array-labels.ts'
import { TextRow } from '../row.ts'
import type { TableVisitor } from '../csv.ts'

/** Column of the classes, which arrays have no name for */
export const LABEL_COLUMN = 'label'

/** As many as a federation document allows for columns */
const MAX_COLUMNS = 4096

/** `file`: X.npy, beside which its labels lie, or FILE.npz#NAME. Throws DatasetError, and what the callbacks throw */
export async function readArrayTable (file: string, begin: (columns: readonly string[]) => TableVisitor): Promise<number> {
  const inArchive = !file.endsWith('.npy')
  const labelPlace = await labelsBeside(inArchive ? file.slice(0, file.lastIndexOf(MEMBER)) : dirname(file), file)
  const [inputs, labels] = [await readArray(file), await readArray(labelPlace)]
  requireLabels(printable(labelPlace), labels, inputs.rows)
  const visit = begin([...columnsOfWidth(printable(file), inputs.width), LABEL_COLUMN])
  for (let row = 0; row < inputs.rows; row++) {
    const fields = Array.from({ length: inputs.width + 1 }, (_, i) => i < inputs.width ? inputs.text(row, i) : labels.text(row, 0))
    // as if the names of the columns stood in a first line
    if (visit(new TextRow(fields), { file, line: row + 2 }) === false) {
      return row + 1
    }
  }
  return inputs.rows
}

/** x0, x1, … Throws DatasetError, which names `file`, when they are too many */
export function columnsOfWidth (file: string, width: number): string[] {
  if (width > MAX_COLUMNS) {
    throw new DatasetError(`${file} has ${width} columns, more than ${MAX_COLUMNS}; pictures have three or four dimensions: number, height, width, channels`)
  }
  return Array.from({ length: width }, (_, i) => `x${i}`)
}

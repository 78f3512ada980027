/**
 * What stands in a table where there is no value: the marks of R, pandas, spreadsheets, UCI's archive, Stata and SAS
 */

const MARKS: ReadonlySet<string> = new Set(['', 'na', 'n/a', '#n/a', '<na>', 'nan', '-nan', 'null', '?', '-', '--', '.', 'missing', 'unknown'])

/** Python's own word. In other letters it may be an answer: none */
const PYTHON_MARK = 'None'

/** Marks that are no class either: `-` and `unknown` may be one */
const NO_LABEL: ReadonlySet<string> = new Set(['na', 'n/a', '#n/a', '<na>', 'nan', '-nan', 'null', '?'])

/** True for a cell without a value. `text` is trimmed */
export function isMissing (text: string): boolean {
  return text.length <= 8 && (MARKS.has(text.toLowerCase()) || text === PYTHON_MARK)
}

/** True for a cell that names no class */
export function isMissingLabel (text: string): boolean {
  return text.length <= 8 && (NO_LABEL.has(text.toLowerCase()) || text === PYTHON_MARK)
}

/**
 * What stands in a table where there is no value: the marks of R, pandas, spreadsheets, UCI's archive, Stata and SAS,
 * or those that the document declares
 */
import { parseNumber } from './parse-number.ts'
import type { NumberParser } from './parse-number.ts'

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

/** Whether a trimmed cell holds no value */
export type MissingTest = (text: string) => boolean

/**
 * The test that `marks` of a document asks for: blank cells and these, to the letter; one that is a number also where
 * it is written another way (-999, -999.0). Without marks: `isMissing`
 *
 * @param parse - Reads the numbers of the file; the document writes its own with a point
 */
export function missingTest (marks: readonly string[] | undefined, parse: NumberParser = parseNumber): MissingTest {
  if (marks === undefined) {
    return isMissing
  }
  const texts = new Set(['', ...marks])
  const numbers = new Set(marks.map(parseNumber).filter((value) => value !== undefined))
  return numbers.size === 0
    ? (text) => texts.has(text)
    : (text) => texts.has(text) || numbers.has(parse(text)!)
}

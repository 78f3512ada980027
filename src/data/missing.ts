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
export interface MissingTest {
  (text: string): boolean
  /** All numbers that such a cell may be read as; left out: no mark is one */
  readonly numbers?: ReadonlySet<number>
}

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
  const numbers = numbersOf(marks, parseNumber)
  const readAs = new Set([...numbers, ...numbersOf(marks, parse)])
  return readAs.size === 0
    ? (text) => texts.has(text)
    : Object.assign((text: string) => texts.has(text) || numbers.has(parse(text)!), { numbers: readAs })
}

function numbersOf (marks: readonly string[], parse: NumberParser): ReadonlySet<number> {
  return new Set(marks.map((mark) => parse(mark)).filter((value) => value !== undefined))
}

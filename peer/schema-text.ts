/**
 * A proposed schema as TOML to be edited: what stands without `#` is the founder's word, what stands after it are
 * figures of the rows
 *
 * Cells and names come from a data file: each is escaped as TOML asks, and none can steer a terminal or end a comment.
 */
import { DEFAULT_RARE_ROWS } from '../src/data/table-schema.ts'
import { quoted } from '../src/quoted.ts'
import { formatCount } from './format.ts'
import type { ColumnSchema, TableSchema } from '../src/data/table-schema.ts'

export interface SchemaText {
  /** That takes the schema */
  command: string
  table: TableSchema
  rareRows: number
  /** Rows of each class, which nobody else is to see: for the own screen */
  counts: boolean
}

/** Without a line break at the end */
export function schemaText ({ command, table: { rows, columns }, rareRows, counts }: SchemaText): string {
  const label = columns.find(({ role }) => role === 'label')!
  const head = [
    '# The schema of a table, proposed by grapevine schema. Edit it, then found the federation with it:',
    `#   ${comment(command)}`,
    '# A line without "#" is your word, and whoever joins reads it. After "#" stands what your rows say, for you only:',
    '# keep this file to yourself. A column that is not named here is left out, and nothing is told of it.',
    '#',
    '#   min, max: what is possible, not what your rows have. Without them the mean and deviation of your rows are told.',
    '#   classes, values: without them those of your rows are told. Any other value is read as "other", everywhere.',
    '#   missing-input: one more input, which says that a value is missing; missing = NUMBER stands for it, else the mean.',
    '#   kind: "numeric", "categorical" or "ignore".',
    ...(counts ? [`# ${formatCount(rows)} rows`] : []),
    '',
    `label = ${tomlText(label.name)}`,
    ...(label.values === undefined ? numberLines(label) : classLines(label, counts)),
    ...(rareRows === DEFAULT_RARE_ROWS ? [] : ['# Values of fewer rows are not named:', `rare = ${rareRows}`]),
    '# All rows of one value of this column (a patient) are trained on, or all are tested on; the column is no input:',
    '# group = "COLUMN"',
    '# Cells without a value, besides blank ones; without it NA, ?, -, null and their like, in any letters:',
    '# marks = ["NA", "-999"]'
  ]
  const inputs = columns.filter(({ role }) => role !== 'label').flatMap((column) => ['', ...columnLines(column, { rows, rareRows })])
  return [...head, ...inputs].join('\n')
}

/** What is declared of the number stands in flags: it is no input */
function numberLines ({ range }: ColumnSchema): string[] {
  const { min, max } = roundRange(range ?? { min: 0, max: 1 })
  return [`# The number to predict (--task regression). Its mean and deviation are told, unless you declare its range: --target-range ${min}..${max}`]
}

function classLines ({ classes = [], rareClasses = [], values = [] }: ColumnSchema, counts: boolean): string[] {
  const rows = counts ? [`# Rows: ${classes.slice(0, MAX_LISTED).map(({ name, rows }) => `${quoted(name)} ${formatCount(rows)}`).join(', ')}${classes.length > MAX_LISTED ? ', …' : ''}`] : []
  const rare = rareClasses.length === 0 ? [] : [`# Few rows have: ${list(rareClasses)}`]
  return [...rows, ...rare, `# classes = [${values.map(tomlText).join(', ')}]`]
}

const MAX_LISTED = 32

function columnLines (column: ColumnSchema, sizes: { rows: number, rareRows: number }): string[] {
  const { name, role, why } = column
  const head = [`# ${holds(column, sizes.rows)}`, `[columns.${/^[\w-]+$/.test(name) ? name : tomlText(name)}]`]
  if (role === 'left out') {
    return [...head, `kind = "ignore"${why === undefined ? '' : ` # ${comment(why.replace(/; --column .*$/s, ''))}`}`]
  }
  const missing = column.missingInput === true ? ['missing-input = true'] : []
  return [...head, `kind = "${column.kind}"`, ...(column.kind === 'numeric' ? numericLines(column) : valueLines(column, sizes.rareRows)), ...missing]
}

function numericLines ({ range }: ColumnSchema): string[] {
  const { min, max } = roundRange(range ?? { min: 0, max: 1 })
  return [
    '# unit = "kg"',
    `# min = ${min}`,
    `# max = ${max}`
  ]
}

function valueLines ({ values = [], unnamed }: ColumnSchema, rareRows: number): string[] {
  return [
    ...(unnamed === undefined ? [] : [`# not named: ${formatCount(unnamed.values)} of fewer than ${rareRows} rows`]),
    `# values = [${values.map(tomlText).join(', ')}]`
  ]
}

function holds ({ kind, range, distinct, missing }: ColumnSchema, rows: number): string {
  const parts = [
    range === undefined ? kind : `${brief(range.min)} to ${brief(range.max)}`,
    distinct === undefined ? 'many values' : `${formatCount(distinct)} different value${distinct === 1 ? '' : 's'}`,
    ...(missing === 0 ? [] : [`${formatCount(missing)} of ${formatCount(rows)} rows without one (${(100 * missing / rows).toFixed(1)} %)`])
  ]
  return parts.join(', ')
}

/** Wider than what the rows have, by numbers that say nothing of one of them: 1, 2 or 5 times a power of ten */
function roundRange ({ min, max }: { min: number, max: number }): { min: number, max: number } {
  const [lowest, highest] = [min >= 0 ? 0 : -roundUp(-min), max <= 0 ? 0 : roundUp(max)]
  return lowest < highest ? { min: lowest, max: highest } : { min: lowest, max: lowest + 1 }
}

function roundUp (value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return Number(([1, 2, 5, 10].find((factor) => factor * power >= value)! * power).toPrecision(1))
}

function list (values: readonly string[]): string {
  return values.slice(0, MAX_LISTED).map(quoted).join(', ') + (values.length > MAX_LISTED ? ', …' : '')
}

function brief (value: number): string {
  return String(Number(value.toPrecision(6)))
}

/** Nothing in it ends the line, or steers a terminal */
function comment (text: string): string {
  return text.replace(UNSAFE, ' ')
}

const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A basic string of TOML, equal in value where it is Unicode: what no terminal should see is escaped */
export function tomlText (text: string): string {
  return JSON.stringify(text.replace(/\p{Cs}/gu, '\ufffd')).replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

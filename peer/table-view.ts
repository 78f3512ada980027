/**
 * A table's schema as lines for people: what each column holds, and what of it a federation document tells everyone
 */
import { describeFormat } from '../src/data/csv-dialect.ts'
import { quoted } from '../src/quoted.ts'
import { formatCount } from './format.ts'
import type { ColumnSchema, TableSchema } from '../src/data/table-schema.ts'
import type { Terminal } from './terminal.ts'

/** Values of one column that are listed; the rest are counted */
const MAX_LISTED = 32
/** Longer names do not widen the table */
const MAX_NAME = 32

const HEAD = ['column', 'kind', 'holds', 'missing', 'told to everyone'] as const

export interface ShownTable {
  /** The federation's, which is told too */
  name: string
  table: TableSchema
  /** Values of fewer rows are not named */
  rareRows: number
}

/** Shows the schema before a federation is founded */
export function showTable (terminal: Terminal, { name: federation, table, rareRows }: ShownTable): void {
  const { rows, columns, format } = table
  terminal.field('Table', `${formatCount(rows)} rows, ${formatCount(columns.length)} columns${format === undefined ? '' : `; read with ${describeFormat(format)}`}`)
  if (format?.doubtful !== undefined) {
    terminal.warn(format.doubtful.includes('.')
      ? `numbers such as ${quoted(format.doubtful)} are taken for decimals, ${Number(format.doubtful)}: take the points out if they stand between thousands, or say --decimal point`
      : `numbers such as ${quoted(format.doubtful)} are taken for text: say --decimal comma if that is a decimal comma, or take the signs between thousands out`)
  }
  for (const line of tableLines(columns, rareRows)) {
    terminal.field('', line)
  }
  const out = columns.filter(({ role }) => role === 'left out').length
  terminal.field('Told', `whoever joins reads the last column in the federation document, and its name ${quoted(federation)}: no row, no range of your rows, no number of them${out === 0 ? '' : `, nothing of ${out === 1 ? 'the column' : `the ${formatCount(out)} columns`} left out`}`)
  terminal.field('', 'Of your rows: computed from them. Declared: your word. To decide otherwise: --drop COLUMN,')
  terminal.field('', '--column NAME=numeric|categorical|ignore, --rare N, or all of it in a file: grapevine schema, then --schema FILE')
  for (const { name, rareClasses = [] } of columns) {
    if (rareClasses.length > 0) {
      terminal.warn(`fewer than ${rareRows} rows have the class ${list(rareClasses)} of ${quoted(name)}, and the document must name it: leave these rows out, or join classes, if that says too much`)
    }
  }
}

function tableLines (columns: readonly ColumnSchema[], rareRows: number): string[] {
  const rows = [HEAD, ...columns.map((column) => cells(column, rareRows))]
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => Math.min(row[i]!.length, MAX_NAME))))
  return rows.map((row) => row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i]!)).join('  ').trimEnd())
}

function cells (column: ColumnSchema, rareRows: number): string[] {
  return [displayName(column.name), column.role === 'label' || column.role === 'group' ? column.role : column.kind, holds(column), column.missing === 0 ? '' : formatCount(column.missing), told(column, rareRows)]
}

/** Quoted only where it would be misread */
function displayName (name: string): string {
  return /^[\p{L}\p{N}_.-]+$/u.test(name) && name.length <= MAX_NAME ? name : quoted(name)
}

function holds ({ role, range, distinct }: ColumnSchema): string {
  if (range !== undefined) {
    return `${brief(range.min)} to ${brief(range.max)}`
  }
  return distinct === undefined ? 'many values' : `${formatCount(distinct)} ${role === 'label' ? 'classes' : distinct === 1 ? 'value' : 'values'}`
}

function told (column: ColumnSchema, rareRows: number): string {
  const { role, why, told: numbers, provenance, missingInput = false } = column
  if (role === 'left out') {
    return `nothing, left out: ${why}`
  }
  if (role === 'group') {
    return 'name, and that all rows of one value are trained on or all tested on'
  }
  const from = provenance === 'declared' ? 'declared' : 'of your rows'
  const gaps = missingInput ? ', that values may be missing' : ''
  if (numbers !== undefined) {
    const instead = role === 'label' && provenance !== 'declared' ? '; --target-range MIN..MAX declares a range in their place' : ''
    return `name, ${scale(column, numbers)} (${from})${gaps}${instead}`
  }
  return `name, ${role === 'label' ? 'classes' : 'values'} ${list(column.values ?? [])} (${from})${gaps}${unnamedText(column, rareRows)}`
}

function unnamedText ({ unnamed, provenance }: ColumnSchema, rareRows: number): string {
  if (unnamed === undefined) {
    return ''
  }
  const which = provenance === 'declared' ? (unnamed.values === 1 ? 'other' : 'others') : `of fewer than ${rareRows} rows`
  return `; ${formatCount(unnamed.values)} ${which}, not named`
}

function scale ({ declared, unit, constant }: ColumnSchema, { mean, stdDev }: { mean: number, stdDev: number }): string {
  const standard = declared === undefined ? `mean ${brief(mean)}, deviation ${brief(stdDev)}` : `range ${brief(declared.min)} to ${brief(declared.max)}`
  return `${standard}${unit === undefined ? '' : `, unit ${quoted(unit)}`}${constant === undefined ? '' : `, ${brief(constant)} where it is missing`}`
}

function list (values: readonly string[]): string {
  return values.slice(0, MAX_LISTED).map(quoted).join(', ') + (values.length > MAX_LISTED ? `, … (${formatCount(values.length)})` : '')
}

/** Six digits: what is told has twelve, which nobody reads */
function brief (value: number): string {
  return String(Number(value.toPrecision(6)))
}

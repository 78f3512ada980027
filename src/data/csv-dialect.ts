/**
 * How a table is written: what stands between its columns, and before the fraction of its numbers
 *
 * Pure. Judged by the header and the first rows; whoever knows better says so (CsvOptions).
 */
import { RowCutter } from './csv-rows.ts'
import { decimalMarkOf } from './parse-number.ts'
import type { CsvDialectChoice } from '../interface.ts'
import type { DecimalMark } from './parse-number.ts'
import type { Encoding } from './text-decoder.ts'

export type Separator = NonNullable<CsvDialectChoice['separator']>

const SEPARATORS: readonly Separator[] = [',', ';', '\t', '|']

export interface CsvDialect {
  separator: Separator
  decimal: DecimalMark
  /** A first line `sep=;`, which is Excel's own, is no row */
  declared: boolean
  /**
   * Some number that may be one with thousands set apart: `1,234` is taken for text, `1.234` for a little more than one
   */
  doubtful?: string | undefined
}

/** How a file turned out to be written */
export interface CsvFormat extends CsvDialect {
  encoding: Encoding
  gzip: boolean
}

/** Rows that are looked at */
const MAX_ROWS = 200

/** Excel writes and reads it */
const DECLARATION = /^sep=([,;\t|])\r?\n/i

const NAMES: Readonly<Record<Separator, string>> = { ',': '","', ';': '";"', '\t': 'tab', '|': '"|"' }

/** `head`: the beginning of the file; `whole`: it is all of it */
export function dialectOf (head: string, whole: boolean, choice: CsvDialectChoice = {}): CsvDialect {
  const declared = DECLARATION.exec(head)
  const text = declared === null ? head : head.slice(declared[0].length)
  const separator = choice.separator ?? declared?.[1] as Separator | undefined ?? likeliestSeparator(text, whole)
  const { decimal, doubtful } = decimalOf(rowsOf(text, whole, separator), separator)
  return { separator, decimal: choice.decimal ?? decimal, declared: declared !== null, ...(choice.decimal === undefined && doubtful !== undefined ? { doubtful } : {}) }
}

/** For people: `separator ";", decimal comma, UTF-16LE, gzip` */
export function describeFormat ({ separator, decimal, encoding, gzip }: CsvFormat): string {
  return [`separator ${NAMES[separator]}`, ...(decimal === 'comma' ? ['decimal comma'] : []), ...(encoding === 'UTF-8' ? [] : [encoding]), ...(gzip ? ['gzip'] : [])].join(', ')
}

/** As far as they can be read; a row that the head cuts off is none */
function rowsOf (text: string, whole: boolean, separator: string): string[][] {
  const rows: string[][] = []
  const cutter = new RowCutter({ separator, decimal: 'point' }, (row) => {
    rows.push(row.texts())
    return rows.length < MAX_ROWS
  })
  try {
    if (cutter.push(text) && whole) {
      cutter.end()
    }
  } catch {
    // quotes that are none with this separator
  }
  return rows
}

/** By the share of rows that are as wide as the header, and of fields that hold no other separator */
function likeliestSeparator (text: string, whole: boolean): Separator {
  let best: { separator: Separator, score: number } = { separator: ',', score: 0 }
  for (const separator of SEPARATORS.filter((each) => text.includes(each))) {
    const score = scoreOf(rowsOf(text, whole, separator), separator)
    if (score > best.score) {
      best = { separator, score }
    }
  }
  return best.separator
}

function scoreOf ([header = [], ...rows]: string[][], separator: Separator): number {
  if (header.length < 2) {
    return 0
  }
  const others = SEPARATORS.filter((other) => other !== separator)
  const isClean = (field: string): boolean => !others.some((other) => field.includes(other)) || decimalMarkOf(field) !== undefined
  const fields = [header, ...rows].flat()
  const clean = fields.filter(isClean).length / fields.length
  const even = (1 + rows.filter(({ length }) => length === header.length).length) / (1 + rows.length)
  return clean * even
}

/** With semicolons `1.234` may be one thousand and some, as the countries write it that have decimal commas */
function decimalOf ([, ...rows]: string[][], separator: Separator): { decimal: DecimalMark, doubtful?: string | undefined } {
  const found = { point: 0, comma: 0 }
  let doubtful: string | undefined
  let thousands: string | undefined
  for (const field of rows.flat()) {
    const mark = decimalMarkOf(field)
    if (mark !== undefined) {
      found[mark]++
    } else if (/^[+-]?[1-9]\d{0,2},\d{3}$/.test(field)) {
      doubtful ??= field
    } else if (separator === ';' && /^[+-]?[1-9]\d{0,2}\.\d{3}$/.test(field)) {
      thousands ??= field
    }
  }
  return found.comma > found.point
    ? { decimal: 'comma' }
    : { decimal: 'point', doubtful: doubtful ?? (found.point === 0 ? thousands : undefined) }
}

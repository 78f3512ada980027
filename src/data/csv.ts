/**
 * Reads a table of text, CSV or TSV with a header, row by row, in bounded memory
 */
import { DatasetError } from '../errors.ts'
import { printable } from '../quoted.ts'
import { dialectOf } from './csv-dialect.ts'
import { RowCutter, RowError } from './csv-rows.ts'
import { EncodingError } from './text-decoder.ts'
import { openText } from './text-file.ts'
import { unreadable } from './unreadable.ts'
import type { Readable } from 'node:stream'
import type { CsvDialectChoice } from '../interface.ts'
import type { CsvFormat } from './csv-dialect.ts'
import type { Row } from './row.ts'
import type { TextFile } from './text-file.ts'

/** Characters of a stranger's value that a message shows */
const MAX_SHOWN = 60

/** Names that a message lists */
const MAX_LISTED = 12

/** Where a row stands, for messages */
export interface RowPlace {
  file: string
  /** From 1, the header's line; the last line of the row when it has several */
  line: number
}

/** Takes one row, which has as many fields as the header. Returns false to stop reading */
export type RowVisitor = (fields: readonly string[], place: RowPlace) => boolean | void

/** Text from a data file, fit for a one-line message */
export function shown (text: string): string {
  return printable(JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text))
}

/** Some names from a data file, fit for a one-line message */
export function listed (names: readonly string[]): string {
  return names.slice(0, MAX_LISTED).map(shown).join(', ') + (names.length > MAX_LISTED ? `, … (${names.length})` : '')
}

/** The DatasetError for one value: file, line, column, value, what is wrong with it */
export function badValue ({ file, line }: RowPlace, column: string, value: string, problem: string): DatasetError {
  return new DatasetError(`${file}, line ${line}, column ${shown(column)}: ${value === '' ? 'the empty value' : shown(value)} ${problem}`)
}

export interface CsvOptions extends CsvDialectChoice {
  /** Called with the share of the file that was read, 0 to 1, where its size is known */
  onRead?: ((share: number) => void) | undefined
  /** Read in place of the file, which then only names it */
  bytes?: Readable | undefined
  /** Waited for before each piece of the file: who cannot keep up with the rows holds up the reading */
  ready?: (() => Promise<void>) | undefined
  /** @default 2, a label and an input */
  fewestColumns?: 1 | 2 | undefined
}

/** Takes one row, as wide as the header and good until the next one comes. Returns false to stop reading */
export type TableVisitor = (row: Row, place: RowPlace) => boolean | void

/** Takes the names of the columns, and how the file is written. Returns what takes the rows */
export type BeginTable<Visitor = TableVisitor> = (columns: readonly string[], format: CsvFormat) => Visitor

/** The same as `readCsvRows`, with the fields of each row as texts */
export async function readCsv (file: string, begin: BeginTable<RowVisitor>, options: CsvOptions = {}): Promise<number> {
  return readCsvRows(file, (columns, format) => {
    const visit = begin(columns, format)
    return (row, place) => visit(row.texts(), place)
  }, options)
}

/**
 * Calls `begin` with the names of the columns, and what it returns with every row
 *
 * Separator and decimal mark are found in the file's beginning unless the options say them; the encoding is UTF-8, or
 * what a byte order mark says; gzip is recognised. Fields are trimmed unless quoted; empty lines are passed over; LF,
 * CRLF and CR are all right. Both callbacks may throw DatasetError, which ends the reading. Resolves to the number of
 * rows.
 *
 * Throws DatasetError when the file is missing, empty, no text, not CSV, or has a row with more or fewer fields than
 * the header
 */
export async function readCsvRows (file: string, begin: BeginTable, { onRead, bytes, ready, fewestColumns = 2, ...choice }: CsvOptions = {}): Promise<number> {
  let text: TextFile
  try {
    text = await openText(file, { onRead, bytes })
  } catch (err) {
    throw unreadable(file, err)
  }
  const dialect = dialectOf(text.head, text.whole, choice)
  const rows = new TableRows(file, { ...dialect, encoding: text.encoding, gzip: text.gzip }, begin, fewestColumns)
  await rows.readAll(text.pieces, ready)
  return rows.count
}

/** The rows of one file on their way to their visitor */
class TableRows {
  count = 0
  private readonly file: string
  private readonly format: CsvFormat
  private readonly begin: BeginTable
  private readonly fewestColumns: number
  private readonly cutter: RowCutter
  private columns: readonly string[] | undefined
  private visit: TableVisitor | undefined

  constructor (file: string, format: CsvFormat, begin: BeginTable, fewestColumns: number) {
    this.fewestColumns = fewestColumns
    this.file = file
    this.format = format
    this.begin = begin
    this.cutter = new RowCutter(format, (row, line) => this.take(row, line))
  }

  async readAll (pieces: TextFile['pieces'], ready: CsvOptions['ready']): Promise<void> {
    try {
      let more = true
      for await (const piece of pieces) {
        await ready?.()
        more = this.cutter.push(piece)
        if (!more) {
          break
        }
      }
      if (more) {
        this.cutter.end()
      }
    } catch (err) {
      throw this.problem(err)
    }
    if (this.columns === undefined) {
      throw new DatasetError(`${this.file} is empty: a table begins with a line that names its columns`)
    }
    if (this.count === 0) {
      throw new DatasetError(`${this.file} has a header but no rows; give a file with examples`)
    }
  }

  private take (row: Row, line: number): boolean | void {
    const { file, format } = this
    if (this.columns === undefined || this.visit === undefined) {
      if (format.declared && line === 1) {
        return undefined
      }
      this.columns = requireHeader(file, row.texts(), format, this.fewestColumns)
      this.visit = this.begin(this.columns, format)
      return undefined
    }
    const place = { file, line }
    requireWidth(row, this.columns, place, format)
    this.count++
    return this.visit(row, place)
  }

  private problem (err: unknown): Error {
    const { file, cutter, format } = this
    if (err instanceof RowError) {
      return new DatasetError(`${file}, line ${err.line}: ${err.message}${err.message.endsWith('?') ? '' : `; is this a table with ${NAMES[format.separator]} between columns?`}`, { cause: err })
    }
    if (err instanceof EncodingError) {
      return new DatasetError(`${file}, line ${cutter.line + err.linesBefore + 1}: ${err.message}`, { cause: err })
    }
    return err instanceof TypeError || err instanceof RangeError ? err : unreadable(file, err)
  }
}

const NAMES: Readonly<Record<CsvFormat['separator'], string>> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'bars' }

function requireHeader (file: string, names: readonly string[], { separator }: CsvFormat, fewest: number): readonly string[] {
  if (names.length < fewest) {
    throw new DatasetError(`${file} has one column only, ${shown(names[0]!)}: there must be a label and at least one input, with ${NAMES[separator]} between columns (commas, semicolons, tabs and bars are recognised; --separator decides)`)
  }
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) {
      throw new DatasetError(`${file} has two columns named ${shown(name)}; give each column a name of its own`)
    }
    seen.add(name)
  }
  return [...names]
}

function requireWidth ({ width }: Row, columns: readonly string[], { file, line }: RowPlace, { separator }: CsvFormat): void {
  if (width !== columns.length) {
    const decimals = separator === ',' && width > columns.length ? ', or separate columns with semicolons where numbers have decimal commas' : ''
    throw new DatasetError(`${file}, line ${line}: ${width} fields where the header has ${columns.length} columns; complete the row or quote fields that contain ${NAMES[separator]}${decimals}`)
  }
}

/**
 * Reads a CSV file (RFC 4180, UTF-8, with a header) row by row, in bounded memory
 */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { DatasetError } from '../errors.ts'
import { printable } from '../quoted.ts'
import { unreadable } from './unreadable.ts'
import type { Readable } from 'node:stream'

/** A row longer than this is a quote that was never closed, or no CSV file at all */
const MAX_ROW_BYTES = 1_048_576

/** Characters of a stranger's value that a message shows */
const MAX_SHOWN = 60

/** Names that a message lists */
const MAX_LISTED = 12

const PROBLEMS: Readonly<Record<string, string>> = {
  CSV_INVALID_CLOSING_QUOTE: 'a quoted field goes on after its closing quote',
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: 'a quoted field goes on after its closing quote',
  INVALID_OPENING_QUOTE: 'a quote stands in the middle of a field that is not quoted',
  CSV_QUOTE_NOT_CLOSED: 'a quote is never closed',
  CSV_MAX_RECORD_SIZE: `the row is longer than ${MAX_ROW_BYTES} bytes`
}

/** Where a row stands, for messages */
export interface RowPlace {
  file: string
  /** From 1, the header's line; the last line of the row when it has several */
  line: number
}

/** Takes one row, which has as many fields as the header. Returns false to stop reading */
export type RowVisitor = (fields: readonly string[], place: RowPlace) => boolean | void

export interface CsvReading {
  /** Read in place of the file, which then only names it */
  bytes?: Readable | undefined
  /** Waited for before each piece of the file: who cannot keep up with the rows holds up the reading */
  ready?: () => Promise<void>
  /** @default 2, a label and an input */
  fewestColumns?: 1 | 2
}

/** Thrown inside the parser to end it early, never seen outside */
class EnoughRows extends Error {
  override name = 'EnoughRows'
}

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

/**
 * Calls `begin` with the names of the columns, and what it returns with every row
 *
 * Fields are trimmed unless quoted; empty lines are passed over; LF, CRLF and a byte order mark are all right. Both
 * callbacks may throw DatasetError, which ends the reading. Resolves to the number of rows.
 *
 * Throws DatasetError when the file is missing, empty, not CSV, or has a row with more or fewer fields than the header
 */
export async function readCsv (file: string, begin: (columns: readonly string[]) => RowVisitor, { bytes, ready, fewestColumns = 2 }: CsvReading = {}): Promise<number> {
  let columns: readonly string[] | undefined
  let visit: RowVisitor | undefined
  let rows = 0
  const parser = parse({
    bom: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: MAX_ROW_BYTES,
    record_delimiter: ['\r\n', '\n', '\r'],
    // Nothing is passed on: the rows are done with when this returns
    on_record: (fields: string[], { lines }): null => {
      if (columns === undefined || visit === undefined) {
        columns = requireHeader(file, fields, fewestColumns)
        visit = begin(columns)
        return null
      }
      requireWidth(fields, columns, { file, line: lines })
      rows++
      if (visit(fields, { file, line: lines }) === false) {
        throw new EnoughRows()
      }
      return null
    }
  })
  try {
    const pieces = bytes ?? createReadStream(file)
    await (ready === undefined ? pipeline(pieces, parser.resume()) : pipeline(pieces, paced(ready), parser.resume()))
  } catch (err) {
    if (!(err instanceof EnoughRows)) {
      throw readableProblem(file, err)
    }
  }
  if (columns === undefined) {
    throw new DatasetError(`${file} is empty: a CSV file begins with a line that names its columns`)
  }
  if (rows === 0) {
    throw new DatasetError(`${file} has a header but no rows; give a file with examples`)
  }
  return rows
}

function paced (ready: () => Promise<void>): (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> {
  return async function * (pieces) {
    for await (const piece of pieces) {
      await ready()
      yield piece
    }
  }
}

function requireHeader (file: string, names: readonly string[], fewest: number): readonly string[] {
  if (names.length < fewest) {
    throw new DatasetError(`${file} has one column only, ${shown(names[0]!)}: columns are separated by commas, and there must be a label and at least one input${separatorHint(names[0]!)}`)
  }
  const repeated = names.find((name, i) => names.indexOf(name) !== i)
  if (repeated !== undefined) {
    throw new DatasetError(`${file} has two columns named ${shown(repeated)}; give each column a name of its own`)
  }
  return [...names]
}

/** Spreadsheets write what their country is used to */
function separatorHint (header: string): string {
  const found = [[';', 'semicolons'], ['\t', 'tabs'], ['|', 'bars']].find(([separator]) => header.includes(separator!))
  return found === undefined ? '' : `. This one looks separated by ${found[1]}: export it again with commas between columns, and points in numbers`
}

function requireWidth (fields: readonly string[], columns: readonly string[], { file, line }: RowPlace): void {
  if (fields.length !== columns.length) {
    throw new DatasetError(`${file}, line ${line}: ${fields.length} fields where the header has ${columns.length} columns; complete the row or quote fields that contain commas`)
  }
}

function readableProblem (file: string, err: unknown): Error {
  const { code = '', lines } = err as { code?: string, lines?: number }
  const problem = PROBLEMS[code]
  if (problem !== undefined) {
    return new DatasetError(`${file}, line ${lines ?? 1}: ${problem}; is this a comma-separated file?`, { cause: err })
  }
  return err instanceof TypeError || err instanceof RangeError ? err : unreadable(file, err)
}

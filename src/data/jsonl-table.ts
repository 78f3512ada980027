/**
 * JSON Lines as a table: each line one object, whose names are columns
 *
 * A file is read twice, because the last line may have a name that no line before had: first for the names.
 */
import { stat } from 'node:fs/promises'
import { DatasetError } from '../errors.ts'
import { MAX_COLUMNS } from '../limits.ts'
import { printable } from '../quoted.ts'
import { MAX_ROW_CHARACTERS } from './csv-rows.ts'
import { shown } from './csv.ts'
import { JsonRowError, jsonRow } from './json-row.ts'
import { TextRow } from './row.ts'
import { EncodingError } from './text-decoder.ts'
import { openText } from './text-file.ts'
import { unreadable } from './unreadable.ts'
import type { CsvOptions, TableVisitor } from './csv.ts'
import type { TextFile } from './text-file.ts'

export type JsonLinesOptions = Pick<CsvOptions, 'onRead' | 'ready' | 'fewestColumns'>

/**
 * Calls `begin` with the names of all lines, in the order in which they are met, and what it returns with every line,
 * until that is false; a name that a line lacks is a cell without a value. UTF-8 or what a byte order mark says, gzip;
 * blank lines are passed over. Resolves to the number of rows
 *
 * Throws DatasetError, with the line, and what the callbacks throw
 */
export async function readJsonLines (file: string, begin: (columns: readonly string[]) => TableVisitor, { onRead, ready, fewestColumns = 2 }: JsonLinesOptions = {}): Promise<number> {
  await requireFile(file)
  const halves = onRead === undefined ? [] : [(share: number) => { onRead(share / 2) }, (share: number) => { onRead((1 + share) / 2) }]
  const columns = await columnsOf(file, halves[0])
  if (columns.length < fewestColumns) {
    throw new DatasetError(`${file} has ${columns.length === 0 ? 'no names in its objects' : `one name only, ${shown(columns[0]!)}`}: there must be a label and at least one input`)
  }
  const visit = begin(columns)
  let rows = 0
  const row = new TextRow()
  await readLines(file, (cells, line) => {
    rows++
    let known = 0
    row.fields = columns.map((name) => {
      const cell = cells.get(name)
      known += cell === undefined ? 0 : 1
      return cell ?? ''
    })
    if (known !== cells.size) {
      throw new DatasetError(`${file} changed while it was read: line ${line} has a new name; start again`)
    }
    return visit(row, { file, line })
  }, { onRead: halves[1], ready })
  return rows
}

/** A pipe gives its bytes once. What is not there is told by whoever opens it */
async function requireFile (file: string): Promise<void> {
  const about = await stat(file).catch(() => undefined)
  if (about !== undefined && !about.isFile() && !about.isDirectory()) {
    throw new DatasetError(`${printable(file)} is no file, and JSON Lines are read twice: save them as one`)
  }
}

async function columnsOf (file: string, onRead: CsvOptions['onRead']): Promise<string[]> {
  const names = new Set<string>()
  let rows = 0
  await readLines(file, (cells, line) => {
    rows++
    for (const name of cells.keys()) {
      names.add(name)
    }
    if (names.size > MAX_COLUMNS) {
      throw new DatasetError(`${file}, line ${line}: the objects have more than ${MAX_COLUMNS} names by now, more columns than a table may have; are names values there?`)
    }
  }, { onRead })
  if (rows === 0) {
    throw new DatasetError(`${file} is empty: give a file with an object in each line`)
  }
  return [...names]
}

type TakeLine = (cells: Map<string, string>, line: number) => boolean | void

async function readLines (file: string, take: TakeLine, { onRead, ready }: Pick<CsvOptions, 'onRead' | 'ready'>): Promise<void> {
  let text: TextFile
  try {
    text = await openText(file, { onRead, json: true })
  } catch (err) {
    throw unreadable(printable(file), err)
  }
  const lines = new LineCutter(file, take)
  try {
    for await (const piece of text.pieces) {
      await ready?.()
      if (!lines.push(piece)) {
        return
      }
    }
    lines.end()
  } catch (err) {
    if (err instanceof EncodingError) {
      throw new DatasetError(`${printable(file)}, line ${lines.line + err.linesBefore + 1}: ${err.message}`, { cause: err })
    }
    throw err instanceof TypeError || err instanceof RangeError ? err : unreadable(printable(file), err)
  }
}

class LineCutter {
  /** Lines that are done */
  line = 0
  private readonly file: string
  private readonly take: TakeLine
  private rest = ''

  constructor (file: string, take: TakeLine) {
    this.file = file
    this.take = take
  }

  /** False when no more is wanted */
  push (piece: string): boolean {
    const text = [this.rest, piece].join('')
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      if (!this.give(text.slice(from, end))) {
        return false
      }
      from = end + 1
    }
    this.rest = text.slice(from)
    this.requireLength(this.rest)
    return true
  }

  /** The last line need not end */
  end (): void {
    this.give(this.rest)
  }

  private give (text: string): boolean {
    this.line++
    this.requireLength(text)
    if (text.trim() === '') {
      return true
    }
    try {
      return this.take(jsonRow(text), this.line) !== false
    } catch (err) {
      throw err instanceof JsonRowError ? new DatasetError(`${printable(this.file)}, line ${this.line}: ${err.message}`, { cause: err }) : err
    }
  }

  private requireLength (text: string): void {
    if (text.length > MAX_ROW_CHARACTERS) {
      throw new DatasetError(`${printable(this.file)}, line ${this.line + (text === this.rest ? 1 : 0)}: the line is longer than ${MAX_ROW_CHARACTERS} characters; each line is one object of a table's row`)
    }
  }
}

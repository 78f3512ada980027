/**
 * What is learnt of a column while its cells pass by, in bounded memory
 */
import { CellMemo } from './cell-memo.ts'
import { isMissing as isMarked } from './missing.ts'
import { ownText } from './own-text.ts'
import type { RowPlace } from './csv.ts'
import type { MissingTest } from './missing.ts'
import type { Row } from './row.ts'

/** As many as the federation document allows for one column */
export const MAX_DISTINCT = 1024

/** Longer cells are free text */
export const MAX_CELL = 256

/** Days in the usual orders and separators, with or without a time: 2024-01-31T08:15, 31.1.24, 1/31/2024 */
const DATE = /^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([T ]+\d{1,2}:\d{2}.*)?$/
/** The same without separators */
const COMPACT_DATE = /^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/

const COMPACT_DATE_LENGTH = 8
const FIRST_COMPACT_DATE = 19_000_000

/** A value that was met */
interface Cell {
  readonly text: string
  readonly isDate: boolean
  rows: number
}

export class ColumnProfile {
  readonly name: string
  missing = 0
  /** Cells with a value */
  count = 0
  numbers = 0
  dates = 0
  /** Of the numbers: Welford's running mean and sum of squares */
  mean = 0
  min = Infinity
  max = -Infinity
  /** All numbers are whole */
  whole = true
  /** Some number is padded with zeros, as codes are */
  padded = false
  /** Some cell is longer than MAX_CELL */
  long = false
  /** Every number is above the one before */
  ascending = true
  /** Characters of all numbers, 0 where they differ */
  width: number | undefined
  /** The first value that is no number */
  firstWord: { text: string, place: RowPlace } | undefined
  /** Cells with a value until there were more than MAX_DISTINCT different ones; undefined while there are not */
  overflowAt: number | undefined
  /** Empty once there are more than MAX_DISTINCT */
  private readonly cells = new Map<string, Cell>()
  private readonly memo = new CellMemo<Cell>()
  private squares = 0
  private previous = -Infinity
  private readonly isMissing: MissingTest
  private readonly marks: MissingTest['numbers']

  constructor (name: string, isMissing: MissingTest = isMarked) {
    this.name = name
    this.isMissing = isMissing
    this.marks = isMissing.numbers
  }

  /** Rows of each different value, in the order in which they were met; empty once there are more than MAX_DISTINCT */
  get rows (): ReadonlyMap<string, number> {
    return new Map([...this.cells.values()].map(({ text, rows }) => [text, rows]))
  }

  /** Different values; undefined when they are more than MAX_DISTINCT */
  get distinct (): number | undefined {
    return this.overflowAt === undefined ? this.cells.size : undefined
  }

  get stdDev (): number {
    return Math.sqrt(this.squares / this.numbers)
  }

  /** Hardly any value occurs twice, as far as they were counted */
  get nearlyAllDistinct (): boolean {
    return this.overflowAt === undefined ? this.cells.size >= 0.95 * this.count : this.overflowAt <= MAX_DISTINCT / 0.95
  }

  /** Takes the field `at` of a row. Most are numbers or words that were met before, and need not become texts */
  add (row: Row, at: number, place: RowPlace): void {
    if (row.lengthOf(at) === 0) {
      this.missing++
      return
    }
    const value = row.number(at)
    if (!Number.isNaN(value) && this.marks?.has(value) !== true) {
      this.addNumber(row, at, value)
      return
    }
    const known = this.memo.find(row, at)
    if (known === undefined) {
      this.addText(row, at, place)
      return
    }
    this.count++
    known.rows++
    if (Number.isNaN(value)) {
      this.dates += known.isDate ? 1 : 0
    } else {
      this.countNumber(row, at, value)
    }
  }

  private addNumber (row: Row, at: number, value: number): void {
    this.count++
    if (this.overflowAt === undefined) {
      const known = this.memo.find(row, at)
      if (known === undefined) {
        this.countValue(row, at, row.text(at))
      } else {
        known.rows++
      }
    }
    this.countNumber(row, at, value)
  }

  /** Of a word, or a number that may be a mark */
  private addText (row: Row, at: number, place: RowPlace): void {
    const text = row.text(at)
    if (this.isMissing(text)) {
      this.missing++
      return
    }
    this.count++
    this.countValue(row, at, text)
    const value = row.number(at)
    if (Number.isNaN(value)) {
      this.firstWord ??= { text: ownText(text), place }
      this.dates += DATE.test(text) ? 1 : 0
    } else {
      this.countNumber(row, at, value)
    }
  }

  private countValue (row: Row, at: number, text: string): void {
    this.long ||= text.length > MAX_CELL
    if (this.overflowAt !== undefined) {
      return
    }
    const key = text.length > MAX_CELL ? text.slice(0, MAX_CELL) : text
    const cell = this.cells.get(key) ?? this.newCell(key)
    cell.rows++
    if (this.cells.size > MAX_DISTINCT) {
      this.overflowAt = this.count
      this.cells.clear()
      this.memo.clear()
    } else if (key === text) {
      this.memo.keep(row, at, cell)
    }
  }

  private newCell (key: string): Cell {
    const cell = { text: ownText(key), rows: 0, isDate: DATE.test(key) }
    this.cells.set(cell.text, cell)
    return cell
  }

  private countNumber (row: Row, at: number, value: number): void {
    const length = row.lengthOf(at)
    this.long ||= length > MAX_CELL
    this.dates += length === COMPACT_DATE_LENGTH && value > FIRST_COMPACT_DATE && COMPACT_DATE.test(row.text(at)) ? 1 : 0
    this.padded ||= isPadded(row.codeAt(at, 0), row.codeAt(at, 1), row.codeAt(at, 2))
    this.numbers++
    const delta = value - this.mean
    this.mean += delta / this.numbers
    this.squares += delta * (value - this.mean)
    this.min = Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    this.whole &&= Number.isInteger(value)
    this.ascending &&= value > this.previous
    this.previous = value
    this.width = this.width === undefined || this.width === length ? length : 0
  }
}

/** 007, -01.5: by the first letters of a number */
function isPadded (first: number, second: number, third: number): boolean {
  const isSigned = first === 43 || first === 45
  const digit = isSigned ? third : second
  return (isSigned ? second : first) === 48 && digit >= 48 && digit <= 57
}

/**
 * What is learnt of a column while its cells pass by, in bounded memory
 */
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
  /** Rows of each different value; empty once there are more than MAX_DISTINCT */
  readonly rows = new Map<string, number>()
  /** Cells with a value until there were more than MAX_DISTINCT different ones; undefined while there are not */
  overflowAt: number | undefined
  private squares = 0
  private previous = -Infinity
  private readonly isMissing: MissingTest
  private readonly marks: MissingTest['numbers']

  constructor (name: string, isMissing: MissingTest = isMarked) {
    this.name = name
    this.isMissing = isMissing
    this.marks = isMissing.numbers
  }

  /** Different values; undefined when they are more than MAX_DISTINCT */
  get distinct (): number | undefined {
    return this.overflowAt === undefined ? this.rows.size : undefined
  }

  get stdDev (): number {
    return Math.sqrt(this.squares / this.numbers)
  }

  /** Hardly any value occurs twice, as far as they were counted */
  get nearlyAllDistinct (): boolean {
    return this.overflowAt === undefined ? this.rows.size >= 0.95 * this.count : this.overflowAt <= MAX_DISTINCT / 0.95
  }

  /**
   * Takes the field `at` of a row. Most are numbers, and no marks of missing values; where values are not counted any
   * more, a number need not become a text
   */
  add (row: Row, at: number, place: RowPlace): void {
    const value = row.number(at)
    const length = row.lengthOf(at)
    if (value === undefined || this.overflowAt === undefined || length > MAX_CELL || (length === COMPACT_DATE_LENGTH && value > 19_000_000) || this.marks?.has(value) === true) {
      this.addText(row.text(at), value, place)
    } else {
      this.count++
      this.padded ||= isPadded(row.codeAt(at, 0), row.codeAt(at, 1), row.codeAt(at, 2))
      this.countNumber(value, length)
    }
  }

  private addText (text: string, value: number | undefined, place: RowPlace): void {
    if ((value === undefined || this.marks?.has(value) === true) && this.isMissing(text)) {
      this.missing++
      return
    }
    this.count++
    this.countValue(text)
    if (value === undefined) {
      this.firstWord ??= { text: ownText(text), place }
      this.dates += DATE.test(text) ? 1 : 0
    } else {
      this.dates += text.length === COMPACT_DATE_LENGTH && COMPACT_DATE.test(text) ? 1 : 0
      this.padded ||= isPadded(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2))
      this.countNumber(value, text.length)
    }
  }

  private countValue (text: string): void {
    this.long ||= text.length > MAX_CELL
    if (this.overflowAt !== undefined) {
      return
    }
    const value = text.length > MAX_CELL ? text.slice(0, MAX_CELL) : text
    const before = this.rows.get(value)
    this.rows.set(before === undefined ? ownText(value) : value, (before ?? 0) + 1)
    if (this.rows.size > MAX_DISTINCT) {
      this.overflowAt = this.count
      this.rows.clear()
    }
  }

  private countNumber (value: number, length: number): void {
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

/**
 * Cuts text into the rows and fields of RFC 4180, piece by piece, in bounded memory
 *
 * Own code, after csv-parse (its oracle in test/data/csv-rows.test.ts), which takes ten times as long, and Papa Parse,
 * which is as fast but lets stray quotes pass, takes one kind of line end only, and keeps an open quote for ever.
 */
import { endianness } from 'node:os'
import { FoundRow } from './found-row.ts'
import { markCode, MINUS, NINE, PLUS, shortNumber, ZERO } from './parse-number.ts'
import type { DecimalMark } from './parse-number.ts'
import type { Row } from './row.ts'

/** A row longer than this is a quote that was never closed, or no table at all */
export const MAX_ROW_CHARACTERS = 1_048_576

/** As `trim` has them, but for ends of lines: looked for one by one, which takes a tenth of a pattern's time */
const BLANKS = [...' \t\v\f\u00a0\ufeff\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000']

const QUOTE = 34
const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** What a row cannot be. `line` from 1 */
export class RowError extends Error {
  override name = 'RowError'
  readonly line: number

  constructor (message: string, line: number) {
    super(message)
    this.line = line
  }
}

/** Takes a row; `line` is its last one, from 1. Returns false to be given no more */
export type TakeRow = (row: Row, line: number) => boolean | void

export interface RowCutterInit {
  /** One character */
  separator: string
  decimal: DecimalMark
}

/** No mark was met yet */
const NOWHERE = -1

/** A row is not complete in the text that is there */
const INCOMPLETE = -1
/** It has quotes */
const QUOTED = -2

export class RowCutter {
  private readonly separator: string
  private readonly decimal: DecimalMark
  private readonly take: TakeRow
  private readonly row: FoundRow
  private rest = ''
  private lines = 0
  /** No more rows are wanted */
  private done = false

  constructor ({ separator, decimal }: RowCutterInit, take: TakeRow) {
    this.separator = separator
    this.decimal = decimal
    this.take = take
    this.row = new FoundRow(decimal)
  }

  /** Lines before the text that is still to come */
  get line (): number {
    return this.lines + newlines(this.rest)
  }

  /** False when no more is wanted. Throws RowError, and what `take` throws */
  push (piece: string): boolean {
    // joined, not added: a sum is a rope, and reading it by letter takes ten times as long
    this.rest = this.cut([this.rest, piece].join(''), false)
    if (this.rest.length > MAX_ROW_CHARACTERS) {
      throw tooLong(this.lines + 1)
    }
    return !this.done
  }

  /** The last row need not end in a newline. Throws as `push` does */
  end (): void {
    this.rest = this.cut(this.rest, true)
  }

  /** Returns what is left over */
  private cut (text: string, last: boolean): string {
    this.row.codes = codesOf(text, this.row.codes)
    const blank = BLANKS.some((letter) => text.includes(letter))
    let at = 0
    while (!this.done && at < text.length) {
      let next = this.cutPlain(text, at, { last, blank })
      if (next === QUOTED) {
        next = this.cutQuoted(text, at, last)
      }
      if (next === INCOMPLETE) {
        break
      }
      at = next
    }
    return text.slice(at)
  }

  /**
   * A row without quotes. Returns where the next one begins, QUOTED or INCOMPLETE
   *
   * Numbers are added up in passing: to go through each cell again would take as long once more
   */
  // eslint-disable-next-line complexity -- one loop over all letters of a file: calls would be most of its time
  private cutPlain (text: string, from: number, { last, blank }: { last: boolean, blank: boolean }): number {
    const { row } = this
    const { codes } = row
    const separator = this.separator.charCodeAt(0)
    const mark = markCode(this.decimal)
    row.source = text
    row.fields = undefined
    row.width = 0
    let begin = from
    let at = from
    let whole = 0
    let markAt = NOWHERE
    let odd = false
    for (; at < text.length; at++) {
      const code = codes[at]!
      if (code >= ZERO && code <= NINE) {
        // in 32 bits, which hold as many digits as are used
        whole = (whole * 10 + code - ZERO) | 0
      } else if (code === separator) {
        row.add(begin, at, odd ? NaN : shortNumber(codes[begin]!, whole, at - begin, markAt - begin))
        begin = at + 1
        whole = 0
        markAt = NOWHERE
        odd = false
      } else if (code === mark && markAt === NOWHERE) {
        markAt = at
      } else if (code === LINE_FEED || code === CARRIAGE_RETURN) {
        break
      } else if (code === QUOTE) {
        return QUOTED
      } else if (at > begin || (code !== PLUS && code !== MINUS)) {
        odd = true
      }
    }
    if (!last && isCut(text, at)) {
      return INCOMPLETE
    }
    row.add(begin, at, odd || begin === at ? NaN : shortNumber(codes[begin]!, whole, at - begin, markAt - begin))
    if (blank) {
      trimFields(row)
    }
    this.lines++
    this.give(at - from)
    return afterLineEnd(text, at)
  }

  /** Rows of nothing are passed over */
  private give (length: number): void {
    const { row } = this
    if (length > MAX_ROW_CHARACTERS) {
      throw tooLong(this.lines)
    }
    if (row.width > 1 || row.lengthOf(0) > 0) {
      this.done = this.take(row, this.lines) === false
    }
  }

  /** A row with quotes. Returns where the next one begins, or INCOMPLETE */
  private cutQuoted (text: string, from: number, last: boolean): number {
    const fields: string[] = []
    let at = from
    while (true) {
      const begin = afterBlanks(text, at, this.separator)
      const quoted = text.charCodeAt(begin) === QUOTE
      const end = quoted ? closingQuote(text, begin, last) : this.plainEnd(text, begin, from)
      if (end === INCOMPLETE) {
        return this.wantMore(last, from, text)
      }
      fields.push(quoted ? unquoted(text, begin + 1, end) : trimmed(text.slice(begin, end)))
      const stop = quoted ? afterBlanks(text, end + 1, this.separator) : end
      const code = text.charCodeAt(stop)
      if (text[stop] === this.separator) {
        at = stop + 1
        continue
      }
      if (!last && isCut(text, stop)) {
        return INCOMPLETE
      }
      if (stop < text.length && code !== LINE_FEED && code !== CARRIAGE_RETURN) {
        throw new RowError('a quoted field goes on after its closing quote', this.lineOf(text, from, stop))
      }
      this.lines += newlines(text.slice(from, stop)) + 1
      this.row.fields = fields
      this.row.width = fields.length
      this.give(stop - from)
      return afterLineEnd(text, stop)
    }
  }

  private wantMore (last: boolean, from: number, text: string): number {
    if (last) {
      throw new RowError('a quote is never closed', this.lineOf(text, from, from))
    }
    return INCOMPLETE
  }

  /** Of a field without quotes */
  private plainEnd (text: string, begin: number, from: number): number {
    const separator = this.separator.charCodeAt(0)
    for (let i = begin; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code === separator || code === LINE_FEED || code === CARRIAGE_RETURN) {
        return i
      }
      if (code === QUOTE) {
        throw new RowError('a quote stands in the middle of a field that is not quoted', this.lineOf(text, from, i))
      }
    }
    return text.length
  }

  private lineOf (text: string, from: number, at: number): number {
    return this.lines + newlines(text.slice(from, at)) + 1
  }
}

/** Letters of a text as numbers, which are read in a third of the time; in `room` where that is large enough */
function codesOf (text: string, room: Uint16Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const codes = text.length <= room.length ? room : new Uint16Array(text.length)
  if (endianness() === 'LE') {
    Buffer.from(codes.buffer).write(text, 'utf16le')
  } else {
    for (let i = 0; i < text.length; i++) {
      codes[i] = text.charCodeAt(i)
    }
  }
  return codes
}

function tooLong (line: number): RowError {
  return new RowError(`the row is longer than ${MAX_ROW_CHARACTERS} characters: was a quote never closed?`, line)
}

/** A line feed may follow a carriage return at the end of what is there */
function isCut (text: string, at: number): boolean {
  return at >= text.length - (text.charCodeAt(at) === CARRIAGE_RETURN ? 1 : 0)
}

function trimFields ({ source, bounds, width }: FoundRow): void {
  for (let i = 0; i < 2 * width; i += 2) {
    while (bounds[i]! < bounds[i + 1]! && isBlank(source.charCodeAt(bounds[i]!))) {
      bounds[i]!++
    }
    while (bounds[i]! < bounds[i + 1]! && isBlank(source.charCodeAt(bounds[i + 1]! - 1))) {
      bounds[i + 1]!--
    }
  }
}

function unquoted (text: string, from: number, to: number): string {
  const inside = text.slice(from, to)
  return inside.includes('"') ? inside.replaceAll('""', '"') : inside
}

function afterLineEnd (text: string, at: number): number {
  return Math.min(text.length, at + (text.charCodeAt(at) === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED ? 2 : 1))
}

/** The quote that ends the field which begins with one. INCOMPLETE when it is not there, or may be half of a pair */
function closingQuote (text: string, begin: number, last: boolean): number {
  let at = text.indexOf('"', begin + 1)
  while (at !== -1 && text.charCodeAt(at + 1) === QUOTE) {
    at = text.indexOf('"', at + 2)
  }
  return at === text.length - 1 && !last ? INCOMPLETE : at
}

function isBlank (code: number): boolean {
  return code === 32 || code === 9 || code === 11 || code === 12 || (code >= 0xa0 && BLANKS.includes(String.fromCharCode(code)))
}

function afterBlanks (text: string, from: number, separator: string): number {
  let at = from
  while (isBlank(text.charCodeAt(at)) && text[at] !== separator) {
    at++
  }
  return at
}

function trimmed (field: string): string {
  return isBlank(field.charCodeAt(0)) || isBlank(field.charCodeAt(field.length - 1)) ? field.trim() : field
}

function newlines (text: string): number {
  return text === '' ? 0 : text.match(/\r\n?|\n/g)?.length ?? 0
}

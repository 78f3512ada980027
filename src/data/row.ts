/**
 * One row of a table on its way to whoever reads it, from whatever file
 */
import { parseSpan } from './parse-number.ts'
import type { DecimalMark } from './parse-number.ts'

/** Fields of one row, trimmed unless quoted. Good until the next row comes */
export interface Row {
  /** Fields */
  readonly width: number
  text: (index: number) => string
  /** Undefined for a field that is no number. Makes no text of it: tables are numbers for the most part */
  number: (index: number) => number | undefined
  /** Characters of one field */
  lengthOf: (index: number) => number
  /** Code of one character of a field, NaN or any other code behind its end */
  codeAt: (index: number, place: number) => number
  texts: () => string[]
}

/** A row whose fields are texts already. They may be exchanged for those of the next one */
export class TextRow implements Row {
  fields: string[]
  private readonly decimal: DecimalMark

  constructor (fields: string[] = [], decimal: DecimalMark = 'point') {
    this.fields = fields
    this.decimal = decimal
  }

  get width (): number {
    return this.fields.length
  }

  text (index: number): string {
    return this.fields[index]!
  }

  number (index: number): number | undefined {
    const text = this.fields[index]!
    return parseSpan(text, 0, text.length, this.decimal)
  }

  lengthOf (index: number): number {
    return this.fields[index]!.length
  }

  codeAt (index: number, place: number): number {
    return this.fields[index]!.charCodeAt(place)
  }

  texts (): string[] {
    return this.fields
  }
}

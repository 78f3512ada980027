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
  /**
   * NaN for a field that is no number: nothing else is written so (parse-number.ts). Makes no text of it: tables are
   * numbers for the most part
   */
  number: (index: number) => number
  /** Characters of one field */
  lengthOf: (index: number) => number
  /** Code of one character of a field, NaN or any other code behind its end */
  codeAt: (index: number, place: number) => number
  /** 32 bits, the same for the same text in any row */
  hashOf: (index: number) => number
  /** Whether a field is this text. Makes no text of it */
  is: (index: number, text: string) => boolean
  texts: () => string[]
}

/** As in the polynomial of Java's strings */
export const HASH_FACTOR = 31

export function hashOf (text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) {
    hash = (Math.imul(hash, HASH_FACTOR) + text.charCodeAt(i)) | 0
  }
  return hash
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

  number (index: number): number {
    const text = this.fields[index]!
    return parseSpan(text, 0, text.length, this.decimal) ?? NaN
  }

  lengthOf (index: number): number {
    return this.fields[index]!.length
  }

  codeAt (index: number, place: number): number {
    return this.fields[index]!.charCodeAt(place)
  }

  hashOf (index: number): number {
    return hashOf(this.fields[index]!)
  }

  is (index: number, text: string): boolean {
    return this.fields[index] === text
  }

  texts (): string[] {
    return this.fields
  }
}

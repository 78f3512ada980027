/**
 * A row where it stands in the text of a file (csv-rows.ts)
 */
import { parseSpan } from './parse-number.ts'
import { HASH_FACTOR, hashOf } from './row.ts'
import type { DecimalMark } from './parse-number.ts'
import type { Row } from './row.ts'

/** Either a stretch of text with the ends of its fields, or texts that stood in quotes */
export class FoundRow implements Row {
  width = 0
  source = ''
  /** Codes of the source, and whatever was there before behind them */
  codes = new Uint16Array(0)
  /** Of the field i: from bounds[2 i] to bounds[2 i + 1] */
  bounds = new Int32Array(128)
  /** Of a field that is a plain decimal, found in passing; NaN for all others */
  values = new Float64Array(64)
  fields: string[] | undefined
  private readonly decimal: DecimalMark

  constructor (decimal: DecimalMark) {
    this.decimal = decimal
  }

  text (index: number): string {
    return this.fields === undefined ? this.source.slice(this.bounds[2 * index], this.bounds[2 * index + 1]) : this.fields[index]!
  }

  number (index: number): number {
    const plain = this.fields === undefined ? this.values[index]! : NaN
    return Number.isNaN(plain) ? this.parsed(index) : plain
  }

  private parsed (index: number): number {
    const { fields, bounds, decimal } = this
    const value = fields === undefined
      ? parseSpan(this.source, bounds[2 * index]!, bounds[2 * index + 1]!, decimal)
      : parseSpan(fields[index]!, 0, fields[index]!.length, decimal)
    return value ?? NaN
  }

  hashOf (index: number): number {
    const { fields, bounds, codes } = this
    if (fields !== undefined) {
      return hashOf(fields[index]!)
    }
    let hash = 0
    for (let at = bounds[2 * index]!; at < bounds[2 * index + 1]!; at++) {
      hash = (Math.imul(hash, HASH_FACTOR) + codes[at]!) | 0
    }
    return hash
  }

  is (index: number, text: string): boolean {
    const { fields, bounds, codes } = this
    if (fields !== undefined) {
      return fields[index] === text
    }
    const from = bounds[2 * index]!
    if (bounds[2 * index + 1]! - from !== text.length) {
      return false
    }
    for (let i = 0; i < text.length; i++) {
      if (codes[from + i] !== text.charCodeAt(i)) {
        return false
      }
    }
    return true
  }

  lengthOf (index: number): number {
    return this.fields === undefined ? this.bounds[2 * index + 1]! - this.bounds[2 * index]! : this.fields[index]!.length
  }

  codeAt (index: number, place: number): number {
    return this.fields === undefined ? this.source.charCodeAt(this.bounds[2 * index]! + place) : this.fields[index]!.charCodeAt(place)
  }

  texts (): string[] {
    return this.fields ?? Array.from({ length: this.width }, (_, i) => this.text(i))
  }

  add (from: number, to: number, value: number): void {
    if (this.width === this.values.length) {
      this.grow()
    }
    this.values[this.width] = value
    this.bounds[2 * this.width] = from
    this.bounds[2 * this.width++ + 1] = to
  }

  private grow (): void {
    const { bounds, values } = this
    this.bounds = new Int32Array(2 * bounds.length)
    this.bounds.set(bounds)
    this.values = new Float64Array(2 * values.length)
    this.values.set(values)
  }
}

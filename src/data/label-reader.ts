/**
 * What training is told of each row: the index of its class, or the number that is to be predicted
 */
import { badValue, listed, shown } from './csv.ts'
import { missingTest } from './missing.ts'
import { numberHint, numberParser } from './parse-number.ts'
import { DatasetError } from '../errors.ts'
import type { RowPlace } from './csv.ts'
import type { Model } from './examples.ts'
import type { MissingTest } from './missing.ts'
import type { DecimalMark } from './parse-number.ts'

/** Of the rows of a file, in their order */
export interface RowLabels {
  /** Indices of classes; 0 each where a number is predicted */
  labels: Uint16Array
  /** Standardised; undefined where there are classes */
  targets: Float32Array | undefined
}

/** The cell of the label column as a number. Throws DatasetError for one that is no label of the federation */
export type LabelReader = (text: string, place: RowPlace) => number

const MAX_ROWS = 2 ** 28

/** `column`: name of the label column */
export function labelReader (column: string, { input, labels, target }: Pick<Model, 'input' | 'labels' | 'target'>, decimal: DecimalMark): LabelReader {
  const marks = input.kind === 'table' ? input.marks : undefined
  return target === undefined ? classReader(column, labels) : targetReader(column, target, { decimal, isMissing: missingTest(marks, numberParser(decimal)) })
}

function classReader (column: string, labels: readonly string[]): LabelReader {
  const indices = new Map(labels.map((label, i) => [label, i]))
  return (text, place) => {
    const index = indices.get(text)
    if (index === undefined) {
      throw badValue(place, column, text, `is not one of the federation's labels ${listed(labels)}`)
    }
    return index
  }
}

function targetReader (column: string, { mean, stdDev, min = -Infinity, max = Infinity, unit }: NonNullable<Model['target']>, { decimal, isMissing }: { decimal: DecimalMark, isMissing: MissingTest }): LabelReader {
  const parseNumber = numberParser(decimal)
  return (text, place) => {
    const value = isMissing(text) ? undefined : parseNumber(text)
    if (value === undefined) {
      throw badValue(place, column, text, `is no number${numberHint(text, decimal)}, and the federation predicts ${shown(column)}${isMissing(text) ? '; remove the rows without one' : '; correct it or remove the row'}`)
    }
    if (value < min || value > max) {
      throw badValue(place, column, text, `is outside of what the federation declares: ${rangeText(min, max)}${unit === undefined ? '' : ` ${shown(unit)}`}; is it in another unit?`)
    }
    const standardised = Math.fround((value - mean) / stdDev)
    if (!Number.isFinite(standardised)) {
      throw badValue(place, column, text, 'is too large for this column; correct it or remove the row')
    }
    return standardised
  }
}

function rangeText (min: number, max: number): string {
  return min === -Infinity ? `at most ${max}` : max === Infinity ? `at least ${min}` : `${min} to ${max}`
}

/** Collects what a LabelReader gives, in a memory that grows */
export class LabelCollector {
  private readonly isRegression: boolean
  private values: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>
  private count = 0

  constructor ({ target }: Pick<Model, 'target'>) {
    this.isRegression = target !== undefined
    this.values = this.room(1024)
  }

  /** Throws DatasetError when `file` has more rows than a peer may hold */
  add (value: number, file: string): void {
    if (this.count === this.values.length) {
      if (this.count >= MAX_ROWS) {
        throw new DatasetError(`${file} has more than ${MAX_ROWS} rows; give each peer a file of its own`)
      }
      const larger = this.room(2 * this.count)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.count++] = value
  }

  result (): RowLabels {
    const values = this.values.slice(0, this.count)
    return values instanceof Uint16Array ? { labels: values, targets: undefined } : { labels: new Uint16Array(this.count), targets: values }
  }

  private room (length: number): Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
    return this.isRegression ? new Float32Array(length) : new Uint16Array(length)
  }
}

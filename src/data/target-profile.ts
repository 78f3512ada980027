/**
 * The number that a table's label column holds, for a federation that predicts it
 */
import { DatasetError } from '../errors.ts'
import { dropFlag } from './column-flag.ts'
import { badValue, shown } from './csv.ts'
import { isMissing as isMarked } from './missing.ts'
import { parseNumber } from './parse-number.ts'
import type { MissingTest } from './missing.ts'
import type { NumberParser } from './parse-number.ts'
import type { RowPlace } from './csv.ts'
import type { Model } from './examples.ts'
import type { ColumnSchema, TargetChoices } from './table-schema.ts'

/** What a founder's document says of the label */
export interface LabelFindings {
  labels: string[]
  target?: Model['target']
}

interface TargetTraits {
  file: string
  name: string
  choices: TargetChoices
  parse?: NumberParser
  isMissing?: MissingTest
}

export class TargetProfile {
  private readonly file: string
  private readonly name: string
  private readonly choices: TargetChoices
  private readonly parse: NumberParser
  private readonly isMissing: MissingTest
  private count = 0
  private mean = 0
  private squares = 0
  private min = Infinity
  private max = -Infinity

  constructor ({ file, name, choices, parse = parseNumber, isMissing = isMarked }: TargetTraits) {
    this.file = file
    this.name = name
    this.choices = choices
    this.parse = parse
    this.isMissing = isMissing
  }

  /** Throws DatasetError for a cell that is no number, or outside of the declared range */
  add (text: string, place: RowPlace): void {
    const isMissing = this.isMissing(text)
    const value = isMissing ? undefined : this.parse(text)
    const { range } = this.choices
    if (value === undefined) {
      throw badValue(place, this.name, text, isMissing ? 'is no number to predict; remove the rows without one' : 'is no number to predict; correct it, remove the row, or name another label column (--label)')
    }
    if (range !== undefined && (value < range.min || value > range.max)) {
      throw badValue(place, this.name, text, `is outside of --target-range ${range.min}..${range.max}; correct it, or declare a wider range`)
    }
    this.count++
    const step = value - this.mean
    this.mean += step / this.count
    this.squares += step * (value - this.mean)
    this.min = Math.min(this.min, value)
    this.max = Math.max(this.max, value)
  }

  /** Throws DatasetError when nothing varies, or is too large */
  findings (): LabelFindings {
    const { unit, range } = this.choices
    if (!(this.min < this.max)) {
      throw new DatasetError(`${this.file}: column ${shown(this.name)} holds one number only; name the column with the number to predict (--label)`)
    }
    return { labels: [], target: { ...(range === undefined ? this.measured() : declared(range)), ...(unit === undefined ? {} : { unit }) } }
  }

  /** Twelve digits, as of an input */
  private measured (): { mean: number, stdDev: number } {
    const [mean, stdDev] = [this.mean, Math.sqrt(this.squares / this.count)].map((value) => Number(value.toPrecision(12))) as [number, number]
    if (!Number.isFinite(mean) || !Number.isFinite(stdDev) || stdDev === 0) {
      throw new DatasetError(`the numbers of column ${shown(this.name)} are too large or differ too little; scale them, or leave the column out (${dropFlag(this.name)})`)
    }
    return { mean, stdDev }
  }

  schema (): ColumnSchema {
    const { range, unit } = this.choices
    const { mean, stdDev } = range === undefined ? this.measured() : declared(range)
    return {
      name: this.name,
      role: 'label',
      kind: 'numeric',
      missing: 0,
      distinct: undefined,
      provenance: range === undefined ? 'rows' : 'declared',
      range: { min: this.min, max: this.max },
      told: { mean, stdDev },
      ...(range === undefined ? {} : { declared: range }),
      ...(unit === undefined ? {} : { unit })
    }
  }
}

/** Standardises without a look at the data: the middle of the range, and a quarter of it for a deviation */
function declared ({ min, max }: { min: number, max: number }): NonNullable<Model['target']> {
  return { mean: (min + max) / 2, stdDev: (max - min) / 4, min, max }
}

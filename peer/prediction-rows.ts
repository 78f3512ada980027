/**
 * Predictions as rows of CSV, or as JSON lines
 */
import { jsonLine, printable } from '../src/quoted.ts'
import type { Predictions } from '../src/model/outputs.ts'

/** With more labels than this a row holds the likeliest one's probability only */
const MAX_COLUMNS = 256

/** Smaller ones are written with an exponent */
const SMALLEST_PLAIN = 0.001
const PLAIN_UNIT = 1e6
const EXPONENT_DIGITS = 3
const VALUE_DIGITS = 7

export interface PredictedBatch extends Predictions {
  count: number
  /** Examples before it */
  first: number
  /** What each example is called beside its number */
  names?: readonly string[] | undefined
}

export interface RowWriter {
  /** Complete lines. The first ones bring the header along */
  lines: (batch: PredictedBatch) => string
}

/**
 * `row` from 1, `file` where examples have names, `label`, and `p(NAME)` for each label
 *
 * Names and labels are others' text: what steers a terminal is replaced
 */
export function csvRows (labels: readonly string[]): RowWriter {
  const cells = labels.map(cell)
  const each = labels.length <= MAX_COLUMNS
  const columns = each ? labels.map((label) => cell(`p(${label})`)) : ['p']
  let header: string | undefined
  return {
    lines ({ outputs, labels: predicted, count, first, names }) {
      const width = labels.length
      let text = header === undefined ? header = `${['row', ...names === undefined ? [] : ['file'], 'label', ...columns].join(',')}\n` : ''
      for (let row = 0; row < count; row++) {
        const label = predicted[row]!
        text += `${first + row + 1},${names === undefined ? '' : `${cell(names[row]!)},`}${cells[label]!}`
        const from = each ? row * width : row * width + label
        const to = each ? from + width : from + 1
        for (let i = from; i < to; i++) {
          text += `,${probability(outputs[i]!)}`
        }
        text += '\n'
      }
      return text
    }
  }
}

/** `{"type":"prediction","row":1,"label":"yes","probabilities":{"no":0.1,"yes":0.9}}` */
export function jsonRows (labels: readonly string[]): RowWriter {
  const keys = labels.map((label) => jsonLine(label))
  const each = labels.length <= MAX_COLUMNS
  return {
    lines ({ outputs, labels: predicted, count, first, names }) {
      let text = ''
      for (let row = 0; row < count; row++) {
        const label = predicted[row]!
        const shares = (each ? keys : [keys[label]!]).map((key, i) => `${key}:${probability(outputs[row * labels.length + (each ? i : label)]!)}`)
        text += `{"type":"prediction","row":${first + row + 1},${names === undefined ? '' : `"file":${jsonLine(names[row]!)},`}"label":${keys[label]!},"probabilities":{${shares.join(',')}}}\n`
      }
      return text
    }
  }
}

/** `row`, `file` where examples have names, and `value` */
export function csvValues (): RowWriter {
  let header: string | undefined
  return {
    lines ({ outputs, count, first, names }) {
      let text = header === undefined ? header = `${['row', ...names === undefined ? [] : ['file'], 'value'].join(',')}\n` : ''
      for (let row = 0; row < count; row++) {
        text += `${first + row + 1},${names === undefined ? '' : `${cell(names[row]!)},`}${value(outputs[row]!)}\n`
      }
      return text
    }
  }
}

/** `{"type":"prediction","row":1,"value":12.5}` */
export function jsonValues (): RowWriter {
  return {
    lines ({ outputs, count, first, names }) {
      let text = ''
      for (let row = 0; row < count; row++) {
        text += `{"type":"prediction","row":${first + row + 1},${names === undefined ? '' : `"file":${jsonLine(names[row]!)},`}"value":${value(outputs[row]!)}}\n`
      }
      return text
    }
  }
}

/** As many digits as a float32 has */
function value (number: number): string {
  return String(Number(number.toPrecision(VALUE_DIGITS)))
}

/** Six decimals, or four digits of what is small; also as JSON has it */
function probability (p: number): string {
  return p >= SMALLEST_PLAIN || p === 0 ? String(Math.round(p * PLAIN_UNIT) / PLAIN_UNIT) : p.toExponential(EXPONENT_DIGITS)
}

function cell (text: string): string {
  const safe = printable(text)
  return /[",]|^\s|\s$|^$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

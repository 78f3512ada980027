import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CellMemo } from '../../src/data/cell-memo.ts'
import { RowCutter } from '../../src/data/csv-rows.ts'
import { numberParser } from '../../src/data/parse-number.ts'
import { TextRow } from '../../src/data/row.ts'
import { valueReader, valuesReader } from '../../src/data/table-values.ts'
import type { TableInput } from '../../src/data/examples.ts'
import type { Row } from '../../src/data/row.ts'

const PLACE = { file: 't.csv', line: 2 }

/** Looks at the first row of a text while it is good */
function onRow<T> (text: string, decimal: 'point' | 'comma', look: (row: Row) => T): T {
  let seen: T | undefined
  const cutter = new RowCutter({ separator: '|', decimal }, (row) => { seen ??= look(row) })
  cutter.push(`${text}\n`)
  cutter.end()
  return seen!
}

/** Cells in which a reader of digits may go wrong */
const cell = fc.oneof(
  fc.stringMatching(/^[-+]?\d{0,17}[.,]?\d{0,17}(e[-+]?\d{1,3})?$/),
  fc.double().map(String),
  fc.integer().map(String),
  fc.constantFrom('', '-', '+', '.', ',', '-.', '1.2.3', '1-2', '1 2', 'NA', '-999', '-999.0', '-999,0', '1,5', '1,50', 'north', 'Straße', '\u00a07\u00a0', '999999999', '9999999999', '2147483648.5')
)
const cells = fc.array(cell, { minLength: 1, maxLength: 40 })
const decimals = fc.constantFrom('point', 'comma')

describe('A row that was cut', () => {
  it('reads each number as the parser of texts does, to the sign of zero', () => {
    fc.assert(fc.property(cells, decimals, fc.boolean(), (texts, decimal, quoted) => {
      const parse = numberParser(decimal)
      const wanted = texts.map((text) => parse(quoted ? text : text.trim()) ?? NaN)
      const text = texts.map((each) => quoted ? `"${each}"` : each).join('|')
      // a row of nothing is none
      fc.pre(texts.length > 1 || texts[0]!.trim() !== '')
      expect(onRow(text, decimal, (row) => texts.map((_, i) => row.number(i)))).toEqual(wanted)
    }), { numRuns: 2_000 })
  })

  it('recognises a text without making one, and so does a row of texts', () => {
    fc.assert(fc.property(cells, decimals, (texts, decimal) => {
      fc.pre(texts.length > 1 || texts[0]!.trim() !== '')
      const trimmed = texts.map((text) => text.trim())
      const plain = new TextRow(trimmed, decimal)
      onRow(texts.join('|'), decimal, (row) => {
        for (const [i, text] of trimmed.entries()) {
          expect([row.hashOf(i), row.is(i, text), row.is(i, `${text}x`), row.lengthOf(i), row.text(i)]).toEqual([plain.hashOf(i), true, false, text.length, text])
        }
      })
    }))
  })
})

const INPUT: TableInput = {
  kind: 'table',
  label: 'label',
  columns: [
    { kind: 'numeric', name: 'number', mean: 3, stdDev: 7 },
    { kind: 'categorical', name: 'word', values: ['north', '-999', '1,5', '7'], other: true, missing: true }
  ]
}

describe('Values of a row', () => {
  it.each([undefined, ['-999', '1,5', 'NA']])('are what the text of each cell says, with marks %j', (marks) => {
    fc.assert(fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 20 }), decimals, (rows, decimal) => {
      const input = { ...INPUT, ...(marks === undefined ? {} : { marks }) }
      const readers = input.columns.map((column) => valueReader(column, marks, decimal))
      const names = ['number', 'word', 'label']
      const read = valuesReader('t.csv', names, input, decimal)
      for (const [number, word] of rows) {
        const texts = [number.trim(), word.trim(), 'yes']
        const wanted = outcome(() => Float32Array.from(readers, (reader, i) => reader(texts[i]!, PLACE)))
        const found = onRow([number, word, 'yes'].join('|'), decimal, (row) => outcome(() => {
          const out = new Float32Array(2)
          read(row, PLACE, out, 0)
          return out
        }))
        expect(found).toEqual(wanted)
      }
    }), { numRuns: 500 })
  })
})

function outcome<T> (work: () => T): T | string {
  try {
    return work()
  } catch (err) {
    return (err as Error).message
  }
}

describe('A memo of cells', () => {
  it('finds what was kept, or nothing, and never another', () => {
    const memo = new CellMemo<{ text: string }>()
    const row = new TextRow(Array.from({ length: 5_000 }, (_, i) => `w${i * 7919 % 5_000}`))
    let found = 0
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < row.width; at++) {
        const known = memo.find(row, at)
        expect(known === undefined || known.text === row.text(at)).toBe(true)
        found += known === undefined ? 0 : 1
        memo.keep(row, at, { text: row.text(at) })
        expect(memo.find(row, at)?.text).toBe(row.text(at))
      }
    }
    memo.clear()
    expect(memo.find(row, 0)).toBeUndefined()
    expect(found).toBeLessThan(row.width)
  })
})

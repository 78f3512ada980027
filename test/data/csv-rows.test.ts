import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RowCutter } from '../../src/data/csv-rows.ts'
import { numberParser } from '../../src/data/parse-number.ts'

/** Rows with their lines, cut from the text in pieces of these sizes */
function cut (text: string, sizes: readonly number[] = [text.length], separator = ','): Array<[number, ...string[]]> {
  const rows: Array<[number, ...string[]]> = []
  const cutter = new RowCutter({ separator, decimal: 'point' }, (row, line) => { rows.push([line, ...row.texts()]) })
  let at = 0
  for (let i = 0; at < text.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length]!)
    cutter.push(text.slice(at, at + size))
    at += size
  }
  cutter.end()
  return rows
}

/** What the library makes of it */
function oracle (text: string, separator = ','): Array<[number, ...string[]]> {
  const options = { trim: true, skip_empty_lines: true, relax_column_count: true, record_delimiter: ['\r\n', '\n', '\r'], info: true, delimiter: separator }
  return (parse(text, options) as unknown as Array<{ record: string[], info: { lines: number } }>)
    .map(({ record, info }): [number, ...string[]] => [info.lines, ...record])
    // of blanks alone
    .filter(([, ...fields]) => fields.length > 1 || fields[0] !== '')
}

function outcome (run: () => Array<[number, ...string[]]>): string[][] | 'refused' {
  try {
    return run().map(([, ...fields]) => fields)
  } catch {
    return 'refused'
  }
}

describe('Rows are cut', () => {
  it.each<[string, string, Array<[number, ...string[]]>]>([
    ['at every kind of line end', 'a,b\r\n1,2\n3,4\r5,6', [[1, 'a', 'b'], [2, '1', '2'], [3, '3', '4'], [4, '5', '6']]],
    ['but not inside quotes', 'a,"b\nc\r\nd"\n1,"x,""y"""\n', [[3, 'a', 'b\nc\r\nd'], [4, '1', 'x,"y"']]],
    ['without the blanks around fields, except in quotes', ' a , " b " \t,\u00a0c\n', [[1, 'a', ' b ', 'c']]],
    ['past empty lines and lines of blanks', '\n\na,b\n  \n\r\n1,2\n\n', [[3, 'a', 'b'], [6, '1', '2']]],
    ['with empty fields', ',,\n"",""\n', [[1, '', '', ''], [2, '', '']]]
  ])('%s', (_, text, rows) => {
    expect(cut(text)).toEqual(rows)
    expect(cut(text, [1])).toEqual(rows)
  })

  it.each<[string, string, RegExp]>([
    ['a quote in the middle', 'a,b\n1,5" pipe\n', /middle of a field/],
    ['text after a quote', 'a\n"b"c\n', /goes on after its closing quote/],
    ['an open quote', 'a,b\n\n1,"x\ny', /never closed/]
  ])('and %s is refused at its line', (_, text, message) => {
    const refusals = [[text.length], [1], [3]].map((sizes) => {
      try {
        return cut(text, sizes)
      } catch (err) {
        return err as { message: string, line: number }
      }
    })
    refusals.forEach((refusal) => {
      expect(refusal).toMatchObject({ message: expect.stringMatching(message) as string, line: text.startsWith('a,b\n\n') ? 3 : 2 })
    })
  })

  const cell = fc.oneof(fc.constantFrom('1', '-2.5', '', ' ', '"', '""', '"a"', '"a,b"', ' "x" ', '"p\nq"', '"p\r\nq"', 'x"y', '\t', '\u00a0', 'é', '\ud83d\ude00'), fc.string({ maxLength: 4 }))
  const line = fc.array(cell, { minLength: 1, maxLength: 5 })
  const text = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '\n\n')), { maxLength: 8 })
    .map((lines) => lines.map(([cells, end]) => cells.join(',') + end).join(''))

  it('as csv-parse cuts them, whatever the text, and in whatever pieces it comes', () => {
    fc.assert(fc.property(text, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }), (content, sizes) => {
      const ours = outcome(() => cut(content))
      expect(outcome(() => cut(content, sizes))).toEqual(ours)
      expect(ours).toEqual(outcome(() => oracle(content)))
    }), { numRuns: 800 })
  })

  it('with numbers as their texts are read', () => {
    const numbers = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), fc.stringMatching(/^[+-]?\d{0,18}[.,]?\d{0,18}$/), fc.string({ maxLength: 5 }))
    const strict = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
    fc.assert(fc.property(numbers, (content) => {
      const expected = strict.test(content) && Number.isFinite(Number(content)) ? Number(content) : undefined
      expect(numberParser('point')(content)).toBe(expected)
      if (!content.includes(',')) {
        expect(numberParser('comma')(content.replace('.', ','))).toBe(expected)
      }
    }), { numRuns: 2_000 })
  })
})

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDataset, inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { DatasetError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { temporaryFolder } from './write-idx.ts'
import type { Examples, Model } from '../../src/data/examples.ts'
import type { DatasetSource } from '../../src/interface.ts'

const model: Model = {
  topology: {},
  seed: 1,
  loss: 'categoricalCrossentropy',
  input: {
    kind: 'table',
    label: 'outcome',
    columns: [
      { kind: 'numeric', name: 'age', mean: 40, stdDev: 10 },
      { kind: 'categorical', name: 'colour', values: ['blue', 'red, dark', ''] },
      { kind: 'numeric', name: 'dose', mean: 0, stdDev: 1 }
    ]
  },
  labels: ['no', 'yes']
}

async function csv (text: string | Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(), 'data.csv')
  await writeFile(file, text)
  return file
}

function inputsOf (examples: Examples): number[][] {
  return Array.from({ length: examples.count }, (_, i) => {
    const out = new Float32Array(examples.featureCount)
    examples.writeInputs(i, out, 0)
    return [...out]
  })
}

async function failure (promise: Promise<unknown>): Promise<string> {
  const err = await promise.then(() => undefined, (reason: unknown) => reason)
  expect(err).toBeInstanceOf(DatasetError)
  expect((err as Error).message).not.toContain('\n')
  return (err as Error).message
}

const HEADER = 'dose,outcome,colour,id,age\n'
const ROWS = '1,yes,blue,a,50\n-2.5e0,no,"red, dark",b,30\n.5,yes,,c,+40\n'

/** Loads `text` with a test file of three good rows */
async function load (text: string | Uint8Array, chosen: Model = model): Promise<{ train: Examples, test: Examples }> {
  return loadDataset({ kind: 'csv', file: await csv(text), testFile: await csv(HEADER + ROWS) }, chosen)
}

describe('CSV files', () => {
  it('give columns by name, standardised and one input for each category', async () => {
    const { train, test } = await load(HEADER + ROWS)
    expect(train.featureCount).toBe(5)
    expect([...train.labels]).toEqual([1, 0, 1])
    expect(inputsOf(train)).toEqual([[1, 1, 0, 0, 1], [-1, 0, 1, 0, -2.5], [0, 0, 0, 1, 0.5]])
    expect(inputsOf(test)).toEqual(inputsOf(train))
  })

  it.each([
    ['CRLF', (HEADER + ROWS).replaceAll('\n', '\r\n')],
    ['mixed line ends', HEADER.replace('\n', '\r\n') + ROWS],
    ['a byte order mark', '\ufeff' + HEADER.replace('dose', '"dose"') + ROWS],
    ['no newline at the end, empty lines and spaces', `\n${HEADER}\n${ROWS.replaceAll(',yes', ' , yes')}`.trimEnd()],
    ['quoted line breaks', HEADER + ROWS.replace(',a,', ',"a\n""b""",')]
  ])('with %s mean the same', async (_, text) => {
    const { train } = await load(text)
    expect(inputsOf(train)).toEqual([[1, 1, 0, 0, 1], [-1, 0, 1, 0, -2.5], [0, 0, 0, 1, 0.5]])
  })

  it('without a test file hold out a part that all peers agree on, and partition the rest', async () => {
    const count = 400
    const file = await csv('age,colour,dose,outcome\n' + Array.from({ length: count }, (_, i) => `${i},blue,0,${i % 4 === 0 ? 'yes' : 'no'}`).join('\n'))
    const ages = (examples: Examples): number[] => inputsOf(examples).map(([age]) => Math.round(age! * 10 + 40))
    const parts = await Promise.all([0, 1, 2].map(async (index) => loadDataset({ kind: 'csv', file, testFraction: 0.25 }, model, { index, count: 3, strategy: 'iid', seed: 2 })))
    for (const { test } of parts) {
      expect(ages(test)).toEqual(ages(parts[0]!.test))
    }
    expect(parts[0]!.test.count).toBe(100)
    expect(parts[0]!.test.labels.filter((label) => label === 1)).toHaveLength(25)
    const all = [...ages(parts[0]!.test), ...parts.flatMap(({ train }) => ages(train))].sort((a, b) => a - b)
    expect(all).toEqual(Array.from({ length: count }, (_, i) => i))
    const alone = await loadDataset({ kind: 'csv', file }, model)
    expect([alone.train.count, alone.test.count]).toEqual([320, 80])
  })

  it.each<[string, string, RegExp]>([
    ['an empty file', '', /data\.csv is empty/],
    ['a header only', HEADER, /has a header but no rows/],
    ['a missing column', 'dose,outcome,color,age\n1,yes,blue,3\n', /has no column "colour", which the federation takes as an input; it has "dose", "outcome", "color", "age" \(is it "color"\?\)/],
    ['a missing label column', 'dose,colour,age\n1,blue,3\n', /has no column "outcome", which the federation uses as the label/],
    ['a repeated column', 'age,age\n1,2\n', /two columns named "age"/],
    ['one column', 'a:b:c\n1:2:3\n', /one column only, "a:b:c": .*with commas between columns \(commas, semicolons, tabs and bars are recognised; --separator decides\)/],
    ['a value that is no number', HEADER + ROWS + '1,yes,blue,d,old\n', /line 5, column "age": "old" is not a number/],
    ['two missing columns', 'dose,outcome,colours\n1,yes,blue\n', /has no columns "age", "colour" \(is it "colours"\?\), which the federation takes as inputs; it has "dose"/],
    ['hexadecimal', HEADER + '0x10,yes,blue,d,1\n', /column "dose": "0x10" is not a number/],
    ['infinity', HEADER + '1e999,yes,blue,d,1\n', /column "dose": "1e999" is not a number/],
    ['a number beyond float32', HEADER + '1e99,yes,blue,d,1\n', /column "dose": "1e99" is too large/],
    ['an unknown category', HEADER + '1,yes,green,d,1\n', /line 2, column "colour": "green" is not one of the federation's values "blue", "red, dark", ""/],
    ['an unknown label', HEADER + '1,maybe,blue,d,1\n', /line 2, column "outcome": "maybe" is not one of the federation's labels "no", "yes"/],
    ['a short row', HEADER + '1,yes,blue\n', /line 2: 3 fields where the header has 5 columns/],
    ['a long row', HEADER + ROWS + '1,yes,blue,d,1,2\n', /line 5: 6 fields where/],
    ['an open quote', HEADER + '1,yes,"blue,d,1\n', /a quote is never closed/],
    ['text after a quote', HEADER + '1,yes,"blue"x,d,1\n', /goes on after its closing quote/],
    ['a row without end', HEADER + '"' + 'x'.repeat(3_000_000), /line 2: the row is longer than 1048576 characters: was a quote never closed\?$/],
    ['control characters', HEADER + '1,yes,"gr\ne\u0001en",d,1\n', /"gr\\ne\\u0001en" is not one of/]
  ])('refuse %s in one line with file, line and column', async (_, text, message) => {
    expect(await failure(load(text))).toMatch(message)
  })

  it('refuse what is missing, too small or of another kind', async () => {
    expect(await failure(loadDataset({ kind: 'csv', file: '/nowhere/x.csv' }, model))).toMatch(/\/nowhere\/x\.csv does not exist/)
    expect(await failure(loadDataset({ kind: 'csv', file: await temporaryFolder() }, model))).toMatch(/is a folder, not a file/)
    expect(await failure(loadDataset({ kind: 'csv', file: await csv(HEADER + '1,yes,blue,d,1\n') }, model))).toMatch(/has 1 rows: too few/)
    const images: Model = { ...model, input: { kind: 'image', shape: [2, 2, 1], mean: 0, stdDev: 1 } }
    expect(await failure(loadDataset({ kind: 'csv', file: await csv(HEADER + ROWS) }, images))).toMatch(/takes images of 2 x 2 x 1/)
  })

  it('are checked quickly by columns and first rows', async () => {
    const check = async (text: string): Promise<void> => checkDataset({ kind: 'csv', file: await csv(text) }, model)
    await expect(check(HEADER + ROWS)).resolves.toBeUndefined()
    expect(await failure(check('a,b\n1,2\n'))).toMatch(/has no column/)
    expect(await failure(check(HEADER + '1,yes,blue,d,x\n'))).toMatch(/"x" is not a number/)
    await expect(check(HEADER + ROWS.repeat(100) + 'damage far below')).resolves.toBeUndefined()
  })
})

describe('A founder learns from a CSV file', () => {
  // tables of a few rows: their values are named all the same
  const infer = async (text: string, label?: string): ReturnType<typeof inferInput> => inferInput({ kind: 'csv', file: await csv(text) }, { label, rareRows: 1 })

  it('columns, their statistics and categories, and sorted labels', async () => {
    const { input, labels } = await infer('x,kind,constant,y\n1,b,7,10\n2,a,7,9\n3,b,7,10\n')
    expect(input).toEqual({
      kind: 'table',
      label: 'y',
      columns: [
        { kind: 'numeric', name: 'x', mean: 2, stdDev: expect.closeTo(Math.sqrt(2 / 3), 9) as number },
        { kind: 'categorical', name: 'kind', values: ['a', 'b'], other: true }
      ]
    })
    expect(labels).toEqual(['9', '10'])
  })

  it('a document that loads the same file', async () => {
    const file = await csv('x,kind,label\n' + Array.from({ length: 50 }, (_, i) => `${1_700_000_000 + i},${i % 3 === 0 ? '' : `k${i % 5}`},${i % 2 === 0 ? 'even' : 'odd'}`).join('\n'))
    const { input, labels } = await inferInput({ kind: 'csv', file }, { columns: new Map([['x', 'numeric']]) })
    const { model: parsed } = parseFederation({
      format: 2,
      name: 'table',
      model: { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input, labels },
      training: { epochs: 1, batchSize: 1, optimizer: { name: 'sgd', learningRate: 1 } },
      aggregation: { rule: 'mean', f: 0 },
      codec: { name: 'float32' },
      topology: { degree: 1 },
      round: { deadlineMs: 1000, staleness: 1 },
      privacy: { mechanism: 'none' }
    })
    const source: DatasetSource = { kind: 'csv', file, testFile: file }
    const { train } = await loadDataset(source, parsed)
    const first = inputsOf(train).map(([x]) => x!)
    expect(first.reduce((a, b) => a + b) / 50).toBeCloseTo(0, 4)
    expect(first.reduce((a, b) => a + b * b, 0) / 50).toBeCloseTo(1, 4)
  })

  it('the label by name', async () => {
    const { input, labels } = await infer('target,x,label\nu,1,2\nv,2,2\n', 'target')
    expect(input).toMatchObject({ label: 'target' })
    expect(labels).toEqual(['u', 'v'])
    expect(await failure(infer('target,x\nu,1\n', 'tarjet'))).toMatch(/has no column "tarjet"; it has "target", "x" \(did you mean "target"\?\)/)
  })

  it.each<[string, string, RegExp]>([
    ['one class only', 'x,label\n1,a\n2,a\n', /column "label" holds one value only, "a"/],
    ['an empty label', 'x,label\n1,a\n2,\n', /line 3, column "label": the empty value is no label/],
    ['a word among numbers', 'x,label\n1,a\n2,b\n3,a\n4,b\nlow,b\n', /line 6, column "x": "low" is no number, as 4 of the column's 5 values are; .*--column x=categorical, --drop x/],
    ['too many classes', 'x,label\n' + Array.from({ length: 1500 }, (_, i) => `1,${i}`).join('\n'), /column "label" has more than 1000 different values/],
    ['too many categories', 'x,label\n' + Array.from({ length: 1500 }, (_, i) => `n${i},${i % 2}`).join('\n'), /no column is left to learn from: "x" is left out \(more than 1024 different values/],
    ['a nameless column', ',label\n1,a\n2,b\n', /column 1 has no name/]
  ])('that %s cannot work', async (_, text, message) => {
    expect(await failure(infer(text))).toMatch(message)
  })

  it('that a late word turns a numeric column with many values down, by its line', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => `${i},${i % 2}`).join('\n')
    expect(await failure(infer(`x,label\n${rows}\nlow,1\n`))).toMatch(/line 2002, column "x": "low" is no number/)
  })
})

describe('Whatever the text', () => {
  const cell = fc.oneof(fc.constantFrom('1', 'yes', 'no', 'blue', '', '"', '""', '"a"', '\r', '\u0000', '1e400', '\ufeff'), fc.string({ maxLength: 6 }))
  const text = fc.array(fc.array(cell, { maxLength: 7 }).map((cells) => cells.join(',')), { maxLength: 8 }).map((lines) => lines.join('\n'))

  async function isFine (run: (file: string) => Promise<unknown>, content: string | Uint8Array): Promise<void> {
    const file = await csv(content)
    const outcome = await run(file).catch((err: unknown) => err)
    await rm(file)
    if (outcome instanceof Error) {
      expect(outcome).toBeInstanceOf(DatasetError)
      expect(outcome.message).not.toMatch(/[\n\r\0]/)
    }
  }

  it('loading and inferring succeed or give a DatasetError of one line', async () => {
    await fc.assert(fc.asyncProperty(fc.oneof(text, text.map((rows) => HEADER + rows), fc.uint8Array({ maxLength: 200 })), async (content) => {
      await isFine(async (file) => loadDataset({ kind: 'csv', file, testFile: file }, model), content)
      await isFine(async (file) => inferInput({ kind: 'csv', file }), content)
    }), { numRuns: 150 })
  })

  it('truncated and bit-flipped files do too', async () => {
    const original = Buffer.from(HEADER + ROWS)
    await fc.assert(fc.asyncProperty(fc.nat(original.length * 8 - 1), fc.nat(original.length), async (bit, end) => {
      const bytes = Buffer.from(original)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      await isFine(async (file) => loadDataset({ kind: 'csv', file, testFile: file }, model), bytes.subarray(0, end))
      await isFine(async (file) => loadDataset({ kind: 'csv', file }, model), bytes)
    }), { numRuns: 150 })
  })
})

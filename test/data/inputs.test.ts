/**
 * Examples without labels: the same numbers as in training, batch by batch, held up by whoever takes them
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { INPUT_BATCH } from '../../src/data/data-format.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { readInputs } from '../../src/data/input-formats.ts'
import { DatasetError } from '../../src/errors.ts'
import { idxBytes, temporaryFolder } from './write-idx.ts'
import type { InputSource } from '../../src/data/data-format.ts'
import type { Examples, Model } from '../../src/data/examples.ts'

const table: Model = {
  topology: {},
  seed: 1,
  loss: 'categoricalCrossentropy',
  input: {
    kind: 'table',
    label: 'outcome',
    columns: [
      { kind: 'numeric', name: 'age', mean: 40, stdDev: 10 },
      { kind: 'categorical', name: 'colour', values: ['blue', 'red'], other: true }
    ]
  },
  labels: ['no', 'yes']
}
const images: Model = { ...table, input: { kind: 'image', shape: [2, 3, 1], mean: 0.5, stdDev: 0.25 } }

interface Taken { rows: number[][], sizes: number[] }

async function taken (source: InputSource, model: Model): Promise<Taken> {
  const found: Taken = { rows: [], sizes: [] }
  const width = model.input.kind === 'table' ? 3 : 6
  const count = await readInputs(source, model, ({ inputs, count }) => {
    found.sizes.push(count)
    for (let row = 0; row < count; row++) {
      found.rows.push([...inputs.subarray(row * width, (row + 1) * width)])
    }
    return undefined
  })
  expect(count).toBe(found.rows.length)
  return found
}

function inputsOf (examples: Examples): number[][] {
  return Array.from({ length: examples.count }, (_, i) => {
    const out = new Float32Array(examples.featureCount)
    examples.writeInputs(i, out, 0)
    return [...out]
  })
}

async function fileOf (content: string | Uint8Array, name = 'input'): Promise<string> {
  const file = join(await temporaryFolder(), name)
  await writeFile(file, content)
  return file
}

function idx (count: number, pixels: Uint8Array): Buffer {
  return idxBytes([count, 2, 3], pixels)
}

describe('rows of a table', () => {
  const CELLS = ['50,red', '?,blue', '30,green', '-1e1,', '40,red']
  const rows = Array.from({ length: 2 * INPUT_BATCH + 7 }, (_, i) => CELLS[i % CELLS.length]!)

  it('become the numbers that training sees, in full batches', async () => {
    const labelled = await fileOf(`age,colour,outcome\n${rows.map((row) => `${row},yes`).join('\n')}`)
    const { train } = await loadDataset({ kind: 'csv', file: labelled, testFile: labelled }, table)
    const text = `colour,id,age\n${rows.map((row, i) => `${row.split(',')[1]},${i},${row.split(',')[0]}`).join('\n')}`
    for (const source of [{ path: await fileOf(text) }, { path: 'standard input', bytes: Readable.from([Buffer.from(text)]) }]) {
      const { rows: found, sizes } = await taken(source, table)
      expect(found).toEqual(inputsOf(train))
      expect(sizes).toEqual([INPUT_BATCH, INPUT_BATCH, 7])
    }
  })

  it('may have a single column', async () => {
    const single: Model = { ...table, input: { kind: 'table', label: 'outcome', columns: [{ kind: 'numeric', name: 'age', mean: 40, stdDev: 10 }] } }
    const found: number[] = []
    await readInputs({ path: await fileOf('age\n50\n30\n') }, single, ({ inputs, count }) => {
      found.push(...inputs.subarray(0, count))
      return undefined
    })
    expect(found).toEqual([1, -1])
  })

  it.each([
    ['a bad number', 'age,colour\n1,red\nx,red\n', /line 3, column "age": "x" is not a number/],
    ['a missing column', 'age,color\n1,red\n', /has no column "colour", which the federation takes as an input; it has "age", "color" \(is it "color"\?\)/],
    ['a short row', 'age,colour\n1,red\n1\n', /line 3: 1 fields where the header has 2 columns/],
    ['no row', 'age,colour\n', /has a header but no rows/],
    ['nothing', '', /is empty/]
  ])('are refused with their place: %s', async (_, text, message) => {
    const failing = taken({ path: await fileOf(text) }, table)
    await expect(failing).rejects.toThrow(DatasetError)
    await expect(failing).rejects.toThrow(message)
  })

  it('wait for whoever takes them: no more is read than a piece ahead', async () => {
    let given = 0
    let open = 0
    let most = 0
    const pieces = Readable.from((function * () {
      yield 'age,colour\n'
      for (; given < 40; given++) {
        yield '1,red\n'.repeat(INPUT_BATCH)
      }
    })(), { objectMode: true, highWaterMark: 1 })
    const release: Array<() => void> = []
    const reading = readInputs({ path: 'rows', bytes: pieces }, table, () => {
      most = Math.max(most, ++open)
      return new Promise<void>((resolve) => { release.push(() => { open--; resolve() }) })
    })
    // nothing is let go: the reader stands still after a few pieces, however long it is given
    for (let turn = 0; turn < 200; turn++) {
      await new Promise(setImmediate)
    }
    // a table's dialect is judged by its first 64 KiB, eleven of these pieces
    expect(given).toBeLessThan(14)
    expect(most).toBeLessThan(5)
    const letGo = setInterval(() => { release.splice(0).forEach((go) => { go() }) })
    expect(await reading.finally(() => { clearInterval(letGo) })).toBe(40 * INPUT_BATCH)
    expect(most).toBeLessThan(5)
  })

  it.each([['at once', (): undefined => { throw new TypeError('mine') }], ['later', async (): Promise<void> => Promise.reject(new Error('mine'))]])('end with what their taker throws %s, as it is', async (_, take) => {
    await expect(readInputs({ path: await fileOf(`age,colour\n${'1,red\n'.repeat(50_000)}`) }, table, take)).rejects.toThrow(/^mine$/)
    await expect(readInputs({ path: await fileOf(idx(2, new Uint8Array(12))) }, images, take)).rejects.toThrow(/^mine$/)
  })
})

describe('images of an IDX file', () => {
  const count = INPUT_BATCH + 3
  const pixels = Uint8Array.from({ length: 6 * count }, (_, i) => i * 7 % 256)

  it.each([['plain', (bytes: Buffer): Uint8Array => bytes], ['gzip', (bytes: Buffer): Uint8Array => gzipSync(bytes)]])('become the numbers that training sees: %s', async (_, packed) => {
    const { rows, sizes } = await taken({ path: await fileOf(packed(idx(count, pixels))) }, images)
    expect(sizes).toEqual([INPUT_BATCH, 3])
    expect(rows.flat()).toEqual([...pixels].map((pixel) => Math.fround((pixel / 255 - 0.5) / 0.25)))
  })

  it('are refused when they do not fit, or are cut short', async () => {
    await expect(taken({ path: await fileOf(idx(count, pixels.subarray(1))) }, images)).rejects.toThrow(/cut short/)
    await expect(taken({ path: await fileOf(idx(count, pixels)) }, { ...images, input: { kind: 'image', shape: [3, 2, 1], mean: 0, stdDev: 1 } })).rejects.toThrow(/2 x 3 x 1 do not fit/)
    await expect(taken({ path: 'standard input', bytes: Readable.from([]) }, images)).rejects.toThrow(/takes images; give an IDX file/)
  })
})

it('a source that is not there, or a folder, is said so', async () => {
  const folder = await temporaryFolder()
  await expect(taken({ path: join(folder, 'none.csv') }, table)).rejects.toThrow(/none\.csv does not exist; check the path/)
  await mkdir(join(folder, 'sub'))
  await expect(taken({ path: join(folder, 'sub') }, images)).rejects.toThrow(/sub has no pictures; give a folder of PNG or JPEG files/)
  await rm(folder, { recursive: true })
})

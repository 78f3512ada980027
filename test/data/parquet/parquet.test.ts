/**
 * Parquet files, against known answers written by pyarrow 25
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { DatasetError } from '../../../src/errors.ts'
import { checkDataset, countExamples, inferInput, loadDataset } from '../../../src/data/data-formats.ts'
import { requirePages } from '../../../src/data/parquet/parquet-pages.ts'
import { decoderOf } from '../../../src/data/parquet/parquet-table.ts'
import { readTable } from '../../../src/data/table-file.ts'
import { folderOf } from '../pictures/write-pictures.ts'
import { temporaryFolder } from '../write-idx.ts'
import known from './known-tables.json' with { type: 'json' }
import type { Examples, Model } from '../../../src/data/examples.ts'

function bytes (base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}

async function written (content: Uint8Array, name = 'table.parquet'): Promise<string> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, content)
  return path
}

async function rowsOf (path: string): Promise<{ columns: readonly string[], rows: string[][] }> {
  let columns: readonly string[] = []
  const rows: string[][] = []
  const count = await readTable(path, (names) => {
    columns = names
    return (row) => { rows.push([...row.texts()]) }
  })
  expect(count).toBe(rows.length)
  return { columns, rows }
}

function inputsOf (examples: Examples): number[][] {
  return Array.from({ length: examples.count }, (_, i) => {
    const out = new Float32Array(examples.featureCount)
    examples.writeInputs(i, out, 0)
    return [examples.labels[i]!, ...out]
  })
}

describe('a Parquet file', () => {
  it.each(Object.entries(known.files).filter(([name]) => name !== 'delta'))('written with %s has the cells that its writer meant, in several row groups', async (_, file) => {
    expect(await rowsOf(await written(bytes(file)))).toEqual({ columns: known.columns, rows: known.rows })
  })

  it('with delta encodings has the same', async () => {
    const { columns, rows } = await rowsOf(await written(bytes(known.files.delta)))
    expect(rows).toEqual(known.rows.map((row) => columns.map((name) => row[known.columns.indexOf(name)])))
  })

  it('is treated exactly as the CSV file of the same table: document, examples, fingerprints', async () => {
    const parquet = { kind: 'parquet', file: await written(bytes(known.patients)) } as const
    const csv = { kind: 'csv', file: await written(Buffer.from(known.csv), 'table.csv') } as const
    const inferred = await inferInput(parquet)
    const { schema, ...told } = await inferInput(csv)
    const { format, ...columns } = schema!
    expect(inferred).toEqual({ ...told, schema: columns })
    expect(format).toMatchObject({ separator: ',', decimal: 'point' })
    const model: Model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: inferred.input, labels: inferred.labels }
    await checkDataset(parquet, model)
    const [a, b] = [await loadDataset(parquet, model), await loadDataset(csv, model)]
    expect(inputsOf(a.train)).toEqual(inputsOf(b.train))
    expect(inputsOf(a.test)).toEqual(inputsOf(b.test))
    expect(a.train.recordDigests).toEqual(b.train.recordDigests)
    expect(await countExamples(parquet, model)).toBe(a.train.count)
  })

  it('is known by its first bytes, whatever it is called', async () => {
    expect((await rowsOf(await written(bytes(known.patients), 'table.data'))).rows).toHaveLength(120)
  })

  it('stops where the reader has enough', async () => {
    let seen = 0
    await readTable(await written(bytes(known.patients)), () => () => ++seen < 60)
    expect(seen).toBe(60)
  })
})

describe('a folder of Parquet files', () => {
  it('is one table, in the order of the names, whatever else lies there', async () => {
    const folder = await folderOf({ 'part-1.parquet': bytes(known.patients), 'part-0.parquet': bytes(known.patients), _SUCCESS: '', '.part-0.parquet.crc': 'x' })
    expect((await rowsOf(folder)).rows).toHaveLength(240)
  })

  it('is refused when its files are of several tables, cut by a column, or none', async () => {
    await expect(rowsOf(await folderOf({ 'a.parquet': bytes(known.patients), 'b.parquet': bytes(known.files.none) }))).rejects.toThrow(/b\.parquet has the columns .*, but the first file of the folder has "age", "ward", "label"/)
    await expect(rowsOf(await folderOf({ 'ward=a/x.parquet': bytes(known.patients) }))).rejects.toThrow('has the folder ward=a in it')
    await expect(rowsOf(await folderOf({ 'a.txt': 'x' }))).rejects.toThrow('is a folder, not a file')
  })
})

describe('values that share their beginnings', () => {
  it.each(Object.entries(known.prefixes))('are read (%s), and refused where they make more than memory should hold', async (_, base64) => {
    const file = bytes(base64)
    const { rows } = await rowsOf(await written(file))
    expect(rows.map(([, word]) => word)).toEqual(Array.from({ length: 200 }, (__, i) => i % 10 === 0 ? '' : `${'p'.repeat(1_000)}${i % 2 === 1 ? 'x' : 'y'}`))

    const metadata = parquetMetadata(file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer)
    const chunk = metadata.row_groups[0]!.columns[1]!.meta_data!
    const from = Number(chunk.data_page_offset)
    const pages = Uint8Array.from(file.subarray(from, from + Number(chunk.total_compressed_size))).buffer
    // 179 of 180 values have 1,000 bytes and more of the one before
    expect(() => { requirePages('f', '"word"', pages, { rows: 200, decoder: decoderOf(metadata, chunk), mostBytes: 190_000 }) }).not.toThrow()
    expect(() => { requirePages('f', '"word"', pages, { rows: 200, decoder: decoderOf(metadata, chunk), mostBytes: 170_000 }) }).toThrow('f, column "word": its pages hold more than 170000 bytes in one group of rows')
  })
})

describe('a hostile Parquet file', () => {
  const whole = bytes(known.patients)
  const length = whole.readUInt32LE(whole.length - 8)

  it.each([
    ['nested columns', bytes(known.nested), /has nested columns "a", "s" \(lists, structures or maps\)/],
    ['raw bytes', bytes(known.raw), /has the column "scan" of raw bytes/],
    ['no rows', bytes(known.empty), /has no rows/],
    ['nothing', Buffer.alloc(0), /is cut short, or no Parquet file/],
    ['its end cut off', whole.subarray(0, -20), /is cut short, or no Parquet file/],
    ['its beginning cut off', whole.subarray(200), /damaged|there can be|is not where/],
    ['encryption', Buffer.concat([whole.subarray(0, -4), Buffer.from('PARE')]), /is an encrypted Parquet file/],
    ['metadata longer than the file', Buffer.concat([whole.subarray(0, -8), Buffer.from([0xff, 0xff, 0xff, 3]), Buffer.from('PAR1')]), /announces 67108863 bytes of metadata/],
    ['metadata of 4 GB', Buffer.concat([whole.subarray(0, -8), Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from('PAR1')]), /announces 4294967295 bytes of metadata/],
    ['metadata of zeros', Buffer.concat([whole.subarray(0, -8 - length), Buffer.alloc(length), whole.subarray(-8)]), /damaged|has 0 columns/],
    ['pages of zeros', Buffer.concat([whole.subarray(0, 4), Buffer.alloc(whole.length - length - 12), whole.subarray(-8 - length)]), /damaged|values|page/]
  ])('with %s is refused in one line', async (_, content, why) => {
    const error = await rowsOf(await written(content)).then(() => undefined, (err: unknown) => err)
    expect(error).toBeInstanceOf(DatasetError)
    expect((error as Error).message).toMatch(why)
    expect((error as Error).message).not.toContain('\n')
  })

  it('of any damage ends in rows or in one line, soon, and in bounded memory', async () => {
    const path = await written(whole)
    let seed = 1
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return Math.floor(seed / 2 ** 32 * below)
    }
    const before = process.memoryUsage().rss
    for (const source of [whole, bytes(known.files['data page 2']), bytes(known.files.gzip)]) {
      for (let i = 0; i < 60; i++) {
        const copy = Buffer.from(source)
        copy[4 + random(copy.length - 12)] = random(256)
        copy[4 + random(copy.length - 12)] = random(256)
        await writeFile(path, copy)
        const error = await rowsOf(path).then(() => undefined, (err: unknown) => err)
        expect(error === undefined || error instanceof DatasetError, String(error)).toBe(true)
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(600e6)
  })
})

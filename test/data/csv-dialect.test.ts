import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { describeFormat } from '../../src/data/csv-dialect.ts'
import { readCsv } from '../../src/data/csv.ts'
import { inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { DatasetError } from '../../src/errors.ts'
import { temporaryFolder } from './write-idx.ts'
import type { CsvFormat } from '../../src/data/csv-dialect.ts'
import type { CsvOptions } from '../../src/data/csv.ts'

async function fileOf (content: string | Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(), 'data.csv')
  await writeFile(file, content)
  return file
}

interface Read {
  format: string
  columns: readonly string[]
  rows: string[][]
}

async function read (content: string | Uint8Array, options: CsvOptions = {}): Promise<Read> {
  const found: Read = { format: '', columns: [], rows: [] }
  await readCsv(await fileOf(content), (columns, format: CsvFormat) => {
    Object.assign(found, { columns, format: describeFormat(format) })
    return (fields) => { found.rows.push([...fields]) }
  }, options)
  return found
}

async function refusal (content: string | Uint8Array, options: CsvOptions = {}): Promise<string> {
  const err = await read(content, options).then(() => undefined, (reason: unknown) => reason)
  expect(err).toBeInstanceOf(DatasetError)
  const { message } = err as Error
  expect(message).not.toMatch(/[\n\r\0]/)
  expect(message.length).toBeLessThan(700)
  return message
}

const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')

describe('How a table is written is found in its beginning', () => {
  it.each<[string, string | Uint8Array, string, string[][]]>([
    ['commas', 'a,b\n1.5,x\n', 'separator ","', [['1.5', 'x']]],
    ['semicolons and decimal commas', 'a;b\n1,5;x\n2,25;y\n', 'separator ";", decimal comma', [['1,5', 'x'], ['2,25', 'y']]],
    ['semicolons and decimal points', 'a;b\n1.5;x\n', 'separator ";"', [['1.5', 'x']]],
    ['tabs, with commas in texts', 'a\tb\n1.5\tx, y\n', 'separator tab', [['1.5', 'x, y']]],
    ['bars', 'a|b\n1|x;y\n', 'separator "|"', [['1', 'x;y']]],
    ['a header with commas in quotes', '"weight, kg";"height, cm"\n70,5;175\n', 'separator ";", decimal comma', [['70,5', '175']]],
    ['a header with commas that are not quoted', 'weight, kg;height, cm;label\n70,5;1,75;x\n80,5;1,85;y\n', 'separator ";", decimal comma', [['70,5', '1,75', 'x'], ['80,5', '1,85', 'y']]],
    ['a header with semicolons in quotes', '"a;b;c",d\n1,2\n', 'separator ","', [['1', '2']]],
    ['quoted decimal commas between commas', 'a,b\n"1,5","2,25"\n', 'separator ",", decimal comma', [['1,5', '2,25']]],
    ['Excel\'s own first line', 'sep=;\r\na;b\r\n1;2\r\n', 'separator ";"', [['1', '2']]],
    ['UTF-16LE', utf16('näme\tb\r\n1\tß\r\n'), 'separator tab, UTF-16LE', [['1', 'ß']]],
    ['UTF-16BE', utf16('näme;b\n1,5;\ud83d\ude00\n').swap16(), 'separator ";", decimal comma, UTF-16BE', [['1,5', '\ud83d\ude00']]],
    ['gzip', gzipSync('a;b\n1,5;x\n'), 'separator ";", decimal comma, gzip', [['1,5', 'x']]],
    ['gzip in two parts', Buffer.concat([gzipSync('a,b\n1,'), gzipSync('x\n')]), 'separator ",", gzip', [['1', 'x']]],
    ['line ends of all kinds', 'a,b\r\n1,x\n2,y\r3,z', 'separator ","', [['1', 'x'], ['2', 'y'], ['3', 'z']]]
  ])('%s', async (_, content, format, rows) => {
    expect(await read(content)).toMatchObject({ format, rows })
  })

  it('unless it is said', async () => {
    expect(await read('a,x;b\n1,2;3\n', { separator: ';', decimal: 'comma' })).toMatchObject({ format: 'separator ";", decimal comma', columns: ['a,x', 'b'], rows: [['1,2', '3']] })
  })

  it('in a text that is longer than a piece, with characters across its ends', async () => {
    const rows = Array.from({ length: 12_000 }, (_, i) => `${i};ä€😀\n`)
    const read16 = await read(utf16(`a;b\n${rows.join('')}`))
    const read8 = await read(`a;b\n${rows.join('')}`)
    expect(read8.rows).toHaveLength(12_000)
    expect(read8.rows.every(([i, text], at) => i === String(at) && text === 'ä€😀')).toBe(true)
    expect(read16.rows).toEqual(read8.rows)
  })
})

describe('Decimal commas', () => {
  const table = (mark: string, separator: string): string => ['x', 'y', 'label'].join(separator) + '\n' +
    Array.from({ length: 60 }, (_, i) => [`${i}${mark}5`, `-${mark}${i}`, i % 2 === 0 ? 'a' : 'b'].join(separator)).join('\n')

  it('make the same document, the same examples and the same digests as points', async () => {
    const [comma, point] = await Promise.all([table(',', ';'), table('.', ',')].map(fileOf))
    const inferred = await inferInput({ kind: 'csv', file: comma! })
    const { schema, ...rest } = await inferInput({ kind: 'csv', file: point! })
    expect(inferred).toMatchObject(rest)
    expect(inferred.schema?.format).toMatchObject({ separator: ';', decimal: 'comma' })
    expect(schema?.format).toMatchObject({ separator: ',', decimal: 'point' })
    const model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy' as const, input: rest.input, labels: rest.labels }
    const [a, b] = await Promise.all([comma!, point!].map(async (file) => loadDataset({ kind: 'csv', file }, model)))
    expect(a!.train.recordDigests).toEqual(b!.train.recordDigests)
    const inputs = [a!, b!].map(({ train }) => Array.from({ length: train.count }, (_, i) => {
      const out = new Float32Array(2)
      train.writeInputs(i, out, 0)
      return [...out]
    }))
    expect(inputs[0]).toEqual(inputs[1])
    await expect(loadDataset({ kind: 'csv', file: comma!, decimal: 'point' }, model)).rejects.toThrow(/line 2, column "x": "0,5" is not a number \(if that is a decimal comma: --decimal comma\); correct it/)
  })

  it('are not guessed where they may stand between thousands', async () => {
    const file = await fileOf('x;label\n1,234;a\n2,500;b\n')
    const { schema } = await inferInput({ kind: 'csv', file }, { columns: new Map([['x', 'categorical']]), rareRows: 1 })
    expect(schema?.format).toMatchObject({ decimal: 'point', doubtful: '1,234' })
    const said = await inferInput({ kind: 'csv', file, decimal: 'comma' })
    expect(said.schema?.format).toEqual({ separator: ';', decimal: 'comma', declared: false, encoding: 'UTF-8', gzip: false })
    expect(said.input).toMatchObject({ columns: [{ kind: 'numeric', mean: 1.867 }] })
  })

  it.each<[string, string, string | undefined]>([
    ['whole numbers, semicolons', 'x;label\n1.234;a\n950;b\n2.500;a\n', '1.234'],
    ['whole numbers, commas', 'x,label\n1.234,a\n950,b\n2.500,a\n', undefined],
    ['decimals, semicolons', 'x;label\n1.234;a\n9.5;b\n2.500;a\n', undefined],
    ['decimal commas', 'x;label\n1.234;a\n9,5;b\n', undefined]
  ])('points are doubtful only where they may stand between thousands: beside %s', async (_, text, doubtful) => {
    const { schema } = await inferInput({ kind: 'csv', file: await fileOf(text) }, { columns: new Map([['x', 'categorical']]), rareRows: 1 })
    expect(schema?.format?.doubtful).toBe(doubtful)
  })

  it('and a point is not, where it was said to be one', async () => {
    const { schema } = await inferInput({ kind: 'csv', file: await fileOf('x;label\n1.234;a\n950;b\n'), decimal: 'point' })
    expect(schema?.format?.doubtful).toBeUndefined()
  })
})

/** Of a table with two columns, each a refusal of one line */
const HOSTILE: ReadonlyArray<readonly [string, () => string | Uint8Array, RegExp]> = [
  ['gzip cut off', () => gzipSync('a,b\n' + '1,2\n'.repeat(1000)).subarray(0, -12), /ends in the middle of its gzip data/],
  ['gzip with a wrong byte', () => damaged(gzipSync('a,b\n' + Array.from({ length: 5000 }, (_, i) => `${i},${i * i}\n`).join(''))), /has damaged gzip data|ends in the middle|line \d+/],
  ['gzip in gzip', () => gzipSync(gzipSync('a,b\n1,2\n')), /compressed by gzip twice/],
  ['a gzip bomb of zeros', () => gzipSync(Buffer.alloc(50_000_000), { level: 1 }), /line 1: a zero byte/],
  ['a gzip bomb of one long row', () => gzipSync(Buffer.concat([Buffer.from('a,b\n'), Buffer.alloc(20_000_000, 0x31)]), { level: 1 }), /line 2: the row is longer than 1048576 characters/],
  ['an unclosed quote before 20 MB', () => `a,b\n1,"${'x\n'.repeat(10_000_000)}`, /line 2: the row is longer than 1048576 characters: was a quote never closed\?/],
  ['10^6 columns', () => Array.from({ length: 1_000_000 }, (_, i) => i).join(',') + '\n', /line 1: the row is longer than/],
  ['100,000 columns of the same name', () => 'x,'.repeat(100_000) + '\n1\n', /two columns named "x"/],
  ['an Excel workbook', () => Buffer.from('PK\x03\x04\x14\0\x06\0[Content_Types].xml', 'latin1'), /is an Excel workbook/],
  ['an old Excel workbook', () => Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0', 'latin1'), /is an old Excel workbook/],
  ['a Parquet file', () => Buffer.from('PAR1\x15\x04', 'latin1'), /is a Parquet file/],
  ['an SQLite database', () => Buffer.from('SQLite format 3\0\x10\0', 'latin1'), /is an SQLite database/],
  ['a PNG within gzip', () => gzipSync(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')), /is a PNG picture, within gzip/],
  ['a web page', () => '\n<!DOCTYPE html><html>', /is a web page/],
  ['JSON', () => '[{"a":1,"b":2}]', /is a JSON file/],
  ['UTF-32', () => Buffer.from('\xff\xfe\0\0a\0\0\0', 'latin1'), /text in UTF-32/],
  ['Windows-1252', () => Buffer.from('name,b\nBob,1\nMüller,2\n', 'latin1'), /line 3: byte 0xfc \("Müller,2" in Windows-1252\) is not UTF-8/],
  ['UTF-8 cut off in a character', () => Buffer.from('a,b\n1,ü').subarray(0, -1), /line 2: byte 0xc3/],
  ['UTF-16 with an odd byte', () => utf16('a,b\n1,2\n').subarray(0, -1), /line \d+: the file ends in the middle of a character of UTF-16LE/],
  ['UTF-16 with half a pair', () => utf16('a,b\n1,\ud800x\n'), /line 2: half a character of UTF-16LE/],
  ['UTF-16 without a mark', () => Buffer.from('a,b\n1,2\n', 'utf16le'), /line 1: a zero byte.*UTF-16 without a byte order mark/],
  ['zero bytes after good rows', () => 'a,b\n1,2\n' + '\0'.repeat(100), /line 3: a zero byte/],
  ['a row that is too short', () => 'a,b\n1,2\n1\n', /line 3: 1 fields where the header has 2 columns/],
  ['a row that is too long', () => 'a;b\n1;2;3\n', /line 2: 3 fields .* quote fields that contain semicolons/],
  ['decimal commas between commas', () => 'a,b,c\n1,5,2,5,3,5\n', /6 fields .* separate columns with semicolons where numbers have decimal commas/],
  ['a header alone', () => 'a;b\n', /has a header but no rows/],
  ['nothing', () => '', /is empty/],
  ['blank lines alone', () => '\n \r\n\r\r', /is empty/],
  ['a byte order mark alone', () => '\ufeff', /is empty/],
  ['two columns of one name', () => 'a;b;a\n1;2;3\n', /two columns named "a"/],
  ['a field of 2 MB', () => `a,b\n1,${'x'.repeat(2_000_000)}\n`, /line 2: the row is longer than/],
  ['one column', () => 'a\n1\n', /has one column only, "a"/]
]

function damaged (bytes: Buffer): Buffer {
  const middle = Math.floor(bytes.length / 2)
  bytes.fill(0xff, middle, middle + 8)
  return bytes
}

describe('What is no table is refused in one line', () => {
  it.each(HOSTILE)('%s', async (_, content, message) => {
    expect(await refusal(content())).toMatch(message)
  })

  it('and what was refused half way leaves no file open and no memory taken', async () => {
    const bomb = gzipSync(`a,b\n${`${' '.repeat(65_535)}\n`.repeat(600)}`, { level: 1 })
    const before = process.memoryUsage.rss()
    expect(await refusal(bomb)).toMatch(/has a header but no rows/)
    expect(process.memoryUsage.rss() - before).toBeLessThan(60_000_000)
  })
})

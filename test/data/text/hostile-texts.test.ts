/**
 * What a stranger's folder or table may hold in the place of texts: each is refused in one line that names it
 */
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { printable } from '../../../src/quoted.ts'
import { inferInput, loadDataset } from '../../../src/data/data-formats.ts'
import { MAX_TEXT_BYTES } from '../../../src/data/text/text-file.ts'
import { readInputs } from '../../../src/data/input-formats.ts'
import { fileWith, folderWith, textModel } from './write-texts.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

async function refusal (work: Promise<unknown>): Promise<string> {
  const message = await work.then(() => 'nothing was refused', (err: unknown) => {
    expect((err as Error).name).toBe('DatasetError')
    return (err as Error).message
  })
  expect(printable(message)).toBe(message)
  return message
}

const good = { 'good/1.txt': 'fine', 'good/2.txt': 'lovely', 'bad/1.txt': 'dull', 'bad/2.txt': 'dreary' }
const load = async (path: string): Promise<string> => refusal(loadDataset({ kind: 'text', path }, textModel()))

describe('a file in a class\'s folder', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['Latin-1', Buffer.from('one\nna\xefve', 'latin1'), /3\.txt, line 2: byte 0xef \("na\u00efve" in Windows-1252\) is not UTF-8/],
    ['UTF-8 that is cut off', Buffer.from('na\u00efve').subarray(0, 3), /3\.txt, line 1: byte 0xc3/],
    ['half a character of UTF-16', Buffer.from('fffe41003dd8', 'hex'), /3\.txt, line 1: .*middle of a character of UTF-16LE/],
    ['UTF-16 without a mark', Buffer.from('fine', 'utf16le'), /3\.txt, line 1: a zero byte, which no text has/],
    ['a zero byte', 'one\ntwo\0', /3\.txt, line 2: a zero byte/],
    ['a picture', PNG, /3\.txt is a PNG picture, whatever its name says: save it as plain text in UTF-8/],
    ['a document of a word processor', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(20, 0xff)]), /3\.txt is an Excel workbook \(\.xlsx\) or another ZIP archive/],
    ['gzip', gzipSync('fine'), /3\.txt is compressed by gzip/],
    ['a program', Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1'), /3\.txt is a program/],
    ['a PDF of letters alone', '%PDF-1.4\n1 0 obj', /3\.txt is a PDF document/],
    ['rich text', '{\\rtf1\\ansi fine}', /3\.txt is an RTF document/],
    ['text in UTF-32', Buffer.from('fffe000041000000', 'hex'), /3\.txt is text in UTF-32/],
    ['more than a text has', Buffer.alloc(MAX_TEXT_BYTES + 1, 'a'), /3\.txt has 4194305 bytes or more, and a text has at most 4194304; cut it into parts/]
  ])('may be no %s', async (_, content, problem) => {
    expect(await load(await folderWith({ ...good, 'good/3.txt': content, 'good/4.txt': content }))).toMatch(problem)
  })

  it('has a name of a text', async () => {
    expect(await load(await folderWith({ ...good, 'good/3.docx': PNG }))).toMatch(/3\.docx is no text by its name \(\.txt\); convert it, or remove it/)
  })

  it('with a name that steers a terminal is named without that', async () => {
    expect(await load(await folderWith({ ...good, 'good/\u001b[2J\u202e.txt': '\0' }))).toMatch(/\ufffd\[2J\ufffd\.txt, line 1: a zero byte/)
  })

  it('may begin with the letters of another format where it is text', async () => {
    const folder = await folderWith({ ...good, 'good/3.txt': 'ORC armies and BZh', 'bad/3.txt': '<html>dull', 'bad/4.txt': '{"a": 1}' })
    expect((await loadDataset({ kind: 'text', path: folder }, textModel())).train.count).toBe(6)
  })

  it('of UTF-16 with a mark is the same text', async () => {
    const folder = await folderWith({ ...good, 'good/1.txt': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('fine', 'utf16le')]) })
    const digests = async (path: string): Promise<string[]> => {
      const { recordDigests } = (await loadDataset({ kind: 'text', path, testFile: path }, textModel())).train
      return [Buffer.from(recordDigests!).toString('hex')]
    }
    expect(await digests(folder)).toEqual(await digests(await folderWith(good)))
  })
})

describe('a folder or table', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    ['that is not there', async () => '/nowhere/at/all', /\/nowhere\/at\/all does not exist; check the path/],
    ['without sub-folders', async () => folderWith({ '1.txt': 'fine' }), /has no sub-folders: give a folder with one sub-folder of \.txt files for each class, or a table/],
    ['with a class that nobody knows', async () => folderWith({ ...good, 'God/1.txt': 'x' }), /has a class "God" that the federation does not know: its classes are "bad", "good" \(is it "good"\?\)/],
    ['without texts', async () => folderWith({ 'good/.keep': '', 'bad/.keep': '' }), /has 0 texts to train and to test: too few/],
    ['of Latin-1', async () => fileWith('a.csv', Buffer.from('text,label\nna\xefve,good\n', 'latin1')), /a\.csv, line 2: byte 0xef/],
    ['with a quote that is never closed', async () => fileWith('a.csv', `text,label\n"${'a'.repeat(1_100_000)}`), /a\.csv, line \d+: /],
    ['that is a workbook', async () => fileWith('a.csv', Buffer.from('PK\x03\x04')), /is an Excel workbook/],
    ['with one column', async () => fileWith('a.csv', 'text\nfine\n'), /has one column only/],
    ['of nothing', async () => fileWith('a.csv', ''), /is empty/]
  ])('%s is refused', async (_, path, problem) => {
    expect(await load(await path())).toMatch(problem)
  })

  it('with one class founds nothing', async () => {
    expect(await refusal(inferInput({ kind: 'text', path: await folderWith({ 'good/1.txt': 'fine' }) }))).toMatch(/has one class only, "good"; there is nothing to tell apart/)
  })
})

describe('texts to predict', () => {
  const taken = async (source: Parameters<typeof readInputs>[0], input = {}): Promise<Array<{ inputs: number[][], names?: readonly string[] }>> => {
    const batches: Array<{ inputs: number[][], names?: readonly string[] }> = []
    const model = textModel({ length: 5, ...input })
    const count = await readInputs(source, model, (batch) => {
      batches.push({ inputs: Array.from({ length: batch.count }, (_, i) => [...batch.inputs.subarray(5 * i, 5 * i + 5)]), ...(batch.names === undefined ? {} : { names: batch.names }) })
      return undefined
    })
    expect(batches.reduce((sum, { inputs }) => sum + inputs.length, 0)).toBe(count)
    return batches
  }
  const tokens = (text: string): number[] => [...Buffer.from(text.padEnd(5, '\0')).subarray(0, 5)].map((byte) => byte === 0 ? 0 : byte + 1)

  it('come from a folder, with their names', async () => {
    const folder = await folderWith({ 'b.txt': 'fine\n', 'a/c.txt': 'dull', 'a/readme.md': 'x' })
    expect(await taken({ path: folder })).toEqual([{ inputs: [tokens('dull'), tokens('fine')], names: ['a/c.txt', 'b.txt'] }])
  })

  it('come from one file, whatever its name is, and from standard input, as one text', async () => {
    const file = await fileWith('note', 'so\nfine\n')
    expect(await taken({ path: file })).toEqual([{ inputs: [tokens('so\nfi')], names: [file] }])
    expect(await taken({ path: 'standard input', bytes: Readable.from([Buffer.from('so\nf'), Buffer.from('ine')]) })).toEqual([{ inputs: [tokens('so\nfi')] }])
  })

  it('come from a table, by its column of texts alone, in batches', async () => {
    const file = await fileWith('new.csv', `id,text\n${Array.from({ length: 1500 }, (_, i) => `${i},t${i}`).join('\n')}\n`)
    const batches = await taken({ path: file })
    expect(batches.map(({ inputs }) => inputs.length)).toEqual([1024, 476])
    expect(batches.flatMap(({ inputs }) => inputs)).toEqual(Array.from({ length: 1500 }, (_, i) => tokens(`t${i}`)))
    expect((await taken({ path: await fileWith('one.tsv', 'text\nfine\n\n') })).map(({ inputs }) => inputs)).toEqual([[tokens('fine')]])
  })

  it('that are none are refused', async () => {
    expect(await refusal(taken({ path: 'standard input', bytes: Readable.from([PNG]) }))).toBe('standard input is a PNG picture, whatever its name says: save it as plain text in UTF-8, or remove it')
    expect(await refusal(taken({ path: 'standard input', bytes: Readable.from([Buffer.alloc(MAX_TEXT_BYTES), Buffer.alloc(2)]) }))).toMatch(/^standard input has 4194306 bytes or more/)
    expect(await refusal(taken({ path: await folderWith({ 'a.md': 'x' }) }))).toMatch(/has no texts; give a folder of \.txt files/)
    expect(await refusal(taken({ path: await fileWith('a.csv', 'review\nfine\n') }))).toMatch(/has no column "text"/)
  })
})

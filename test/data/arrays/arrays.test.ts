/**
 * NumPy's arrays, against known answers written by NumPy 2.4
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DatasetError } from '../../../src/errors.ts'
import { readArray } from '../../../src/data/arrays/array-files.ts'
import { checkDataset, countExamples, inferInput, loadDataset } from '../../../src/data/data-formats.ts'
import { folderOf } from '../pictures/write-pictures.ts'
import { temporaryFolder } from '../write-idx.ts'
import known from './known-arrays.json' with { type: 'json' }
import type { Examples, Model } from '../../../src/data/examples.ts'
import type { DatasetSource } from '../../../src/interface.ts'

function bytes (base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}

async function written (name: string, content: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, content)
  return path
}

async function npz (base64: string): Promise<DatasetSource> {
  return { kind: 'npy', path: await written('set.npz', bytes(base64)) }
}

function inputsOf (examples: Examples): number[][] {
  return Array.from({ length: examples.count }, (_, i) => {
    const out = new Float32Array(examples.featureCount)
    examples.writeInputs(i, out, 0)
    return [examples.labels[i]!, ...out]
  })
}

const pictures: Model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'image', shape: [4, 3, 1], mean: 0, stdDev: 1 }, labels: ['0', '1', '2'] }
const samples = bytes(known.images.x)

function picture (index: number): number[] {
  return [index % 3, ...Array.from(samples.subarray(12 * index, 12 * (index + 1)), (sample) => Math.fround(sample / 255))]
}

describe('a NPY file', () => {
  it.each(known.arrays.map((array) => [array.name, array] as const))('of %s is read as NumPy wrote it', async (_, { file, rows }) => {
    const array = await readArray(await written('x.npy', bytes(file)))
    expect(Array.from({ length: array.rows }, (_, row) => Array.from({ length: array.width }, (_, at) => array.text(row, at)))).toEqual(rows)
  })

  it.each([
    ['objects', /holds Python objects, which are stored as a program \(pickle\) and not read/],
    ['records', /holds records/],
    ['complex', /holds complex numbers/],
    ['dates', /holds dates/],
    ['longdouble', /holds elements of type "f16"/]
  ] as const)('of %s is refused by name', async (name, why) => {
    await expect(readArray(await written('x.npy', bytes(known.refused[name])))).rejects.toThrow(why)
  })
})

describe('pictures in arrays', () => {
  it('are those of x_train and x_test of Keras, bit for bit', async () => {
    const { train, test } = await loadDataset(await npz(known.images.keras), pictures)
    expect(inputsOf(train)).toEqual(Array.from({ length: 9 }, (_, i) => picture(i)))
    expect(inputsOf(test)).toEqual([9, 10, 11].map(picture))
  })

  it('may be compressed, with labels in a column, as MedMNIST has them', async () => {
    const source = await npz(known.images.medmnist)
    expect(inputsOf((await loadDataset(source, pictures)).train)).toEqual(Array.from({ length: 9 }, (_, i) => picture(i)))
    expect(await countExamples(source, pictures)).toBe(9)
    expect(await inferInput(source)).toEqual({ input: { kind: 'image', shape: [4, 3, 1], mean: 0.5, stdDev: 0.25, resize: 'bilinear' }, labels: ['0', '1', '2'] })
  })

  it('are the same in Fortran order, and split into parts and a test', async () => {
    const source = await npz(known.images.fortran)
    const parts = await Promise.all([0, 1].map(async (index) => loadDataset(source, pictures, { index, count: 2, strategy: 'iid', seed: 1 })))
    const all = [...parts.flatMap(({ train }) => inputsOf(train)), ...inputsOf(parts[0]!.test)]
    expect(all.map(String).sort()).toEqual(Array.from({ length: 12 }, (_, i) => String(picture(i))).sort())
  })

  it('keep 16 bits, of either byte order, and labels of text', async () => {
    const source = await npz(known.images.deep)
    const { input, labels } = await inferInput(source)
    expect(input).toMatchObject({ bits: 16 })
    expect(labels).toEqual(['cat', 'dog', 'owl'])
    const { train } = await loadDataset(source, { ...pictures, input: { ...pictures.input, bits: 16 } as Model['input'], labels })
    const expected = new Set(Array.from({ length: 12 }, (_, i) => String([i % 3, ...Array.from(samples.subarray(12 * i, 12 * i + 12), (sample) => Math.fround(251 * sample / 65_535))])))
    expect(inputsOf(train).every((row) => expected.has(String(row)))).toBe(true)
  })

  it.each([
    ['fractions where bytes are needed', known.floats, /holds elements of type f64, but samples of pictures are uint8 or uint16/],
    ['a column for each class', known.onehot, /has the shape \(12, 3\), but one label for each example is needed: give class numbers/],
    ['too few labels', known.short, /has 5 labels for 12 examples/]
  ])('are refused with %s', async (_, file, why) => {
    await expect(loadDataset(await npz(file), pictures)).rejects.toThrow(why)
  })

  it('are refused in another size, and where the document does not know a class', async () => {
    await expect(checkDataset(await npz(known.images.keras), { ...pictures, input: { kind: 'image', shape: [8, 8, 1], mean: 0, stdDev: 1 } })).rejects.toThrow('has 3 x 4 pixels')
    await expect(loadDataset(await npz(known.images.keras), { ...pictures, labels: ['0', '1'] })).rejects.toThrow('has a class "2" that the federation does not know')
  })
})

describe('an array of two dimensions', () => {
  it('is a table of the columns x0, x1, …, with missing values where it is not a number', async () => {
    const source = await npz(known.table)
    const { input, labels } = await inferInput(source)
    expect(input).toMatchObject({ kind: 'table', label: 'label', columns: [{ name: 'x0', kind: 'numeric' }, { name: 'x1' }, { name: 'x2' }] })
    // one input more: one of the columns has gaps
    const { train, test } = await loadDataset(source, { ...pictures, input, labels })
    expect([train.count, test.count, train.featureCount]).toEqual([48, 12, 4])
    await checkDataset(source, { ...pictures, input, labels })
  })
})

describe('a folder of NPY files', () => {
  it('is read by the names x and y, and one file alone says what is missing', async () => {
    const { file } = known.arrays.find(({ name }) => name === '<f4')!
    const folder = await folderOf({ 'X.npy': bytes(file), 'y.npy': bytes(known.arrays.find(({ name }) => name === '|u1')!.file) })
    await expect(inferInput({ kind: 'npy', path: folder })).rejects.toThrow('y.npy has the shape (2, 3)')
    await expect(inferInput({ kind: 'npy', path: join(folder, 'X.npy') })).rejects.toThrow('is one array only')
    await expect(inferInput({ kind: 'npy', path: await folderOf({ 'a.npy': '' }) })).rejects.toThrow('has the arrays "a", but inputs and labels are needed')
  })
})

/** A ZIP archive of one deflated member, whose directory says what it is told to */
function zip (name: string, content: Buffer, { size = content.length, method = 8, compressed = deflateRawSync(content) } = {}): Buffer {
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50)
  local.writeUInt16LE(name.length, 26)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50)
  entry.writeUInt16LE(method, 10)
  entry.writeUInt32LE(compressed.length, 20)
  entry.writeUInt32LE(size, 24)
  entry.writeUInt16LE(name.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(46 + name.length, 12)
  end.writeUInt32LE(30 + name.length + compressed.length, 16)
  return Buffer.concat([local, Buffer.from(name), compressed, entry, Buffer.from(name), end])
}

function npy (header: string, content = Buffer.alloc(0)): Buffer {
  const head = Buffer.from('934e554d5059010000000000', 'hex').subarray(0, 10)
  head.writeUInt16LE(header.length, 8)
  return Buffer.concat([head, Buffer.from(header), content])
}

const HEADER = '{\'descr\': \'|u1\', \'fortran_order\': False, \'shape\': (4,), }'
const plain = npy(HEADER, Buffer.from([1, 2, 3, 4]))

describe('a hostile array', () => {
  it.each([
    ['nothing', Buffer.alloc(0), /is no NPY file: it begins with nothing/],
    ['another magic', Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'), /is no NPY file/],
    ['a version of the future', Buffer.concat([plain.subarray(0, 6), Buffer.from([9]), plain.subarray(7)]), /of version 9/],
    ['a header longer than the file', plain.subarray(0, 30), /ends inside its header/],
    ['a header of 4 GB', Buffer.concat([Buffer.from('934e554d50590200ffffffff', 'hex'), plain]), /has a header of 4294967295 bytes/],
    ['fewer bytes than announced', npy(HEADER, Buffer.from([1])), /is cut short: its header announces/],
    ['more bytes than announced', npy(HEADER, Buffer.alloc(9)), /is too long/],
    ['10^18 elements', npy(HEADER.replace('(4,)', '(1000000, 1000000, 1000000)')), /more than can be read/],
    ['10^12 elements', npy(HEADER.replace('(4,)', '(1000000, 1000000)')), /more than the 2 GiB one peer can hold/],
    ['no elements', npy(HEADER.replace('(4,)', '(0, 3)')), /is empty: its shape is \(0, 3\)/],
    ['a program in the header', npy(HEADER.replace('False', '__import__("os")')), /has a damaged header/],
    ['a shape that is no shape', npy(HEADER.replace('(4,)', '(-4,)')), /has a damaged header/]
  ])('with %s is refused in one line', async (_, content, why) => {
    const error = await readArray(await written('x.npy', content)).then(() => undefined, (err: unknown) => err)
    expect(error).toBeInstanceOf(DatasetError)
    expect((error as Error).message).toMatch(why)
    expect((error as Error).message).not.toContain('\n')
  })

  it.each([
    ['no directory', bytes(known.images.keras).subarray(0, -30), /is no complete ZIP archive/],
    ['a directory beyond its end', Buffer.concat([bytes(known.images.keras).subarray(0, -6), Buffer.from([0xff, 0xff, 0, 0x7f, 0, 0])]), /directory cannot be read/],
    ['a member that inflates to more than its header announces', zip('x.npy', Buffer.concat([plain, Buffer.alloc(20_000_000)]), { size: plain.length }), /inflates to more than its header announces/],
    ['a member that announces more than it has', zip('x.npy', npy(HEADER.replace('(4,)', '(2000000000,)')), { size: 2_000_000_000 + npy(HEADER.replace('(4,)', '(2000000000,)')).length }), /bytes are there/],
    ['a member whose sizes contradict', zip('x.npy', plain, { size: 2_000_000_000 }), /is too long: its header announces/],
    ['a member of another compression', zip('x.npy', plain, { method: 14 }), /method 14/],
    ['a member that is no deflate', zip('x.npy', plain, { compressed: Buffer.alloc(40, 0xff) }), /is damaged/],
    ['a wrong checksum', zip('x.npy', plain), /its checksum is wrong/]
  ])('in an archive with %s is refused in one line', async (_, content, why) => {
    const before = process.memoryUsage().arrayBuffers
    const error = await readArray(`${await written('set.npz', content)}#x`).then(() => undefined, (err: unknown) => err)
    expect(error).toBeInstanceOf(DatasetError)
    expect((error as Error).message).toMatch(why)
    expect((error as Error).message).not.toContain('\n')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100e6)
  })

  it('is not looked for outside of an archive, whatever its members are called', async () => {
    const path = await written('set.npz', zip('../../x.npy', plain))
    await expect(inferInput({ kind: 'npy', path })).rejects.toThrow('has the arrays "../../x"')
    expect((await readFile(path)).length).toBeGreaterThan(0)
  })
})

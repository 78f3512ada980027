import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDataset, inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { readIdx } from '../../src/data/idx.ts'
import { DatasetError } from '../../src/errors.ts'
import { idxBytes, pixelOf, temporaryFolder, writeIdxFolder } from './write-idx.ts'
import type { Model } from '../../src/data/examples.ts'

function imageModel (shape: number[], labels = ['a', 'b', 'c']): Model {
  return { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'image', shape, mean: 0.25, stdDev: 0.5 }, labels }
}

async function failure (promise: Promise<unknown>): Promise<Error> {
  const err = await promise.then(() => undefined, (reason: unknown) => reason)
  expect(err).toBeInstanceOf(DatasetError)
  expect((err as Error).message).not.toContain('\n')
  return err as Error
}

const files = { images: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte' }

describe('IDX folders', () => {
  it.each([
    { gzip: false, shape: [4, 3], separator: '-' },
    { gzip: true, shape: [4, 3], separator: '-' },
    { gzip: true, shape: [4, 3, 2], separator: '.' }
  ])('load as standardised pixels: $gzip $shape $separator', async (init) => {
    const directory = await writeIdxFolder(init)
    const shape = init.shape.length === 2 ? [...init.shape, 1] : init.shape
    const { train, test } = await loadDataset({ kind: 'idx', directory }, imageModel(shape))
    expect([...train.labels]).toEqual([0, 1, 2, 0, 1, 2, 0, 1])
    expect([...test.labels]).toEqual([2, 1, 0])
    const out = new Float32Array(train.featureCount + 2).fill(7)
    train.writeInputs(5, out, 1)
    const expected = Array.from({ length: train.featureCount }, (_, i) => Math.fround((pixelOf(5, i) / 255 - 0.25) / 0.5))
    expect([...out]).toEqual([7, ...expected, 7])
  })

  it('with a gzip name but plain content load: some downloads are inflated on the way', async () => {
    const directory = await writeIdxFolder({ gzip: true })
    await writeFile(join(directory, `${files.labels}.gz`), idxBytes([8], Uint8Array.of(0, 1, 2, 0, 1, 2, 0, 1)))
    const { train } = await loadDataset({ kind: 'idx', directory }, imageModel([4, 3, 1]))
    expect(train.count).toBe(8)
  })

  it('give each part its own rows and all of them the same test examples', async () => {
    const labels = Array.from({ length: 500 }, (_, i) => i % 3)
    // Larger than one chunk, so that rows straddle pieces
    const directory = await writeIdxFolder({ shape: [30, 41], trainLabels: labels, gzip: true })
    const model = imageModel([30, 41, 1])
    const whole = await loadDataset({ kind: 'idx', directory }, model)
    const seen = new Map<string, number>()
    const key = (examples: typeof whole.train, i: number): string => {
      const out = new Float32Array(examples.featureCount)
      examples.writeInputs(i, out, 0)
      return `${examples.labels[i]}:${Buffer.from(out.buffer).toString('base64')}`
    }
    for (let index = 0; index < 3; index++) {
      const part = await loadDataset({ kind: 'idx', directory }, model, { index, count: 3, strategy: 'iid', seed: 4 })
      expect(part.test.count).toBe(3)
      for (let i = 0; i < part.train.count; i++) {
        const id = key(part.train, i)
        seen.set(id, (seen.get(id) ?? 0) + 1)
      }
    }
    const expected = new Map<string, number>()
    for (let i = 0; i < whole.train.count; i++) {
      const id = key(whole.train, i)
      expected.set(id, (expected.get(id) ?? 0) + 1)
    }
    expect(seen).toEqual(expected)
  })

  it('refuse places that do not exist', async () => {
    const { train } = await loadDataset({ kind: 'idx', directory: await writeIdxFolder() }, imageModel([4, 3, 1]))
    expect(() => train.writeInputs(8, new Float32Array(12), 0)).toThrow(RangeError)
    expect(() => train.writeInputs(-1, new Float32Array(12), 0)).toThrow(RangeError)
    expect(() => train.writeInputs(0, new Float32Array(12), 1)).toThrow(RangeError)
  })

  it('tell a founder shape, statistics and labels', async () => {
    const { input, labels } = await inferInput({ kind: 'idx', directory: await writeIdxFolder({ shape: [4, 3, 2] }) })
    const pixels = Array.from({ length: 8 * 24 }, (_, i) => pixelOf(Math.floor(i / 24), i % 24) / 255)
    const mean = pixels.reduce((a, b) => a + b) / pixels.length
    const stdDev = Math.sqrt(pixels.reduce((sum, p) => sum + (p - mean) ** 2, 0) / pixels.length)
    expect(input).toEqual({ kind: 'image', shape: [4, 3, 2], mean: expect.closeTo(mean, 3) as number, stdDev: expect.closeTo(stdDev, 3) as number })
    expect(labels).toEqual(['0', '1', '2'])
  })
})

describe('A damaged IDX folder is one clear DatasetError', () => {
  const model = imageModel([4, 3, 1])
  const cases: Array<[string, (directory: string) => Promise<void>, RegExp]> = [
    ['missing file', async (d) => rm(join(d, files.labels)), /no train-labels file in .*expected train-labels-idx1-ubyte/],
    ['truncated', async (d) => writeFile(join(d, files.images), (await readFile(join(d, files.images))).subarray(0, 50)), /train-images-idx3-ubyte is cut short/],
    ['too long', async (d) => writeFile(join(d, files.labels), Buffer.concat([await readFile(join(d, files.labels)), Buffer.alloc(1)])), /goes on after the 8 bytes/],
    ['empty file', async (d) => writeFile(join(d, files.labels), ''), /cut short: 0 bytes are not even a header/],
    ['not IDX', async (d) => writeFile(join(d, files.labels), 'hello, world'), /is not an IDX file: it begins with 68656c6c/],
    ['floats', async (d) => writeFile(join(d, files.labels), Buffer.from([0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0])), /holds 32-bit floats; only/],
    ['swapped', async (d) => writeFile(join(d, files.labels), idxBytes([1, 1, 1], Uint8Array.of(1))), /rank 3, not 1: are images and labels swapped/],
    ['no examples', async (d) => writeFile(join(d, files.labels), idxBytes([0], new Uint8Array(0))), /is empty/],
    ['counts differ', async (d) => writeFile(join(d, files.labels), idxBytes([2], Uint8Array.of(1, 1))), /has 8 images, but .*train-labels-idx1-ubyte has 2 labels/],
    ['label outside', async (d) => writeFile(join(d, files.labels), idxBytes([8], Uint8Array.of(0, 1, 2, 9, 1, 1, 1, 1))), /label 9 of example 3 is outside the federation's 3 labels/],
    ['cut gzip', async (d) => writeFile(join(d, files.images), gzipSync(await readFile(join(d, files.images))).subarray(0, 40)), /ends in the middle of its gzip data/],
    ['damaged gzip', async (d) => writeFile(join(d, files.images), Buffer.concat([gzipSync('x').subarray(0, 10), Buffer.alloc(30, 0xff)])), /has damaged gzip data/],
    ['a folder', async (d) => { await rm(join(d, files.images)); await mkdir(join(d, files.images)) }, /is a folder, not a file/]
  ]

  it.each(cases)('%s', async (_, damage, message) => {
    const directory = await writeIdxFolder()
    await damage(directory)
    expect((await failure(loadDataset({ kind: 'idx', directory }, model))).message).toMatch(message)
  })

  it('missing folder', async () => {
    const err = await failure(loadDataset({ kind: 'idx', directory: '/nowhere/at/all' }, model))
    expect(err.message).toMatch(/\/nowhere\/at\/all does not exist/)
  })

  it('images that do not fit the model, also in the quick check', async () => {
    const directory = await writeIdxFolder({ shape: [2, 4, 3] })
    const channelsLast = imageModel([4, 3, 2])
    expect((await failure(loadDataset({ kind: 'idx', directory }, channelsLast))).message).toMatch(/images of 2 x 4 x 3 do not fit the federation's model, which takes 4 x 3 x 2.*channels last/)
    expect((await failure(checkDataset({ kind: 'idx', directory }, channelsLast))).message).toMatch(/do not fit/)
    await expect(checkDataset({ kind: 'idx', directory }, imageModel([2, 4, 3]))).resolves.toBeUndefined()
  })

  it('images for a model that takes a table', async () => {
    const directory = await writeIdxFolder()
    const table: Model = { ...model, input: { kind: 'table', label: 'y', columns: [{ kind: 'numeric', name: 'x', mean: 0, stdDev: 1 }] } }
    expect((await failure(loadDataset({ kind: 'idx', directory }, table))).message).toMatch(/takes a table with the label "y"/)
  })

  it('a header that announces more than the file can hold allocates nothing', async () => {
    const folder = await temporaryFolder()
    for (const bytes of [idxBytes([0xffffffff], new Uint8Array(8)), gzipSync(idxBytes([0xffffffff], new Uint8Array(8)))]) {
      await writeFile(join(folder, 'bomb'), bytes)
      let begun = false
      expect((await failure(readIdx(join(folder, 'bomb'), [1], () => { begun = true; return undefined }))).message).toMatch(/more than a file of its length can hold/)
      expect(begun).toBe(false)
    }
  })

  it('a gzip bomb is left when it passes what its header announces', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'bomb'), gzipSync(idxBytes([100], new Uint8Array(64 * 1024 * 1024))))
    let seen = 0
    expect((await failure(readIdx(join(folder, 'bomb'), [1], () => (piece) => { seen += piece.length }))).message).toMatch(/goes on after the 100 bytes/)
    expect(seen).toBeLessThanOrEqual(100)
  })
})

describe('Whatever the bytes', () => {
  const model = imageModel([4, 3, 1])

  async function loadWith (name: string, bytes: Uint8Array): Promise<unknown> {
    const directory = await writeIdxFolder()
    await writeFile(join(directory, name), bytes)
    try {
      return await loadDataset({ kind: 'idx', directory }, model)
    } catch (err) {
      return err
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }

  function isFine (outcome: unknown): void {
    if (outcome instanceof Error) {
      expect(outcome).toBeInstanceOf(DatasetError)
      expect(outcome.message).not.toContain('\n')
    }
  }

  const name = fc.constantFrom(files.images, files.labels)

  it('garbage is a DatasetError', async () => {
    await fc.assert(fc.asyncProperty(name, fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (file, bytes, gzip) => {
      const outcome = await loadWith(file, gzip ? gzipSync(bytes) : bytes)
      expect(outcome).toBeInstanceOf(DatasetError)
    }), { numRuns: 150 })
  })

  it('cut and bit-flipped files load or are a DatasetError', async () => {
    const folder = await writeIdxFolder()
    const originals = { [files.images]: await readFile(join(folder, files.images)), [files.labels]: await readFile(join(folder, files.labels)) }
    await fc.assert(fc.asyncProperty(name, fc.boolean(), fc.nat(), fc.nat(), async (file, gzip, flip, cut) => {
      const bytes = Buffer.from(gzip ? gzipSync(originals[file]!) : originals[file]!)
      const bit = flip % (bytes.length * 8)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      isFine(await loadWith(file, bytes))
      expect(await loadWith(file, bytes.subarray(0, cut % bytes.length))).toBeInstanceOf(DatasetError)
    }), { numRuns: 200 })
  })
})

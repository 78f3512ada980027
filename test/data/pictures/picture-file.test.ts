/**
 * Decoding and resizing, against known answers made with Pillow 12.3
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPicture, readPictureShape } from '../../../src/data/pictures/picture-file.ts'
import { preparedPicture } from '../../../src/data/pictures/prepare.ts'
import { bytesOfSamples } from '../../../src/data/pictures/raster.ts'
import { cropped, resized } from '../../../src/data/pictures/resize.ts'
import { temporaryFolder } from '../write-idx.ts'
import { folderOf, pngBytes } from './write-pictures.ts'
import known from './known-pictures.json' with { type: 'json' }
import type { ImageInput } from '../../../src/data/examples.ts'
import type { Raster } from '../../../src/data/pictures/raster.ts'

function bytes (base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}

async function written (name: string, base64: string): Promise<string> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, bytes(base64))
  return path
}

function grey (width: number, height: number, samples: Raster['samples']): Raster {
  return { width, height, channels: 1, bits: samples instanceof Uint16Array ? 16 : 8, samples }
}

function largestDifference (a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0)
}

describe('PNG', () => {
  it.each(known.files.map((file) => [file.name, file] as const))('decodes %s as Pillow does, alpha on black', async (_, file) => {
    const path = await written('a.png', file.file)
    const raster = await readPicture(path)
    const { width, height, channels, bits } = file
    expect(raster).toMatchObject({ width, height, channels, bits })
    expect(await readPictureShape(path)).toMatchObject({ width, height, channels, bits })
    expect(bytesOfSamples(raster.samples)).toEqual(bytes(file.samples))
  })

  it('is read with whatever a program has appended after its end', async () => {
    const folder = await folderOf({ 'a.png': Buffer.concat([pngBytes({ width: 2, height: 2 }), Buffer.from('trailer')]) })
    expect((await readPicture(join(folder, 'a.png'))).samples).toEqual(new Uint8Array(4))
  })
})

describe('JPEG', () => {
  // decoders differ in the last bits of the transforms and in how they enlarge colour
  it.each(known.jpegs.map((file) => [file.name, file] as const))('decodes %s within a few levels of Pillow, turned as its Exif data say', async (_, file) => {
    const path = await written('a.jpg', file.file)
    const raster = await readPicture(path)
    const { width, height, channels, bits } = raster
    expect(channels).toBe(file.channels)
    expect(await readPictureShape(path)).toMatchObject({ width, height, channels, bits })
    if ('width' in file) {
      expect([height, width]).toEqual([file.height, file.width])
    }
    expect(largestDifference(raster.samples, bytes(file.samples))).toBeLessThanOrEqual(file.name === 'progressive' ? 12 : 3)
  })

  it('may be called .png: what a file is, its first bytes say', async () => {
    expect((await readPicture(await written('a.png', known.jpegs[0]!.file))).channels).toBe(1)
  })
})

describe('preparing', () => {
  const input = (shape: number[], rest: Partial<ImageInput> = {}): ImageInput => ({ kind: 'image', shape, mean: 0, stdDev: 1, resize: 'bilinear', ...rest })

  it.each(known.resize.map((one) => [`${one.from_.join(' x ')} to ${one.to.join(' x ')}`, one] as const))('resizes %s as Pillow does, but for its rounding', (_, { from_: from, to, source, result }) => {
    const { samples } = resized(grey(from[1]!, from[0]!, bytes(source)), to[1]!, to[0]!)
    expect(largestDifference(samples, bytes(result))).toBeLessThanOrEqual(1)
  })

  it('resizes in whole numbers that anybody can recompute', () => {
    // 3 -> 2: weights 5, 3, 0 of 6 - |2(2j + 1) - 3(2i + 1)|: |2 - 3| = 1, |6 - 3| = 3, |10 - 3| = 7
    expect([...resized(grey(3, 1, Uint8Array.of(10, 20, 90)), 2, 1).samples]).toEqual([Math.round((5 * 10 + 3 * 20) / 8), Math.round((3 * 20 + 5 * 90) / 8)])
    expect([...resized(grey(2, 1, Uint16Array.of(0, 65_535)), 1, 1).samples]).toEqual([32_768])
  })

  it('cuts the middle out before it resizes, where the document says so', () => {
    const pixels = Uint8Array.from({ length: 7 * 2 }, (_, i) => i)
    // 7 x 2 as a square: two columns, two left of five to the left
    expect([...cropped(grey(7, 2, pixels), 5, 5).samples]).toEqual([2, 3, 9, 10])
    // 2 x 7 as 4 x 6 (width x height): 3 rows of 7, two above
    expect(cropped(grey(2, 7, pixels), 4, 6)).toMatchObject({ width: 2, height: 3, samples: Uint8Array.of(4, 5, 6, 7, 8, 9) })
    // 3 x 2 as 5 x 4: 2.5 columns are 3
    expect(cropped(grey(3, 2, pixels.subarray(0, 6)), 5, 4)).toMatchObject({ width: 3, height: 2 })
    expect(cropped(grey(65_535, 1, new Uint8Array(65_535)), 1, 4096)).toMatchObject({ width: 1, height: 1 })
    const colour: Raster = { width: 3, height: 1, channels: 3, bits: 16, samples: Uint16Array.from({ length: 9 }, (_, i) => 1000 * i) }
    expect(cropped(colour, 1, 1).samples).toEqual(Uint16Array.of(3000, 4000, 5000))
    const square = grey(4, 4, new Uint8Array(16))
    expect(cropped(square, 2, 2)).toBe(square)
    // through the whole way: stretched, the bright edges would show
    const edges = grey(6, 2, Uint8Array.of(255, 255, 10, 20, 255, 255, 255, 255, 30, 40, 255, 255))
    expect([...preparedPicture('a.png', edges, input([2, 2, 1], { fit: 'crop' }))]).toEqual([10, 20, 30, 40])
    expect(Math.max(...preparedPicture('a.png', edges, input([2, 2, 1])))).toBeGreaterThan(100)
    expect([...preparedPicture('a.png', edges, input([1, 1, 3], { fit: 'crop' }))]).toEqual([25, 25, 25])
  })

  it('leaves white white and black black, at the longest side and 16 bits too', () => {
    const white = new Uint16Array(65_535).fill(65_535)
    for (const size of [1, 2, 3, 64, 4096]) {
      expect(new Set(resized(grey(65_535, 1, white), size, 1).samples)).toEqual(new Set([65_535]))
    }
    expect(new Set(resized(grey(3, 3, new Uint8Array(9)), 20, 20).samples)).toEqual(new Set([0]))
  })

  it('makes grey of colour with the weights that Pillow has, and colour of grey by repeating it', () => {
    const colour: Raster = { width: 5, height: 4, channels: 3, bits: 8, samples: bytes(known.luma.source) }
    expect(preparedPicture('a', colour, input([4, 5, 1]))).toEqual(bytes(known.luma.result))
    expect(preparedPicture('a', grey(2, 1, Uint8Array.of(7, 9)), input([1, 2, 3]))).toEqual(Uint8Array.of(7, 7, 7, 9, 9, 9))
  })

  it('keeps 16 bits where the document says so, widens 8 exactly, and rounds 16 to 8 where it does not', () => {
    const deep = grey(2, 2, Uint16Array.of(0, 128, 129, 65_535))
    expect(preparedPicture('a', deep, input([2, 2, 1], { bits: 16 }))).toEqual(Uint8Array.of(0, 0, 128, 0, 129, 0, 255, 255))
    expect(preparedPicture('a', deep, input([2, 2, 1]))).toEqual(Uint8Array.of(0, 0, 1, 255))
    expect(preparedPicture('a', grey(2, 1, Uint8Array.of(1, 255)), input([1, 2, 1], { bits: 16 }))).toEqual(Uint8Array.of(1, 1, 255, 255))
  })
})

/**
 * Pictures that would take memory or time, or say nothing true: one line each, which names the file
 */
import { execFileSync } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DatasetError } from '../../../src/errors.ts'
import { inferInput, loadDataset } from '../../../src/data/data-formats.ts'
import { readPicture } from '../../../src/data/pictures/picture-file.ts'
import known from './known-pictures.json' with { type: 'json' }
import { folderOf, greyPng, pngBytes } from './write-pictures.ts'
import type { Model } from '../../../src/data/examples.ts'

const png = greyPng(8, 8, Array.from({ length: 64 }, (_, i) => (i * 37) % 256))
const jpeg = Buffer.from(known.jpegs.find(({ name }) => name === 'colour')!.file, 'base64')
const progressive = Buffer.from(known.jpegs.find(({ name }) => name === 'progressive')!.file, 'base64')

function changed (bytes: Buffer, at: number, ...values: number[]): Buffer {
  const copy = Buffer.from(bytes)
  values.forEach((value, i) => { copy[at + i] = value })
  return copy
}

/** Where the frame of a JPEG begins */
const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))

/** 30 MB of zeros in 30 kB, many times over */
const bomb = deflateSync(Buffer.alloc(30_000_000))

const FILES: ReadonlyArray<readonly [string, Buffer, RegExp]> = [
  ['nothing in it', Buffer.alloc(0), /is empty/],
  ['text with the name of a picture', Buffer.from('<html>'), /is neither PNG nor JPEG: it begins with 3c68746d/],
  ['a GIF with the name of a PNG', Buffer.from('GIF89a'), /is neither PNG nor JPEG/],
  ['a PNG cut in its header', png.subarray(0, 20), /is cut short: 20 bytes are not even the header of a PNG/],
  ['a PNG cut in its data', png.subarray(0, 60), /is cut short/],
  ['a PNG without its end', png.subarray(0, png.length - 12), /is cut short/],
  ['a PNG with a wrong checksum', changed(png, 41 + 10, 0xee), /is a damaged PNG \(the checksum of the chunk at byte 33 is wrong/],
  ['a PNG with two headers', Buffer.concat([png.subarray(0, 33), png.subarray(8)]), /is a damaged PNG \(it has two headers\)/],
  ['a JPEG of hundreds of scans', Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(402, Buffer.from([0xff, 0xda])), jpeg.subarray(-2)]), /has 202 scans, more than 200/],
  ['a PNG of no width', pngBytes({ width: 0, height: 4 }), /has no pixels: its header says 0 x 4/],
  ['a PNG of 2^31 x 2^31 pixels', pngBytes({ width: 2 ** 31, height: 2 ** 31, data: Buffer.alloc(9) }), /has 2147483648 x 2147483648 pixels, more than is decoded/],
  ['a PNG one pixel high and too wide', pngBytes({ width: 70_000, height: 1 }), /has 70000 x 1 pixels/],
  ['a PNG of a colour type that there is not', pngBytes({ width: 1, height: 1, type: 5 }), /is a damaged PNG: its header makes no sense/],
  ['a PNG of 3 bits', pngBytes({ width: 1, height: 1, depth: 3 }), /its header makes no sense/],
  ['a PNG with fewer rows than it says', pngBytes({ width: 8, height: 8, data: deflateSync(Buffer.alloc(30)) }), /is a damaged PNG \(30 of 72 bytes of pixels are there/],
  ['a PNG whose data are no deflate', pngBytes({ width: 8, height: 8, data: Buffer.alloc(40, 7) }), /is a damaged PNG/],
  ['an interlaced PNG that inflates to more than its size', pngBytes({ width: 8, height: 8, interlace: 1, data: bomb }), /is a damaged PNG/],
  ['a palette PNG without a palette', pngBytes({ width: 4, height: 4, type: 3, data: deflateSync(Buffer.alloc(20)) }), /is a damaged PNG/],
  ['a PNG with a filter that there is not', pngBytes({ width: 2, height: 2, data: deflateSync(Buffer.from([9, 0, 0, 9, 0, 0])) }), /is a damaged PNG/],
  ['a JPEG cut in its header', jpeg.subarray(0, 30), /is cut short/],
  ['a JPEG cut in its data', jpeg.subarray(0, jpeg.length - 30), /is cut short/],
  ['a JPEG cut in its data, with an end', Buffer.concat([jpeg.subarray(0, jpeg.length - 200), Buffer.from([0xff, 0xd9])]), /is a damaged JPEG/],
  ['a progressive JPEG cut in its data', progressive.subarray(0, progressive.length - 100), /is cut short/],
  ['a JPEG of 65,535 x 65,535 pixels', changed(jpeg, frame + 5, 255, 255, 255, 255), /has 65535 x 65535 pixels, more than is decoded/],
  ['a JPEG of no height', changed(jpeg, frame + 5, 0, 0), /has no pixels/],
  ['a JPEG for print', Buffer.from(known.cmyk, 'base64'), /is a JPEG of 4 colour components/],
  ['a lossless JPEG', changed(jpeg, frame + 1, 0xc3), /is a JPEG of a kind that is not read \(frame 0xc3/],
  ['a JPEG of 12 bits', changed(jpeg, frame + 4, 12), /is a JPEG of a kind that is not read/],
  ['a JPEG without a frame', Buffer.concat([jpeg.subarray(0, frame), Buffer.from([0xff, 0xda, 0, 2, 0xff, 0xd9])]), /no size stands before its data/]
]

describe('a hostile picture', () => {
  it.each(FILES)('is refused by name: %s', async (_, bytes, why) => {
    const folder = await folderOf({ 'bad.png': bytes })
    const before = process.memoryUsage().arrayBuffers
    const error = await readPicture(join(folder, 'bad.png')).then(() => undefined, (err: unknown) => err)
    expect(error).toBeInstanceOf(DatasetError)
    expect((error as Error).message).toMatch(why)
    expect((error as Error).message).toContain('bad.png')
    expect((error as Error).message).not.toMatch(/[\n\r]/)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64e6)
  })

  it('of any damage ends in a picture or in one line, and soon', async () => {
    let seed = 1
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return Math.floor(seed / 2 ** 32 * below)
    }
    const { decodePng } = await import('../../../src/data/pictures/png-file.ts')
    const { decodeJpeg } = await import('../../../src/data/pictures/jpeg-file.ts')
    for (let i = 0; i < 300; i++) {
      const source = [png, jpeg, progressive][i % 3]!
      // beyond the size, which would only make the test slow
      const bytes = changed(source, (source === png ? 33 : frame + 9) + random(source.length - frame - 40), random(256), random(256))
      try {
        (source === png ? decodePng : decodeJpeg)('file', bytes)
      } catch (err) {
        expect(err).toBeInstanceOf(DatasetError)
      }
    }
  })
})

describe('a hostile folder', () => {
  const model: Model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'image', shape: [8, 8, 1], mean: 0, stdDev: 1 }, labels: ['cat', 'dog'] }
  const good = { 'cat/1.png': png, 'cat/2.png': png, 'dog/1.png': png, 'dog/2.png': png }

  async function refusal (folder: string): Promise<string> {
    return loadDataset({ kind: 'images', path: folder }, model).then(() => 'loaded', (err: unknown) => {
      expect(err).toBeInstanceOf(DatasetError)
      return (err as Error).message
    })
  }

  it('with a link in circles, or out of it, is refused by the name of the link', async () => {
    const circle = await folderOf(good)
    await symlink(circle, join(circle, 'dog', 'again'))
    expect(await refusal(circle)).toContain('again is a link, and links are not followed')
    const out = await folderOf(good)
    await symlink('/etc', join(out, 'etc'))
    expect(await refusal(out)).toContain('etc is a link')
  })

  it.each([
    ['a file that is no picture', { 'cat/notes.txt': 'x' }, 'notes.txt is no picture by its name'],
    ['folders inside a class', { 'cat/patient/1.png': png }, 'patient is a folder inside that of a class'],
    ['a name that steers terminals', { 'cat/\u001b[2Jx.txt': 'x' }, '\ufffd[2Jx.txt is no picture']
  ])('with %s is refused by its name', async (_, more, why) => {
    expect(await refusal(await folderOf({ ...good, ...more as Record<string, string> }))).toContain(why)
  })

  it('with a pipe in it does not keep anybody waiting', async () => {
    const folder = await folderOf(good)
    execFileSync('mkfifo', [join(folder, 'cat', '3.png')])
    expect(await refusal(folder)).toContain('3.png is no picture')
  })

  it('without classes, with one class or without pictures is no data', async () => {
    expect(await refusal(await folderOf({ 'a.png': png }))).toContain('has no sub-folders')
    await expect(inferInput({ kind: 'images', path: await folderOf({ 'cat/1.png': png }) })).rejects.toThrow('has one class only, "cat"')
    expect(await refusal('/nowhere')).toContain('/nowhere does not exist')
  })
})

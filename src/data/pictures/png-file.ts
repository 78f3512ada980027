/**
 * PNG files (W3C PNG specification, third edition): header and decoding, by pngjs, of pictures of known size
 *
 * Checked here before pngjs decodes, because version 7 gives pixels where data are missing or no deflate at all,
 * inflates an interlaced picture without a bound, and calls each damage unrecognised content: that all chunks are
 * there, their checksums, and that the data inflate to what the header says. Bytes after the end are harmless.
 */
import { crc32, inflateSync } from 'node:zlib'
import { PNG } from 'pngjs'
import { DatasetError } from '../../errors.ts'
import { SIGNATURES } from '../signatures.ts'
import { requireSize } from './picture-limits.ts'
import { samplesOf, whiteOf } from './raster.ts'
import type { Raster, RasterShape } from './raster.ts'

/** Line ends of two kinds, which a transfer as text changes */
const SIGNATURE = Buffer.from(`${SIGNATURES.png}\r\n\x1a\n`, 'latin1')

/** Signature, then the first chunk: length, IHDR, 13 bytes, checksum */
const HEADER_BYTES = 33

const GREY = 0
const GREY_ALPHA = 4

/** Some writers pad the data */
const MAX_SURPLUS_BYTES = 65_536

/** Of Adam7's passes: first column and row, distance of columns and rows */
const PASSES: ReadonlyArray<readonly [number, number, number, number]> = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]]

/** Samples of a pixel in the file */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** Bits of a sample that a colour type may have */
const DEPTHS: Readonly<Record<number, readonly number[]>> = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] }

export function isPng (bytes: Uint8Array): boolean {
  return SIGNATURE.equals(bytes.subarray(0, SIGNATURE.length))
}

interface PngHeader extends RasterShape {
  /** Bytes of all rows, filters included, once inflated */
  inflated: number
}

/** Of rows of pixels of so many bits, each row with its filter's byte */
function bytesOfRows (width: number, height: number, pixelBits: number): number {
  return width === 0 ? 0 : height * (Math.ceil(width * pixelBits / 8) + 1)
}

function bytesOfPasses (width: number, height: number, pixelBits: number): number {
  return PASSES.reduce((sum, [x, y, dx, dy]) => sum + bytesOfRows(Math.max(0, Math.ceil((width - x) / dx)), Math.max(0, Math.ceil((height - y) / dy)), pixelBits), 0)
}

/** `bytes`: at least the first 33. Throws DatasetError for a header that is damaged, or too large a picture */
export function pngHeader (path: string, bytes: Uint8Array): PngHeader {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEADER_BYTES))
  if (header.length < HEADER_BYTES) {
    throw new DatasetError(`${path} is cut short: ${header.length} bytes are not even the header of a PNG; fetch it again`)
  }
  const [width, height, depth, type, interlace] = [header.readUInt32BE(16), header.readUInt32BE(20), header[24]!, header[25]!, header[28]!]
  if (header.toString('latin1', 12, 16) !== 'IHDR' || header.readUInt32BE(8) !== 13 || DEPTHS[type]?.includes(depth) !== true || interlace > 1) {
    throw new DatasetError(`${path} is a damaged PNG: its header makes no sense; fetch it again`)
  }
  requireSize(path, width, height)
  return {
    width,
    height,
    channels: type === GREY || type === GREY_ALPHA ? 1 : 3,
    bits: depth === 16 ? 16 : 8,
    inflated: (interlace === 1 ? bytesOfPasses : bytesOfRows)(width, height, SAMPLES[type]! * depth)
  }
}

/** Alpha is composited onto black. Throws DatasetError for a damaged file, and as `pngHeader` does */
export function decodePng (path: string, bytes: Buffer): Raster {
  const { width, height, channels, bits, inflated } = pngHeader(path, bytes)
  const { end, data } = chunksOf(path, bytes)
  requireData(path, data, inflated)
  let rgba: ArrayLike<number>
  try {
    // without skipRescale 16 bits become 8; the smaller depths are to be rescaled
    rgba = PNG.sync.read(bytes.subarray(0, end), { skipRescale: bits === 16 }).data
  } catch (err) {
    throw damaged(path, err)
  }
  return { width, height, channels, bits, samples: onBlack(rgba, { count: width * height, channels, bits }) }
}

function requireData (path: string, data: readonly Buffer[], inflated: number): void {
  let found: number
  try {
    found = inflateSync(Buffer.concat(data), { maxOutputLength: inflated + MAX_SURPLUS_BYTES }).length
  } catch (err) {
    throw damaged(path, err)
  }
  if (found < inflated) {
    throw new DatasetError(`${path} is a damaged PNG (${found} of ${inflated} bytes of pixels are there); fetch it again`)
  }
}

function damaged (path: string, err: unknown): DatasetError {
  return new DatasetError(`${path} is a damaged PNG (${lineOf(err)}); fetch it again`, { cause: err })
}

function lineOf (err: unknown): string {
  return (err as Error).message.split('\n')[0]!.slice(0, 80)
}

/** Where the picture ends, and its compressed data. Throws DatasetError when it has no end, or a wrong checksum */
function chunksOf (path: string, bytes: Buffer): { end: number, data: Buffer[] } {
  const data: Buffer[] = []
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const size = bytes.readUInt32BE(at)
    const name = bytes.toString('latin1', at + 4, at + 8)
    const next = at + 12 + size
    if (next > bytes.length) {
      break
    }
    if (crc32(bytes.subarray(at + 4, next - 4)) !== bytes.readUInt32BE(next - 4)) {
      throw new DatasetError(`${path} is a damaged PNG (the checksum of the chunk at byte ${at} is wrong); fetch it again`)
    }
    if (name === 'IHDR' && at !== SIGNATURE.length) {
      throw new DatasetError(`${path} is a damaged PNG (it has two headers); fetch it again`)
    }
    if (name === 'IDAT') {
      data.push(bytes.subarray(at + 8, at + 8 + size))
    }
    if (name === 'IEND') {
      return { end: next, data }
    }
    at = next
  }
  throw new DatasetError(`${path} is cut short: ${bytes.length} bytes are not the whole PNG; fetch it again`)
}

function onBlack (rgba: ArrayLike<number>, { count, channels, bits }: Pick<Raster, 'channels' | 'bits'> & { count: number }): Raster['samples'] {
  const samples = samplesOf(count * channels, bits)
  const white = whiteOf(bits)
  for (let pixel = 0, to = 0; pixel < count; pixel++) {
    const alpha = rgba[4 * pixel + 3]!
    for (let channel = 0; channel < channels; channel++) {
      const sample = rgba[4 * pixel + channel]!
      samples[to++] = alpha === white ? sample : Math.floor((2 * sample * alpha + white) / (2 * white))
    }
  }
  return samples
}

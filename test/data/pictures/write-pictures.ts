/**
 * Makes picture files for tests, good ones and bad ones
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { temporaryFolder } from '../write-idx.ts'

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')

/** One chunk of a PNG with its checksum */
export function chunk (name: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length)
  bytes.write(name, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}

export interface PngInit {
  width: number
  height: number
  /** @default grey */
  type?: number
  depth?: number
  interlace?: number
  /** Compressed; with a filter's byte before each row. Default: what `samples` says */
  data?: Uint8Array
}

/** A PNG whose header says what it is told to, true or not */
export function pngBytes ({ width, height, type = 0, depth = 8, interlace = 0, data = deflateSync(Buffer.alloc(height * (width + 1))) }: PngInit): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, type, 0, 0, interlace])
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

/** A grey PNG of 8 or 16 bits with these samples, row after row */
export function greyPng (width: number, height: number, samples: ArrayLike<number>, depth: 8 | 16 = 8): Buffer {
  const rowBytes = width * depth / 8
  const rows = Buffer.alloc(height * (rowBytes + 1))
  for (let i = 0; i < width * height; i++) {
    const at = Math.floor(i / width) * (rowBytes + 1) + 1 + (i % width) * depth / 8
    rows.writeUIntBE(samples[i]!, at, depth / 8)
  }
  return pngBytes({ width, height, depth, data: deflateSync(rows) })
}

/** Writes these files below a new folder, which is removed when the test is over; returns its path */
export async function folderOf (files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), bytes)
  }
  return folder
}

/**
 * Makes IDX files, and folders of four, for tests
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'

/** An IDX file of unsigned bytes */
export function idxBytes (sizes: readonly number[], elements: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * sizes.length)
  head.writeUInt32BE(0x0800 + sizes.length)
  sizes.forEach((size, i) => head.writeUInt32BE(size, 4 + 4 * i))
  return Buffer.concat([head, elements])
}

/** Removed when the test is over */
export async function temporaryFolder (): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'grapevine-data-'))
  onTestFinished(async () => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface IdxFolderInit {
  /** height, width and, for rank 4, channels */
  shape?: number[]
  trainLabels?: number[]
  testLabels?: number[]
  gzip?: boolean
  /** Between the part and `idx`: `-` or `.` */
  separator?: string
}

/** Byte of pixel `i` of example `index` in a folder made here */
export function pixelOf (index: number, i: number): number {
  return (index * 31 + i * 7) % 256
}

/** A folder with the four files; returns its path */
export async function writeIdxFolder (init: IdxFolderInit = {}): Promise<string> {
  const { shape = [4, 3], trainLabels = [0, 1, 2, 0, 1, 2, 0, 1], testLabels = [2, 1, 0], gzip = false, separator = '-' } = init
  const folder = await temporaryFolder()
  const size = shape.reduce((product, side) => product * side, 1)
  const write = async (name: string, bytes: Buffer): Promise<void> => writeFile(join(folder, gzip ? `${name}.gz` : name), gzip ? gzipSync(bytes) : bytes)
  for (const [set, labels] of [['train', trainLabels], ['t10k', testLabels]] as const) {
    const pixels = Uint8Array.from({ length: labels.length * size }, (_, i) => pixelOf(Math.floor(i / size), i % size))
    await write(`${set}-images${separator}idx${shape.length + 1}-ubyte`, idxBytes([labels.length, ...shape], pixels))
    await write(`${set}-labels${separator}idx1-ubyte`, idxBytes([labels.length], Uint8Array.from(labels)))
  }
  return folder
}

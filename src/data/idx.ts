/**
 * Reads one IDX file of bytes, the format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist/, "the IDX file
 * format"): two zero bytes, type 0x08 (unsigned byte), rank, rank sizes as big-endian uint32, then the elements
 *
 * Streamed and, where gzip's magic stands at its beginning, inflated: nothing larger than a chunk is held here, and
 * sizes are checked against the size of the file before anybody allocates by them.
 */
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DatasetError } from '../errors.ts'
import { beginsAs, SIGNATURES } from './signatures.ts'
import { unreadable } from './unreadable.ts'
import type { FileHandle } from 'node:fs/promises'

const UNSIGNED_BYTE = 0x08

const MAX_RANK = 4

const CHUNK_BYTES = 262_144

/** Deflate cannot do better than 258 bytes for 2 bits; see zlib's technical details */
const MAX_DEFLATE_RATIO = 1032

const TYPE_NAMES: Readonly<Record<number, string>> = { 0x08: 'unsigned bytes', 0x09: 'signed bytes', 0x0b: '16-bit integers', 0x0c: '32-bit integers', 0x0d: '32-bit floats', 0x0e: '64-bit floats' }

/**
 * Takes the elements in order, piece by piece; `offset` counts bytes from the first element. A promise is waited for
 * before the next piece is read
 */
export type IdxSink = (piece: Uint8Array, offset: number) => Promise<void> | void

/**
 * Reads `path`, whose rank must be one of `ranks`
 *
 * `begin` is called once with the sizes, which by then are known to be plausible for a file of this length; it may
 * throw DatasetError, and returns what takes the elements, or undefined to stop after the header. Resolves to the
 * sizes.
 *
 * Throws DatasetError when the file is missing, damaged, truncated, too long or of another type
 */
export async function readIdx (path: string, ranks: readonly number[], begin: (sizes: readonly number[]) => IdxSink | undefined): Promise<readonly number[]> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    return await readOpenFile(path, file, ranks, begin)
  } catch (err) {
    throw err instanceof RangeError || err instanceof TypeError ? err : unreadable(path, err)
  } finally {
    await file?.close()
  }
}

async function readOpenFile (path: string, file: FileHandle, ranks: readonly number[], begin: (sizes: readonly number[]) => IdxSink | undefined): Promise<readonly number[]> {
  const fileBytes = (await file.stat()).size
  const magic = new Uint8Array(SIGNATURES.gzip.length)
  await file.read(magic, 0, magic.length, 0)
  const compressed = beginsAs('gzip', magic)
  const raw = file.createReadStream({ start: 0, autoClose: false, highWaterMark: CHUNK_BYTES })
  const chunks = compressed ? inflated(raw) : raw
  try {
    return await consume(path, chunks, { ranks, begin, maxBytes: compressed ? fileBytes * MAX_DEFLATE_RATIO : fileBytes })
  } finally {
    chunks.destroy()
    raw.destroy()
  }
}

function inflated (raw: Readable): Readable {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  raw.once('error', (err) => gunzip.destroy(err))
  return raw.pipe(gunzip)
}

interface IdxExpectation {
  ranks: readonly number[]
  begin: (sizes: readonly number[]) => IdxSink | undefined
  /** The file cannot hold more than this */
  maxBytes: number
}

async function consume (path: string, chunks: Readable, { ranks, begin, maxBytes }: IdxExpectation): Promise<readonly number[]> {
  let head = new Uint8Array(0)
  let sizes: readonly number[] | undefined
  let sink: IdxSink | undefined
  let expected = 0
  let seen = 0
  for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
    let piece = chunk
    if (sizes === undefined) {
      head = Buffer.concat([head, chunk])
      sizes = parseHeader(path, head, ranks)
      if (sizes === undefined) {
        continue
      }
      expected = requirePlausible(path, sizes, maxBytes)
      sink = begin(sizes)
      piece = head.subarray(4 + 4 * sizes.length)
    }
    if (sink === undefined) {
      return sizes
    }
    if (seen + piece.length > expected) {
      throw new DatasetError(`${path} goes on after the ${expected} bytes that its header announces (${sizes.join(' x ')}); fetch it again`)
    }
    const taken = sink(piece, seen)
    if (taken !== undefined) {
      await taken
    }
    seen += piece.length
  }
  if (sizes === undefined || seen < expected) {
    throw new DatasetError(`${path} is cut short: ${sizes === undefined ? `${head.length} bytes are not even a header` : `${seen} of ${expected} bytes (${sizes.join(' x ')}) are there`}; fetch it again`)
  }
  return sizes
}

/** Undefined while `head` is too short to tell */
function parseHeader (path: string, head: Uint8Array, ranks: readonly number[]): readonly number[] | undefined {
  if (head.length < 4) {
    return undefined
  }
  const [zero0, zero1, type, rank] = head as unknown as [number, number, number, number]
  if (zero0 !== 0 || zero1 !== 0 || rank === 0 || rank > MAX_RANK || TYPE_NAMES[type] === undefined) {
    throw new DatasetError(`${path} is not an IDX file: it begins with ${Buffer.from(head.subarray(0, 4)).toString('hex')}, not with 0000080${ranks[0]}`)
  }
  if (type !== UNSIGNED_BYTE) {
    throw new DatasetError(`${path} holds ${TYPE_NAMES[type]}; only IDX files of unsigned bytes can be read: convert it`)
  }
  if (!ranks.includes(rank)) {
    throw new DatasetError(`${path} is an IDX file of rank ${rank}, not ${ranks.join(' or ')}: are images and labels swapped?`)
  }
  if (head.length < 4 + 4 * rank) {
    return undefined
  }
  const view = new DataView(head.buffer, head.byteOffset)
  return Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
}

/** Number of elements. Throws DatasetError when there are none, or more than a file of this length can hold */
function requirePlausible (path: string, sizes: readonly number[], maxBytes: number): number {
  const expected = sizes.reduce((product, size) => product * size, 1)
  if (expected === 0) {
    throw new DatasetError(`${path} is empty: its header announces ${sizes.join(' x ')}`)
  }
  if (expected > maxBytes) {
    throw new DatasetError(`${path} is cut short or damaged: its header announces ${sizes.join(' x ')}, more than a file of its length can hold; fetch it again`)
  }
  return expected
}

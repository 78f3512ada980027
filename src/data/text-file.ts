/**
 * A text file as it comes: plain or gzip, in one of three encodings, read once from its beginning to its end, so that a
 * pipe will do
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DatasetError } from '../errors.ts'
import { foreignKind } from './foreign-file.ts'
import { beginsAs, SIGNATURES } from './signatures.ts'
import { decoderFor } from './text-decoder.ts'
import type { Encoding, PieceDecoder } from './text-decoder.ts'

/** Larger pieces outlive the young generation, and take twice the time */
const PIECE_BYTES = 65_536

/** Asked for at once of the file system */
const READ_BYTES = 8 * PIECE_BYTES

/** As much as a table is judged by */
const HEAD_BYTES = 65_536

export interface TextFile {
  encoding: Encoding
  gzip: boolean
  /** Its beginning, 64 KiB at most, as well as it can be read */
  head: string
  /** The head holds all of it */
  whole: boolean
  /** All of it, the head as well; throws EncodingError */
  pieces: AsyncGenerator<string, void, undefined>
}

/** @param onRead - Called with the share of the file that was read, 0 to 1, where its size is known */
export interface TextFileOptions {
  onRead?: ((share: number) => void) | undefined
  /** Read in place of the file, which then only names it */
  bytes?: Readable | undefined
  /** Lines of JSON are what is wanted */
  json?: boolean | undefined
}

/**
 * Opens a file and reads its beginning. Whoever does not read `pieces` to the end must `return` them
 *
 * Throws DatasetError for what is known to be no text, and the errors of the file system and of zlib
 */
export async function openText (file: string, { onRead, bytes, json }: TextFileOptions = {}): Promise<TextFile> {
  const raw = await peeked(bytes === undefined ? bytesOf(file, onRead) : piecesOf(bytes), SIGNATURES.gzip.length)
  const gzip = beginsAs('gzip', raw.head)
  const { head, all } = await peeked(gzip ? gunzipped(raw.all) : raw.all, HEAD_BYTES)
  const kind = beginsAs('gzip', head) ? 'compressed by gzip twice' : foreignKind(head, json)
  if (kind !== undefined) {
    await all.return()
    throw new DatasetError(`${file} is ${kind}${gzip ? ', within gzip' : ''}: a table is text with a line for each row; export it as CSV`)
  }
  const decoder = decoderFor(head)
  return { encoding: decoder.encoding, gzip, head: lenient(head, decoder.encoding), whole: head.length < HEAD_BYTES, pieces: decoded(all, decoder) }
}

type Bytes = AsyncGenerator<Buffer, void, undefined>

async function * bytesOf (file: string, onRead: TextFileOptions['onRead']): Bytes {
  const size = onRead === undefined ? 0 : (await stat(file)).size
  let read = 0
  for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES })) {
    const bytes = chunk as Buffer
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      yield bytes.subarray(at, at + PIECE_BYTES)
    }
    read += bytes.length
    if (size > 0) {
      onRead?.(Math.min(1, read / size))
    }
  }
}

async function * piecesOf (source: Readable): Bytes {
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk as Uint8Array)
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      yield bytes.subarray(at, at + PIECE_BYTES)
    }
  }
}

/** What gzip makes of a little is never there at once: a piece at a time is asked for */
async function * gunzipped (source: Bytes): Bytes {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES })
  const input = Readable.from(source)
  input.on('error', (err) => { gunzip.destroy(err) })
  try {
    for await (const bytes of input.pipe(gunzip)) {
      yield bytes as Buffer
    }
  } finally {
    input.destroy()
    gunzip.destroy()
  }
}

/** `head` has at least so many bytes, unless there are fewer, and is part of `all` */
async function peeked (source: Bytes, bytes: number): Promise<{ head: Buffer, all: Bytes }> {
  const read: Buffer[] = []
  let length = 0
  while (length < bytes) {
    const { value, done } = await source.next()
    if (done === true) {
      break
    }
    read.push(value)
    length += value.length
  }
  return { head: Buffer.concat(read), all: following(read, source) }
}

async function * following (first: readonly Buffer[], rest: Bytes): Bytes {
  try {
    yield * first
    yield * rest
  } finally {
    // also when this is ended before the rest was begun
    await rest.return()
  }
}

async function * decoded (source: Bytes, decoder: PieceDecoder): TextFile['pieces'] {
  for await (const bytes of source) {
    yield decoder.decode(bytes)
  }
  decoder.end()
}

/** For a guess only: what cannot be read there is told when it is read */
function lenient (head: Buffer, encoding: Encoding): string {
  return new TextDecoder(encoding).decode(head.subarray(0, HEAD_BYTES))
}

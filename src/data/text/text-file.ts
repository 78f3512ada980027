/**
 * One file that is one text: read within bounds, as UTF-8 or as its byte order mark says
 */
import { open, stat } from 'node:fs/promises'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { foreignKind } from '../foreign-file.ts'
import { decoderFor, EncodingError } from '../text-decoder.ts'
import { unreadable } from '../unreadable.ts'
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { FileKind } from '../class-folder.ts'

export const TEXTS: FileKind = { one: 'text', many: 'texts', name: /\.txt$/i, extensions: '.txt' }

/** A long novel; what a model is given of a text is its beginning */
export const MAX_TEXT_BYTES = 2 ** 22

/** As much as tells what a file is */
const HEAD_BYTES = 512

/** Documents in the letters of a text: no sentence begins so */
const DISGUISED: ReadonlyArray<readonly [string, string]> = [['%PDF-', 'a PDF document'], ['{\\rtf', 'an RTF document']]

/** Throws DatasetError that names the file: missing, too large, no text, text of another encoding */
export async function readText (path: string): Promise<string> {
  const name = printable(path)
  let file: FileHandle | undefined
  try {
    // a pipe would keep whoever opens it waiting
    if (!(await stat(path)).isFile()) {
      throw new DatasetError(`${name} is no file; remove it`)
    }
    file = await open(path)
    const { size } = await file.stat()
    if (size > MAX_TEXT_BYTES) {
      throw tooLarge(name, size)
    }
    return decodedText(name, await readSome(file, size))
  } catch (err) {
    throw err instanceof RangeError || err instanceof TypeError ? err : unreadable(name, err)
  } finally {
    await file?.close()
  }
}

/** The same from a stream. `name` is printable */
export async function readTextStream (name: string, bytes: Readable): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of bytes) {
    const read = Buffer.from(piece as Uint8Array)
    size += read.length
    if (size > MAX_TEXT_BYTES) {
      throw tooLarge(name, size)
    }
    pieces.push(read)
  }
  return decodedText(name, Buffer.concat(pieces))
}

function tooLarge (name: string, size: number): DatasetError {
  return new DatasetError(`${name} has ${size} bytes or more, and a text has at most ${MAX_TEXT_BYTES}; cut it into parts, or remove it`)
}

/** Fewer bytes where the file became shorter */
async function readSome (file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let filled = 0
  for (let bytesRead = 1; filled < length && bytesRead > 0; filled += bytesRead) {
    ({ bytesRead } = await file.read(bytes, filled, length - filled, filled))
  }
  return bytes.subarray(0, filled)
}

/** Throws DatasetError for what is no text. `name` is printable */
function decodedText (name: string, bytes: Buffer): string {
  const disguised = DISGUISED.find(([mark]) => bytes.toString('latin1', 0, mark.length) === mark)
  if (disguised !== undefined) {
    throw noText(name, disguised[1])
  }
  const decoder = decoderFor(bytes)
  try {
    const text = decoder.decode(bytes)
    decoder.end()
    return text
  } catch (err) {
    if (!(err instanceof EncodingError)) {
      throw err
    }
    // a text may begin with the letters of a mark: it is asked for only where the bytes are no text
    const kind = bytes[0] === 0x1f && bytes[1] === 0x8b ? 'compressed by gzip' : foreignKind(bytes.subarray(0, HEAD_BYTES))
    throw kind === undefined ? new DatasetError(`${name}, line ${err.linesBefore + 1}: ${err.message}`, { cause: err }) : noText(name, kind)
  }
}

function noText (name: string, kind: string): DatasetError {
  return new DatasetError(`${name} is ${kind}, whatever its name says: save it as plain text in UTF-8, or remove it`)
}

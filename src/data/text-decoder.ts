/**
 * Bytes to text, piece by piece: nothing is guessed, and nothing that cannot be read is replaced by a sign that stands
 * for anything
 */
import { isUtf8 } from 'node:buffer'
import { printable } from '../quoted.ts'

export type Encoding = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE'

/** Bytes that are no text in the encoding. `linesBefore`: newlines of the piece in front of them */
export class EncodingError extends Error {
  override name = 'EncodingError'
  readonly linesBefore: number

  constructor (message: string, linesBefore: number) {
    super(message)
    this.linesBefore = linesBefore
  }
}

export interface PieceDecoder {
  encoding: Encoding
  /** A character that is not complete waits for the next piece. Throws EncodingError */
  decode: (bytes: Buffer) => string
  /** Throws EncodingError when a character was never completed */
  end: () => void
}

const BYTE_ORDER_MARKS: ReadonlyArray<readonly [string, Encoding]> = [['\xef\xbb\xbf', 'UTF-8'], ['\xff\xfe', 'UTF-16LE'], ['\xfe\xff', 'UTF-16BE']]

/** More characters of a damaged line are not shown */
const MAX_SHOWN = 24

/** By the byte order mark, UTF-8 without one. The mark itself is left out of the text */
export function decoderFor (head: Buffer): PieceDecoder {
  const start = head.toString('latin1', 0, 3)
  const [mark, encoding] = BYTE_ORDER_MARKS.find(([bytes]) => start.startsWith(bytes)) ?? ['', 'UTF-8' as const]
  return encoding === 'UTF-8' ? utf8Decoder(mark.length) : utf16Decoder(encoding, mark.length)
}

function utf8Decoder (skip: number): PieceDecoder {
  const pieces = new Pieces(skip)
  return {
    encoding: 'UTF-8',
    decode (bytes) {
      const text = pieces.take(bytes, incompleteUtf8)
      if (!isUtf8(text)) {
        throw notUtf8(text)
      }
      return withoutNul(text.toString('utf8'))
    },
    end () {
      if (pieces.rest.length > 0) {
        throw notUtf8(pieces.rest)
      }
    }
  }
}

function utf16Decoder (encoding: Encoding, skip: number): PieceDecoder {
  const pieces = new Pieces(skip)
  return {
    encoding,
    decode (bytes) {
      const whole = pieces.take(bytes, (buffer) => incompleteUtf16(buffer, encoding))
      // swapped in a copy: the bytes may be the caller's
      const text = (encoding === 'UTF-16BE' ? Buffer.from(whole).swap16() : whole).toString('utf16le')
      const lone = text.search(/\p{Surrogate}/u)
      if (lone !== -1) {
        throw new EncodingError(`half a character of ${encoding}; the file is damaged`, newlinesBefore(text, lone))
      }
      return withoutNul(text)
    },
    end () {
      if (pieces.rest.length > 0) {
        throw new EncodingError(`the file ends in the middle of a character of ${encoding}; fetch it again`, 0)
      }
    }
  }
}

/** Keeps the bytes of an unfinished character until the next piece */
class Pieces {
  rest: Buffer = Buffer.alloc(0)
  private skip: number

  constructor (skip: number) {
    this.skip = skip
  }

  take (bytes: Buffer, unfinished: (bytes: Buffer) => number): Buffer {
    const all = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes])
    const end = all.length - unfinished(all)
    this.rest = Buffer.from(all.subarray(end))
    const whole = all.subarray(Math.min(this.skip, end), end)
    this.skip -= Math.min(this.skip, end)
    return whole
  }
}

/** Bytes at the end that begin a character and do not finish it */
function incompleteUtf8 (bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if ((byte & 0xc0) !== 0x80) {
      return lengthOf(byte) > back ? back : 0
    }
  }
  return 0
}

function incompleteUtf16 (bytes: Buffer, encoding: Encoding): number {
  const odd = bytes.length % 2
  const high = bytes[bytes.length - odd - (encoding === 'UTF-16LE' ? 1 : 2)]
  return odd + (high !== undefined && high >= 0xd8 && high <= 0xdb ? 2 : 0)
}

/** A newline is one byte in UTF-8, never part of another character: so lines can be judged one by one */
function notUtf8 (bytes: Buffer): EncodingError {
  let from = 0
  for (let line = 0; ; line++) {
    const newline = bytes.indexOf(0x0a, from)
    const end = newline === -1 ? bytes.length : newline
    if (newline === -1 || !isUtf8(bytes.subarray(from, end))) {
      return new EncodingError(`${evidence(bytes.subarray(from, end))} is not UTF-8: save the file as UTF-8`, line)
    }
    from = newline + 1
  }
}

/** The damaged place as Windows wrote it, most likely */
function evidence (line: Buffer): string {
  let bad = 0
  while (bad < line.length && isUtf8(line.subarray(bad, bad + lengthOf(line[bad]!)))) {
    bad += lengthOf(line[bad]!)
  }
  const text = new TextDecoder('windows-1252').decode(line.subarray(Math.max(0, bad - MAX_SHOWN / 2), bad + MAX_SHOWN / 2))
  return `byte 0x${(line[bad] ?? 0).toString(16)} (${printable(JSON.stringify(text))} in Windows-1252)`
}

/** Bytes of the character that this one begins */
function lengthOf (byte: number): number {
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
}

function withoutNul (text: string): string {
  const nul = text.indexOf('\0')
  if (nul !== -1) {
    throw new EncodingError('a zero byte, which no text has: is the file binary, damaged, or UTF-16 without a byte order mark?', newlinesBefore(text, nul))
  }
  return text
}

function newlinesBefore (text: string, end: number): number {
  return text.slice(0, end).match(/\r\n?|\n/g)?.length ?? 0
}

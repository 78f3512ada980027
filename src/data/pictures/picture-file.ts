/**
 * One picture file: read within bounds, told by what it begins with, decoded
 */
import { open, stat } from 'node:fs/promises'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { unreadable } from '../unreadable.ts'
import { decodeJpeg, isJpeg, jpegHeader } from './jpeg-file.ts'
import { MAX_FILE_BYTES } from './picture-limits.ts'
import { decodePng, isPng, pngHeader } from './png-file.ts'
import type { FileHandle } from 'node:fs/promises'
import type { FileKind } from '../class-folder.ts'
import type { Raster, RasterShape } from './raster.ts'

/** The size of a JPEG may stand behind a thumbnail and colour profiles */
const HEAD_BYTES = 65_536

export const PICTURES: FileKind = { one: 'picture', many: 'pictures', name: /\.(png|jpe?g)$/i, extensions: '.png, .jpg, .jpeg' }

/** Size, colours and depth, from the header. Throws DatasetError that names the file */
export async function readPictureShape (path: string): Promise<RasterShape> {
  const name = printable(path)
  const head = await readBytes(path, HEAD_BYTES)
  if (isPng(head)) {
    return pngHeader(name, head)
  }
  if (!isJpeg(head)) {
    throw noPicture(name, head)
  }
  const shape = jpegHeader(name, head) ?? jpegHeader(name, await readBytes(path, MAX_FILE_BYTES))
  if (shape === undefined) {
    throw new DatasetError(`${name} is cut short: it ends inside the header of a JPEG; fetch it again`)
  }
  return shape
}

/** Throws DatasetError that names the file: missing, damaged, cut short, too large, of another kind */
export async function readPicture (path: string): Promise<Raster> {
  const name = printable(path)
  const bytes = await readBytes(path, MAX_FILE_BYTES)
  if (isPng(bytes)) {
    return decodePng(name, bytes)
  }
  if (isJpeg(bytes)) {
    return decodeJpeg(name, bytes)
  }
  throw noPicture(name, bytes)
}

function noPicture (name: string, bytes: Uint8Array): DatasetError {
  return new DatasetError(bytes.length === 0
    ? `${name} is empty; fetch it again`
    : `${name} is neither PNG nor JPEG: it begins with ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}; convert it, or remove it`)
}

/** The first bytes of a file, at most `limit` */
async function readBytes (path: string, limit: number): Promise<Buffer> {
  let file: FileHandle | undefined
  try {
    // a pipe would keep whoever opens it waiting
    if (!(await stat(path)).isFile()) {
      throw new DatasetError(`${printable(path)} is no file; remove it`)
    }
    file = await open(path)
    const { size } = await file.stat()
    if (size > MAX_FILE_BYTES) {
      throw new DatasetError(`${printable(path)} has ${size} bytes, more than the ${MAX_FILE_BYTES} of the largest picture; remove it`)
    }
    return await readSome(file, Math.min(size, limit))
  } catch (err) {
    throw err instanceof RangeError || err instanceof TypeError ? err : unreadable(printable(path), err)
  } finally {
    await file?.close()
  }
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

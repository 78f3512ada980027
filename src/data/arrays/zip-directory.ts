/**
 * The members of a ZIP archive (PKWARE APPNOTE 6.3), as far as NPZ files need it: stored or deflated, below 4 GiB
 */
import { DatasetError } from '../../errors.ts'
import type { FileHandle } from 'node:fs/promises'

export interface ZipMember {
  name: string
  /** 0 stored, 8 deflated */
  method: number
  /** CRC-32 of the bytes */
  checksum: number
  compressedBytes: number
  bytes: number
  /** Of its local header */
  offset: number
}

const END = 0x06054b50
const ENTRY = 0x02014b50
const LOCAL = 0x04034b50
const END_BYTES = 22
const ENTRY_BYTES = 46
const LOCAL_BYTES = 30

/** Of the end record, which a comment may follow */
const MAX_COMMENT = 65_535
/** An archive of arrays has few members */
const MAX_DIRECTORY_BYTES = 1_048_576

export async function readExactly (path: string, file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    // one read takes 2 GiB at most
    const { bytesRead } = await file.read(bytes, filled, Math.min(length - filled, 2 ** 30), offset + filled)
    if (bytesRead === 0) {
      throw new DatasetError(`${path} is cut short: it ends at byte ${offset + filled}; fetch it again`)
    }
    filled += bytesRead
  }
  return bytes
}

/** Throws DatasetError, which names `path` (printable), when the archive is damaged or of another kind */
export async function zipMembers (path: string, file: FileHandle, fileBytes: number): Promise<ZipMember[]> {
  const tail = await readExactly(path, file, Math.max(0, fileBytes - END_BYTES - MAX_COMMENT), Math.min(fileBytes, END_BYTES + MAX_COMMENT))
  const end = endRecord(tail)
  if (end === undefined) {
    throw new DatasetError(`${path} is no complete ZIP archive, as NPZ files are: its directory is missing; fetch it again`)
  }
  const [count, length, offset] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)]
  if (offset === 0xffffffff || length > MAX_DIRECTORY_BYTES || offset + length > fileBytes) {
    throw new DatasetError(`${path} is a ZIP archive of more than 4 GiB, or a damaged one: its directory cannot be read; save arrays as NPY files`)
  }
  const directory = await readExactly(path, file, offset, length)
  const members: ZipMember[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > length || directory.readUInt32LE(at) !== ENTRY) {
      throw new DatasetError(`${path} has a damaged directory: entry ${i + 1} of ${count} is missing; fetch it again`)
    }
    const nameLength = directory.readUInt16LE(at + 28)
    members.push({
      name: directory.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength),
      method: directory.readUInt16LE(at + 10),
      checksum: directory.readUInt32LE(at + 16),
      compressedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42)
    })
    at += ENTRY_BYTES + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return members
}

/** The last one whose comment ends with the file */
function endRecord (tail: Buffer): Buffer | undefined {
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) === END && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length) {
      return tail.subarray(at, at + END_BYTES)
    }
  }
  return undefined
}

/** Where the data of a member begin. Throws DatasetError where that is not in the file */
export async function dataOffset (path: string, file: FileHandle, { name, offset, compressedBytes }: ZipMember, fileBytes: number): Promise<number> {
  if (offset + LOCAL_BYTES <= fileBytes) {
    const local = await readExactly(path, file, offset, LOCAL_BYTES)
    const start = offset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28)
    if (local.readUInt32LE(0) === LOCAL && start + compressedBytes <= fileBytes) {
      return start
    }
  }
  throw new DatasetError(`${path}: the member ${JSON.stringify(name)} is not where the directory says; fetch it again`)
}

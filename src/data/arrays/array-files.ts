/**
 * Arrays by name: members of an NPZ file, or NPY files of a folder
 *
 * Nothing is allocated before the header of an array and the size of its file agree, and no member of an archive
 * inflates to more than its header announces.
 */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, crc32, inflateRawSync } from 'node:zlib'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { beginsAs, SIGNATURE_BYTES } from '../signatures.ts'
import { unreadable } from '../unreadable.ts'
import { NpyArray } from './npy-array.ts'
import { HEAD_BYTES, npyHeader } from './npy-header.ts'
import { dataOffset, readExactly, zipMembers } from './zip-directory.ts'
import type { FileHandle } from 'node:fs/promises'
import type { NpyHeader } from './npy-header.ts'
import type { ZipMember } from './zip-directory.ts'

/** As much as a peer may hold of examples */
const MAX_ARRAY_BYTES = 2 ** 31

const MAX_FILES = 10_000

/** Hold any header, and inflate to 17 MB at most */
const DEFLATED_HEAD_BYTES = 16_384

const STORED = 0
const DEFLATED = 8

/** Between the name of an archive and that of an array in it */
export const MEMBER = '#'

/**
 * Names of the arrays at a path, without `.npy`, each with what opens it: a file, or FILE.npz#NAME
 *
 * Throws DatasetError: missing, neither archive nor folder
 */
export async function arraysAt (path: string): Promise<Map<string, string>> {
  try {
    if ((await stat(path)).isDirectory()) {
      const names = (await readdir(path)).filter((name) => name.endsWith('.npy')).sort().slice(0, MAX_FILES)
      return new Map(names.map((name) => [name.slice(0, -4), join(path, name)]))
    }
  } catch (err) {
    throw unreadable(printable(path), err)
  }
  return opened(path, async (file, fileBytes) => {
    if (beginsAs('npy', await readExactly(path, file, 0, Math.min(fileBytes, SIGNATURE_BYTES)))) {
      throw new DatasetError(`${path} is one array only; put inputs and labels into one folder, as x.npy and y.npy, and give the folder`)
    }
    const members = await zipMembers(printable(path), file, fileBytes)
    return new Map(members.filter(({ name }) => name.endsWith('.npy')).map(({ name }) => [name.slice(0, -4), `${path}${MEMBER}${name.slice(0, -4)}`]))
  })
}

async function opened<T> (path: string, use: (file: FileHandle, fileBytes: number) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined
  try {
    if (!(await stat(path)).isFile()) {
      throw new DatasetError(`${printable(path)} is no file`)
    }
    file = await open(path)
    return await use(file, (await file.stat()).size)
  } catch (err) {
    throw err instanceof RangeError || err instanceof TypeError ? err : unreadable(printable(path), err)
  } finally {
    await file?.close()
  }
}

/** Throws DatasetError as `readArray` does */
export async function readArrayHeader (place: string): Promise<NpyHeader> {
  return withArray(place, async (_, header) => header)
}

/** The whole array. Throws DatasetError, which names the place: missing, damaged, cut short, too large, of objects */
export async function readArray (place: string): Promise<NpyArray> {
  return withArray(place, async (name, header, elements) => new NpyArray(name, header, await elements()))
}

type UseArray<T> = (name: string, header: NpyHeader, elements: () => Promise<Buffer>) => Promise<T>

async function withArray<T> (place: string, use: UseArray<T>): Promise<T> {
  const at = place.lastIndexOf(MEMBER)
  const name = printable(place)
  const inArchive = at !== -1 && !place.endsWith('.npy')
  return opened(inArchive ? place.slice(0, at) : place, async (file, fileBytes) => {
    if (inArchive) {
      return useMember(place.slice(0, at), place.slice(at + 1), { file, fileBytes, use })
    }
    const header = npyHeader(name, await readExactly(name, file, 0, Math.min(fileBytes, HEAD_BYTES)))
    requireBytes(name, header, fileBytes)
    return use(name, header, async () => readExactly(name, file, header.offset, fileBytes - header.offset))
  })
}

function requireBytes (name: string, header: NpyHeader, found: number): void {
  const announced = header.offset + header.count * header.size
  if (announced > MAX_ARRAY_BYTES) {
    throw new DatasetError(`${name} holds ${announced} bytes, more than the ${MAX_ARRAY_BYTES / 2 ** 30} GiB one peer can hold; give each peer a part`)
  }
  if (found !== announced) {
    throw new DatasetError(`${name} is ${found < announced ? 'cut short' : 'too long'}: its header announces ${announced} bytes (${header.shape.join(' x ')}), and ${found} are there; fetch it again`)
  }
  if (header.count === 0) {
    throw new DatasetError(`${name} is empty: its shape is (${header.shape.join(', ')})`)
  }
}

async function useMember<T> (path: string, array: string, { file, fileBytes, use }: { file: FileHandle, fileBytes: number, use: UseArray<T> }): Promise<T> {
  const name = printable(`${path}${MEMBER}${array}`)
  const member = (await zipMembers(printable(path), file, fileBytes)).find((one) => one.name === `${array}.npy`)
  if (member === undefined) {
    throw new DatasetError(`${printable(path)} has no array ${JSON.stringify(printable(array))}`)
  }
  if (member.method !== STORED && member.method !== DEFLATED) {
    throw new DatasetError(`${name} is compressed in a way that is not read (method ${member.method}); save it with numpy.savez or savez_compressed`)
  }
  const start = await dataOffset(printable(path), file, member, fileBytes)
  const head = await readExactly(name, file, start, Math.min(member.compressedBytes, member.method === STORED ? HEAD_BYTES : DEFLATED_HEAD_BYTES))
  const header = npyHeader(name, member.method === STORED ? head : inflated(name, head, { most: 2 ** 25, partial: true }).subarray(0, HEAD_BYTES))
  requireBytes(name, header, member.bytes)
  return use(name, header, async () => memberBytes(name, member, await readExactly(name, file, start, member.compressedBytes)).then((bytes) => bytes.subarray(header.offset)))
}

async function memberBytes (name: string, { method, bytes, checksum }: ZipMember, compressed: Buffer): Promise<Buffer> {
  const elements = method === STORED ? compressed : inflated(name, compressed, { most: bytes, partial: false })
  if (elements.length !== bytes) {
    throw new DatasetError(`${name} is damaged: ${elements.length} of ${bytes} bytes are there; fetch it again`)
  }
  if (crc32(elements) !== checksum) {
    throw new DatasetError(`${name} is damaged: its checksum is wrong; fetch it again`)
  }
  return elements
}

function inflated (name: string, compressed: Buffer, { most, partial }: { most: number, partial: boolean }): Buffer {
  try {
    return inflateRawSync(compressed, { maxOutputLength: most, ...(partial ? { finishFlush: constants.Z_SYNC_FLUSH } : {}) })
  } catch (err) {
    throw new DatasetError(`${name} is damaged, or inflates to more than its header announces (${(err as NodeJS.ErrnoException).code ?? 'no deflate'}); fetch it again`, { cause: err })
  }
}

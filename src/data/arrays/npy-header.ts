/**
 * The header of a NPY file (NumPy's format description, NEP 1): versions 1 to 3
 *
 * The header is a Python literal, of which exactly what NumPy writes for plain arrays is read: no evaluation, no
 * objects, no records.
 */
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { shown } from '../csv.ts'
import { beginsAs } from '../signatures.ts'

/** NumPy refuses longer ones, too, unless told otherwise */
const MAX_HEADER_BYTES = 10_000

/** Enough of a file to hold any header */
export const HEAD_BYTES = MAX_HEADER_BYTES + 12

const MAX_RANK = 8

/** Boolean, unsigned, integer, float, text of bytes, text of Unicode */
export type NpyKind = 'b' | 'u' | 'i' | 'f' | 'S' | 'U'

export interface NpyHeader {
  kind: NpyKind
  /** Bytes of an element */
  size: number
  littleEndian: boolean
  /** The first index is the fastest */
  fortran: boolean
  shape: readonly number[]
  /** Where the elements begin */
  offset: number
  /** Product of the shape */
  count: number
}

const SIZES: Readonly<Record<NpyKind, (size: number) => boolean>> = {
  b: (size) => size === 1,
  u: (size) => [1, 2, 4, 8].includes(size),
  i: (size) => [1, 2, 4, 8].includes(size),
  f: (size) => [2, 4, 8].includes(size),
  S: (size) => size >= 1 && size <= 1024,
  U: (size) => size >= 1 && size <= 1024
}

const REFUSED: Readonly<Record<string, string>> = {
  O: 'Python objects, which are stored as a program (pickle) and not read; save numbers or text',
  V: 'records; save one array for each field',
  c: 'complex numbers; save real ones',
  M: 'dates; save numbers or text',
  m: 'durations; save numbers'
}

/** `head`: the first HEAD_BYTES of the file, or all of it. Throws DatasetError that names `file` */
export function npyHeader (file: string, head: Buffer): NpyHeader {
  if (head.length < 10 || !beginsAs('npy', head)) {
    throw new DatasetError(`${file} is no NPY file: it begins with ${head.subarray(0, 6).toString('hex') || 'nothing'}, not with 934e554d5059`)
  }
  const version = head[6]!
  if (version < 1 || version > 3) {
    throw new DatasetError(`${file} is a NPY file of version ${version}; versions 1 to 3 are read`)
  }
  const start = version === 1 ? 10 : 12
  const length = version === 1 ? head.readUInt16LE(8) : head.length < 12 ? 0 : head.readUInt32LE(8)
  if (length > MAX_HEADER_BYTES) {
    throw new DatasetError(`${file} has a header of ${length} bytes, more than the ${MAX_HEADER_BYTES} that are read; save plain arrays`)
  }
  if (start + length > head.length) {
    throw new DatasetError(`${file} is cut short: it ends inside its header; fetch it again`)
  }
  return parsed(file, head.toString(version === 3 ? 'utf8' : 'latin1', start, start + length), start + length)
}

function parsed (file: string, text: string, offset: number): NpyHeader {
  if (/'descr'\s*:\s*\[/.test(text)) {
    throw new DatasetError(`${file} holds ${REFUSED['V']}`)
  }
  const type = /'descr'\s*:\s*'([<>|=])([A-Za-z])(\d{0,6})(\[[^']*\])?'/.exec(text)
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)
  if (type === null || order === null || shape === null) {
    throw new DatasetError(`${file} has a damaged header: ${shown(printable(text.trim()))}; fetch it again`)
  }
  const sizes = shape[1]!.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part) => Number(part.replace(/L$/, '')))
  const count = sizes.reduce((product, size) => product * size, 1)
  if (sizes.length > MAX_RANK || !Number.isSafeInteger(count)) {
    throw new DatasetError(`${file} has the shape (${shape[1]!.trim().slice(0, 80)}), more than can be read`)
  }
  return { ...elementOf(file, type), littleEndian: type[1] !== '>', fortran: order[1] === 'True', shape: sizes, offset, count }
}

function elementOf (file: string, [, , letter = '', digits = '']: RegExpExecArray): Pick<NpyHeader, 'kind' | 'size'> {
  const refused = REFUSED[letter]
  if (refused !== undefined) {
    throw new DatasetError(`${file} holds ${refused}`)
  }
  const kind = letter as NpyKind
  const length = Number(digits)
  if (SIZES[kind]?.(length) !== true) {
    throw new DatasetError(`${file} holds elements of type ${shown(`${letter}${digits}`)}; booleans, integers and floats of up to 64 bits, and short text are read`)
  }
  return { kind, size: kind === 'U' ? 4 * length : length }
}

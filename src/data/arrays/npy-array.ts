/**
 * An array of a NPY file in memory, element by element or row by row, whatever its order and type
 */
import { DatasetError } from '../../errors.ts'
import type { NpyHeader } from './npy-header.ts'

/** NumPy's 16-bit floats: IEEE 754 binary16 */
function float16 (bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff]
  const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction === 0 ? Infinity : NaN) : (1024 + fraction) * 2 ** (exponent - 25)
  return (bits & 0x8000) === 0 ? size : -size
}

type Reading = (view: DataView, at: number, little: boolean) => number | bigint

const READINGS: Readonly<Record<string, Reading>> = {
  b1: (view, at) => view.getUint8(at) === 0 ? 0 : 1,
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  u8: (view, at, little) => view.getBigUint64(at, little),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, little) => view.getInt16(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  i8: (view, at, little) => view.getBigInt64(at, little),
  f2: (view, at, little) => float16(view.getUint16(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little)
}

export class NpyArray {
  readonly header: NpyHeader
  /** Length of the first axis; 1 for a scalar */
  readonly rows: number
  /** Elements of a row */
  readonly width: number
  private readonly view: DataView
  private readonly bytes: Buffer
  /** Elements from one row to the next, and from a row's beginning to each of its elements */
  private readonly rowStep: number
  private readonly places: Uint32Array | undefined

  /** `bytes`: the elements. Throws DatasetError, which names `file`, when their number is another than the header's */
  constructor (file: string, header: NpyHeader, bytes: Buffer) {
    if (bytes.length !== header.count * header.size) {
      throw new DatasetError(`${file} is ${bytes.length < header.count * header.size ? 'cut short' : 'too long'}: its header announces ${header.count * header.size} bytes (${header.shape.join(' x ')}), and ${bytes.length} are there; fetch it again`)
    }
    this.header = header
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.rows = header.shape[0] ?? 1
    this.width = header.shape.slice(1).reduce((product, size) => product * size, 1)
    this.rowStep = header.fortran ? 1 : this.width
    this.places = header.fortran ? fortranPlaces(header.shape, this.width) : undefined
  }

  /** Element `at` of row `row`, in C order; a boolean as 0 or 1. Of text NaN */
  number (row: number, at: number): number | bigint {
    const { kind, size, littleEndian } = this.header
    return READINGS[`${kind}${size}`]?.(this.view, this.place(row, at), littleEndian) ?? NaN
  }

  /** The same as text, which reads back as this number */
  text (row: number, at: number): string {
    const { kind, size, littleEndian } = this.header
    if (kind !== 'S' && kind !== 'U') {
      return String(this.number(row, at))
    }
    const start = this.place(row, at)
    if (kind === 'S') {
      return this.bytes.toString('utf8', start, start + size).replace(/\0+$/, '')
    }
    let text = ''
    for (let byte = start; byte < start + size; byte += 4) {
      const point = this.view.getUint32(byte, littleEndian)
      text += point === 0 ? '' : point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd'
    }
    return text
  }

  /** A row of samples without a sign, of 8 or 16 bits, in C order */
  samples (row: number): Uint8Array | Uint16Array {
    const samples = this.header.size === 2 ? new Uint16Array(this.width) : new Uint8Array(this.width)
    for (let i = 0; i < this.width; i++) {
      samples[i] = Number(this.number(row, i))
    }
    return samples
  }

  private place (row: number, at: number): number {
    return (row * this.rowStep + (this.places?.[at] ?? at)) * this.header.size
  }
}

/** Distance in elements from a row's beginning to each of its elements, where the first index is the fastest */
function fortranPlaces ([rows = 1, ...shape]: readonly number[], width: number): Uint32Array {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, rows))
  return Uint32Array.from({ length: width }, (_, at) => {
    let [rest, place] = [at, 0]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += (rest % shape[axis]!) * strides[axis]!
      rest = Math.floor(rest / shape[axis]!)
    }
    return place
  })
}

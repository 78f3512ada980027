/**
 * Tensors by name, and their bytes in files
 */
import { endianness } from 'node:os'

export interface NamedTensor {
  /** Such as `dense_1/kernel` */
  name: string
  shape: number[]
  values: Float32Array
}

/** What file formats hold, on every machine */
export function littleEndian (tensors: readonly Float32Array[]): Uint8Array {
  const bytes = Buffer.concat(tensors.map((values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)))
  return endianness() === 'LE' ? bytes : bytes.swap32()
}

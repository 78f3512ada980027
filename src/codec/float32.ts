/**
 * Codec `float32`: the parameters as they are, 4 bytes each
 *
 * Lossless, bit for bit. What is decoded is the memory of the payload itself wherever it can be read as numbers: both
 * are never changed, and whoever keeps an update holds the payload anyway.
 */
import { endianness } from 'node:os'
import { checkParameters, firstUnacceptable, frame, HEADER_BYTES, littleEndian, notFinite, openFrame } from './frame.ts'
import type { Codec } from '../interface.ts'

function encode (parameters: Float32Array): Uint8Array {
  checkParameters(parameters)
  const bytes = frame('float32', parameters.length, 4 * parameters.length)
  new Float32Array(bytes.buffer, HEADER_BYTES).set(parameters)
  littleEndian(bytes.subarray(HEADER_BYTES), 4)
  return bytes
}

function decode (bytes: Uint8Array, parameterCount: number): Float32Array {
  openFrame('float32', bytes, parameterCount, 4 * parameterCount)
  const parameters = viewed(bytes, parameterCount) ?? copied(bytes, parameterCount)
  const index = firstUnacceptable(parameters)
  if (index !== -1) {
    throw notFinite('parameter', index)
  }
  return parameters
}

/** Undefined where the machine cannot read the bytes as they lie */
function viewed ({ buffer, byteOffset }: Uint8Array, parameterCount: number): Float32Array | undefined {
  const offset = byteOffset + HEADER_BYTES
  return offset % 4 === 0 && endianness() === 'LE' ? new Float32Array(buffer, offset, parameterCount) : undefined
}

function copied (bytes: Uint8Array, parameterCount: number): Float32Array {
  const parameters = new Float32Array(parameterCount)
  const copy = new Uint8Array(parameters.buffer)
  copy.set(bytes.subarray(HEADER_BYTES))
  littleEndian(copy, 4)
  return parameters
}

export const float32: Codec = {
  name: 'float32',
  maxEncodedBytes: (parameterCount) => HEADER_BYTES + 4 * parameterCount,
  encode,
  decode
}

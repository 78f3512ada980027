/**
 * Codec `float16`: IEEE 754 binary16, 2 bytes for each parameter
 *
 * Rounds to nearest, ties to even. The error is at most |v| * 2^-11, or 2^-25 below 2^-14 in magnitude; magnitudes
 * above 65504 become 65504. Every finite binary16 decodes exactly.
 */
import { bitsOf, checkParameters, frame, HEADER_BYTES, littleEndian, notFinite, openFrame } from './frame.ts'
import { halfFromFloat, halfToNumber, normalHalfToFloatBits } from './half.ts'
import type { Codec } from '../interface.ts'

const EXPONENT = 0x7c00

function encode (parameters: Float32Array): Uint8Array {
  checkParameters(parameters)
  const bytes = frame('float16', parameters.length, 2 * parameters.length)
  const halves = new Uint16Array(bytes.buffer, HEADER_BYTES)
  const bits = bitsOf(parameters)
  for (let i = 0; i < bits.length; i++) {
    halves[i] = halfFromFloat(bits[i]!, parameters[i]!)
  }
  littleEndian(bytes.subarray(HEADER_BYTES), 2)
  return bytes
}

function decode (bytes: Uint8Array, parameterCount: number): Float32Array {
  openFrame('float16', bytes, parameterCount, 2 * parameterCount)
  const parameters = new Float32Array(parameterCount)
  // The second half of the result holds the binary16 numbers until they are expanded from its beginning: number i
  // ends at byte 4 i + 4 and never reaches number i + 1, which begins at byte 2 n + 2 i + 2
  const halves = new Uint16Array(parameters.buffer, 2 * parameterCount)
  const copy = new Uint8Array(parameters.buffer, 2 * parameterCount)
  copy.set(bytes.subarray(HEADER_BYTES))
  littleEndian(copy, 2)
  expand(halves, parameters)
  return parameters
}

function expand (halves: Uint16Array, parameters: Float32Array): void {
  const bits = bitsOf(parameters)
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!
    const exponent = half & EXPONENT
    if (exponent === EXPONENT) {
      throw notFinite('parameter', i)
    }
    if (exponent === 0) {
      parameters[i] = halfToNumber(half)
    } else {
      bits[i] = normalHalfToFloatBits(half)
    }
  }
}

export const float16: Codec = {
  name: 'float16',
  maxEncodedBytes: (parameterCount) => HEADER_BYTES + 2 * parameterCount,
  encode,
  decode
}

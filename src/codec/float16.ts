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

/**
 * Parameters at a time. The loop over them is a function of its own, which V8 compiles once and well: a loop over the
 * whole vector inside `encode` starts in the interpreter at every call
 */
const BLOCK = 4096

function encode (parameters: Float32Array): Uint8Array {
  checkParameters(parameters)
  const bytes = frame('float16', parameters.length, 2 * parameters.length)
  const halves = new Uint16Array(bytes.buffer, HEADER_BYTES)
  const bits = bitsOf(parameters)
  for (let from = 0; from < bits.length; from += BLOCK) {
    const to = from + BLOCK
    round(bits.subarray(from, to), parameters.subarray(from, to), halves.subarray(from, to))
  }
  littleEndian(bytes.subarray(HEADER_BYTES), 2)
  return bytes
}

function round (bits: Int32Array, values: Float32Array, halves: Uint16Array): void {
  for (let i = 0; i < bits.length; i++) {
    halves[i] = halfFromFloat(bits[i]!, values[i]!)
  }
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
  const bits = bitsOf(parameters)
  for (let from = 0; from < parameterCount; from += BLOCK) {
    const to = from + BLOCK
    const bad = expand(halves.subarray(from, to), parameters.subarray(from, to), bits.subarray(from, to))
    if (bad !== -1) {
      throw notFinite('parameter', from + bad)
    }
  }
  return parameters
}

/** Returns the index of the first NaN or Inf, -1 without one. `bits` is the memory of `values` */
function expand (halves: Uint16Array, values: Float32Array, bits: Int32Array): number {
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!
    const exponent = half & EXPONENT
    if (exponent === EXPONENT) {
      return i
    }
    if (exponent === 0) {
      values[i] = halfToNumber(half)
    } else {
      bits[i] = normalHalfToFloatBits(half)
    }
  }
  return -1
}

export const float16: Codec = {
  name: 'float16',
  maxEncodedBytes: (parameterCount) => HEADER_BYTES + 2 * parameterCount,
  encode,
  decode
}

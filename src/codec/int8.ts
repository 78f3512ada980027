/**
 * Codec `int8`: blocks of 256 parameters, one binary16 scale and 256 signed bytes each; 8.06 bits for each parameter
 *
 *     scales  one unsigned binary16 for each block: max |v|, rounded up
 *     codes   one byte for each parameter, -127 to 127; the last block may be shorter
 *
 * A code c stands for fround(c * fround(scale / 127)): two roundings to float32 that every machine, and a kernel that
 * has float32 lanes only, repeats exactly. The error is at most half a step, scale / 254, and the rounding of float32.
 * Magnitudes above 65504 become 65504. Absolute values, not differences: a decoder needs no state.
 */
import { InvalidUpdateError } from '../errors.ts'
import { checkParameters, frame, HEADER_BYTES, notFinite, openFrame } from './frame.ts'
import { halfNotBelow, halfToNumber, MAX_HALF } from './half.ts'
import type { Codec } from '../interface.ts'

export const INT8_BLOCK = 256

/** Largest code; -128 is not used, so that the range is symmetric */
const MAX_CODE = 127
/** Adding and subtracting it rounds a float64 below 2^51 in magnitude to the nearest integer, ties to even */
const ROUNDING = 1.5 * 2 ** 52

function blockCount (parameterCount: number): number {
  return Math.ceil(parameterCount / INT8_BLOCK)
}

function bodyBytes (parameterCount: number): number {
  return 2 * blockCount(parameterCount) + parameterCount
}

/** Width between two neighbouring values of a block, a float32 */
function stepOf (scale: number): number {
  return Math.fround(halfToNumber(scale) / MAX_CODE)
}

function encode (parameters: Float32Array): Uint8Array {
  checkParameters(parameters)
  const count = parameters.length
  const blocks = blockCount(count)
  const bytes = frame('int8', count, bodyBytes(count))
  const view = new DataView(bytes.buffer)
  const codes = new Int8Array(bytes.buffer, HEADER_BYTES + 2 * blocks, count)
  for (let block = 0; block < blocks; block++) {
    const from = block * INT8_BLOCK
    const values = parameters.subarray(from, from + INT8_BLOCK)
    const scale = halfNotBelow(largestMagnitude(values))
    view.setUint16(HEADER_BYTES + 2 * block, scale, true)
    if (scale > 0) {
      quantise(values, codes.subarray(from, from + INT8_BLOCK), 1 / stepOf(scale))
    }
  }
  return bytes
}

// The loops over a block are functions of their own, which V8 compiles once and well: a loop over the whole vector
// inside `encode` starts in the interpreter at every call

function largestMagnitude (values: Float32Array): number {
  let largest = 0
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!)
    if (magnitude > largest) {
      largest = magnitude
    }
  }
  return largest
}

function quantise (values: Float32Array, codes: Int8Array, stepsPerUnit: number): void {
  for (let i = 0; i < values.length; i++) {
    const code = values[i]! * stepsPerUnit + ROUNDING - ROUNDING
    codes[i] = code > MAX_CODE ? MAX_CODE : code < -MAX_CODE ? -MAX_CODE : code
  }
}

function decode (bytes: Uint8Array, parameterCount: number): Float32Array {
  const view = openFrame('int8', bytes, parameterCount, bodyBytes(parameterCount))
  const blocks = blockCount(parameterCount)
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES + 2 * blocks, parameterCount)
  const parameters = new Float32Array(parameterCount)
  for (let block = 0; block < blocks; block++) {
    const scale = view.getUint16(HEADER_BYTES + 2 * block, true)
    if (scale > MAX_HALF) {
      throw (scale & 0x7fff) > MAX_HALF ? notFinite('scale', block) : new InvalidUpdateError(`scale ${block} of the update is negative`, 'codec')
    }
    const from = block * INT8_BLOCK
    if (dequantise(codes.subarray(from, from + INT8_BLOCK), parameters.subarray(from, from + INT8_BLOCK), stepOf(scale)) < -MAX_CODE) {
      throw new InvalidUpdateError(`block ${block} of the update has the code -128, which int8 does not use`, 'codec')
    }
  }
  return parameters
}

/** Returns the lowest code */
function dequantise (codes: Int8Array, values: Float32Array, step: number): number {
  let lowest = 0
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!
    if (code < lowest) {
      lowest = code
    }
    values[i] = code * step
  }
  return lowest
}

export const int8: Codec = {
  name: 'int8',
  maxEncodedBytes: (parameterCount) => HEADER_BYTES + bodyBytes(parameterCount),
  encode,
  decode
}

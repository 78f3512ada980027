/**
 * What every encoding of a parameter vector has in common: header, bounds, checks
 *
 *     byte 0     format version, 1
 *     byte 1     codec tag: 1 float32, 2 float16, 3 int8
 *     byte 2, 3  reserved, 0
 *     byte 4..7  number of parameters, unsigned 32 bit
 *     byte 8..   the codec's body
 *
 * Everything is little endian. For one vector there is one encoding, of a length that the number of parameters
 * fixes, so a decoder knows before it allocates whether the bytes can be what they claim.
 */
import { endianness } from 'node:os'
import { InvalidUpdateError } from '../errors.ts'
import { MAX_PARAMETERS } from '../limits.ts'

const FORMAT_VERSION = 1

export const HEADER_BYTES = 8

export const CODEC_TAGS = { float32: 1, float16: 2, int8: 3 } as const

export type CodecName = keyof typeof CODEC_TAGS

/**
 * Largest absolute value of a parameter, in and out: 2^49, about 5.6e14
 *
 * No model comes near it, and it keeps arithmetic safe: the squared distance of two vectors of MAX_PARAMETERS such
 * values is 2^126, which neither float64 nor float32 sums can overflow, so a liar cannot turn a distance into Inf.
 */
export const MAX_MAGNITUDE = 2 ** 49

/** Bits of MAX_MAGNITUDE as float32. Without the sign, those of larger numbers, of Inf and of NaN compare greater */
const MAX_MAGNITUDE_BITS = (127 + 49) << 23

/** Throws RangeError when d parameters cannot be encoded at all */
function checkCount (parameterCount: number): void {
  if (!Number.isInteger(parameterCount) || parameterCount < 1 || parameterCount > MAX_PARAMETERS) {
    throw new RangeError(`a parameter vector has 1 to ${MAX_PARAMETERS} elements, not ${parameterCount}`)
  }
}

/** The same memory as integers: float32 bits are compared, rounded and copied as such */
export function bitsOf (parameters: Float32Array): Int32Array {
  return new Int32Array(parameters.buffer, parameters.byteOffset, parameters.length)
}

/** Index of the first element that is NaN, Inf or beyond MAX_MAGNITUDE; -1 when there is none */
export function firstUnacceptable (parameters: Float32Array): number {
  const bits = bitsOf(parameters)
  const grouped = bits.length - bits.length % 4
  // Negative as soon as one element is too large. Without a branch, four at a time: twice as fast as a search
  let excess = 0
  for (let i = 0; i < grouped; i += 4) {
    excess |= (MAX_MAGNITUDE_BITS - (bits[i]! & 0x7fffffff)) | (MAX_MAGNITUDE_BITS - (bits[i + 1]! & 0x7fffffff)) |
      (MAX_MAGNITUDE_BITS - (bits[i + 2]! & 0x7fffffff)) | (MAX_MAGNITUDE_BITS - (bits[i + 3]! & 0x7fffffff))
  }
  for (let i = excess < 0 ? 0 : grouped; i < bits.length; i++) {
    if ((bits[i]! & 0x7fffffff) > MAX_MAGNITUDE_BITS) {
      return i
    }
  }
  return -1
}

/**
 * The own vector must be publishable. Throws RangeError with the index of the first element that is NaN, Inf or
 * beyond MAX_MAGNITUDE, or when the vector is empty or too long
 */
export function checkParameters (parameters: Float32Array): void {
  checkCount(parameters.length)
  const index = firstUnacceptable(parameters)
  if (index !== -1) {
    throw new RangeError(`parameter ${index} is ${parameters[index]}: only finite values up to ${MAX_MAGNITUDE} in magnitude can be encoded`)
  }
}

/** Numbers of `width` bytes, in place: the machine's byte order to little endian, or back */
export function littleEndian (bytes: Uint8Array, width: 2 | 4): void {
  if (endianness() === 'BE') {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (width === 2) {
      buffer.swap16()
    } else {
      buffer.swap32()
    }
  }
}

/** A zeroed buffer of header and body, with the header in place */
export function frame (codec: CodecName, parameterCount: number, bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes)
  bytes[0] = FORMAT_VERSION
  bytes[1] = CODEC_TAGS[codec]
  new DataView(bytes.buffer).setUint32(4, parameterCount, true)
  return bytes
}

function checkTag (codec: CodecName, tag: number): void {
  if (tag === CODEC_TAGS[codec]) {
    return
  }
  const other = Object.entries(CODEC_TAGS).find(([, known]) => known === tag)?.[0]
  if (other !== undefined) {
    throw new InvalidUpdateError(`update is encoded as ${other}, but the federation uses ${codec}`, 'wrong-codec')
  }
  throw new InvalidUpdateError(`update has the unknown codec tag ${tag}`, 'codec')
}

/**
 * Checks header and length of what another peer sent; returns a view of exactly the bytes
 *
 * Throws InvalidUpdateError: `codec` for a damaged header or a wrong length, `wrong-codec` for another codec's bytes,
 * `shape` for another number of parameters. Throws RangeError when the expected count itself is out of range
 */
export function openFrame (codec: CodecName, bytes: Uint8Array, parameterCount: number, bodyBytes: number): DataView {
  checkCount(parameterCount)
  if (bytes.byteLength < HEADER_BYTES) {
    throw new InvalidUpdateError(`update has ${bytes.byteLength} bytes, less than its header of ${HEADER_BYTES}`, 'codec')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint8(0)
  if (version !== FORMAT_VERSION || view.getUint16(2, true) !== 0) {
    throw new InvalidUpdateError(`update has format version ${version} and reserved field ${view.getUint16(2, true)}, expected ${FORMAT_VERSION} and 0`, 'codec')
  }
  checkTag(codec, view.getUint8(1))
  const count = view.getUint32(4, true)
  if (count !== parameterCount) {
    throw new InvalidUpdateError(`update has ${count} parameters, the federation's model ${parameterCount}`, 'shape')
  }
  if (bytes.byteLength !== HEADER_BYTES + bodyBytes) {
    throw new InvalidUpdateError(`update has ${bytes.byteLength} bytes, ${codec} needs exactly ${HEADER_BYTES + bodyBytes} for ${count} parameters`, 'codec')
  }
  return view
}

/** For decoders: the value at `index` is NaN, Inf or beyond MAX_MAGNITUDE */
export function notFinite (what: string, index: number): InvalidUpdateError {
  return new InvalidUpdateError(`${what} ${index} of the update is not a finite number up to ${MAX_MAGNITUDE} in magnitude`, 'not-finite')
}

/**
 * A delta that loses nothing: the bits that changed since the update before, deflated
 *
 * A customer of the ports: it knows how to write a difference down, and nothing of streams, gaps, peers or rounds.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { InvalidUpdateError } from '../../src/errors.ts'
import type { DeltaCodec } from '../../src/index.ts'

function bitsOf (vector: Float32Array): Int32Array {
  return new Int32Array(vector.buffer, vector.byteOffset, vector.length)
}

/** Fastest: what compresses here is the top bytes, which are mostly zero */
const LEVEL = 1

export const exactDelta: DeltaCodec = {
  encode: (parameters, base) => {
    const [now, before] = [bitsOf(parameters), bitsOf(base)]
    const d = now.length
    // one plane for each byte: signs and exponents seldom change
    const planes = new Uint8Array(4 * d)
    for (let i = 0; i < d; i++) {
      const difference = now[i]! ^ before[i]!
      for (let plane = 0; plane < 4; plane++) {
        planes[plane * d + i] = difference >>> 8 * plane
      }
    }
    return Uint8Array.from(deflateRawSync(planes, { level: LEVEL }))
  },

  decode: (bytes, base) => {
    const d = base.length
    const planes = inflated(bytes, 4 * d)
    const parameters = base.slice()
    const bits = bitsOf(parameters)
    for (let i = 0; i < d; i++) {
      bits[i]! ^= planes[i]! | planes[d + i]! << 8 | planes[2 * d + i]! << 16 | planes[3 * d + i]! << 24
    }
    return parameters
  }
}

/** Never more than `length` bytes, whatever the input expands to */
function inflated (bytes: Uint8Array, length: number): Uint8Array {
  let planes: Uint8Array
  try {
    planes = inflateRawSync(bytes, { maxOutputLength: length })
  } catch (err) {
    throw new InvalidUpdateError('the delta cannot be inflated', 'codec', { cause: err })
  }
  if (planes.byteLength !== length) {
    throw new InvalidUpdateError(`the delta has ${planes.byteLength} bytes, not ${length}`, 'shape')
  }
  return planes
}

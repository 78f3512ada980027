/**
 * What every Codec must do
 */
import fc from 'fast-check'
import { MAX_MAGNITUDE } from '../codec/frame.ts'
import { InvalidUpdateError } from '../errors.ts'
import { MAX_PARAMETERS } from '../limits.ts'
import { seededRandom } from '../seeded-random.ts'
import { describe, expect, it } from './test-runner.ts'
import type { Codec } from '../interface.ts'

/** Any vector that may be encoded: tiny, huge, subnormal and equal values included */
export function parameterVectors (maxLength = 600): fc.Arbitrary<Float32Array> {
  return fc.oneof(
    fc.float32Array({ minLength: 1, maxLength, noNaN: true, noDefaultInfinity: true }).map((vector) => vector.map((value) => Math.max(-MAX_MAGNITUDE, Math.min(MAX_MAGNITUDE, value)))),
    fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength }).map((values) => Float32Array.from(values))
  )
}

/** The reason of the refusal; undefined when `decode` accepted. Any other error fails the test */
export function refusal (decode: () => Float32Array): InvalidUpdateError['reason'] | undefined {
  try {
    decode()
    return undefined
  } catch (err) {
    if (err instanceof InvalidUpdateError) {
      return err.reason
    }
    throw err
  }
}

function isAcceptable (vector: Float32Array): boolean {
  return vector.every((value) => Math.abs(value) <= MAX_MAGNITUDE)
}

/** `errorBound`: largest |decoded - value| that the codec documents, for one value among its vector */
export function codecContract (codec: Codec, errorBound: (value: number, index: number, vector: Float32Array) => number): void {
  describe(`codec contract: ${codec.name}`, () => {
    it('gives back what it took, within the documented error', () => {
      fc.assert(fc.property(parameterVectors(), (vector) => {
        const decoded = codec.decode(codec.encode(vector), vector.length)
        expect(decoded).toHaveLength(vector.length)
        vector.forEach((value, i) => {
          expect(Math.abs(decoded[i]! - value)).toBeLessThanOrEqual(errorBound(value, i, vector))
        })
      }))
    })

    it('encodes equal vectors equally and mutates none of its arguments', () => {
      fc.assert(fc.property(parameterVectors(), (vector) => {
        const copy = vector.slice()
        const bytes = codec.encode(vector)
        const bytesCopy = bytes.slice()
        expect(codec.encode(copy)).toEqual(bytes)
        expect(codec.decode(bytes, vector.length)).toEqual(codec.decode(bytesCopy, vector.length))
        expect(vector).toEqual(copy)
        expect(bytes).toEqual(bytesCopy)
      }))
    })

    it('encodes a view into a larger buffer like a vector of its own', () => {
      const larger = Float32Array.from({ length: 700 }, (_, i) => Math.sin(i))
      const view = larger.subarray(13, 613)

      expect(codec.encode(view)).toEqual(codec.encode(view.slice()))
    })

    it('says how many bytes it makes, and makes no more', () => {
      for (const count of [1, 2, 255, 256, 257, 511, 512, 1000]) {
        expect(codec.encode(new Float32Array(count).fill(0.5)).byteLength).toBe(codec.maxEncodedBytes(count))
      }
    })

    it('decodes at any byte offset and reads nothing around the bytes', () => {
      fc.assert(fc.property(parameterVectors(), fc.nat(7), (vector, offset) => {
        const bytes = codec.encode(vector)
        const around = new Uint8Array(bytes.length + offset + 5).fill(0xff)
        around.set(bytes, offset)
        expect(codec.decode(around.subarray(offset, offset + bytes.length), vector.length)).toEqual(codec.decode(bytes, vector.length))
      }))
    })

    for (const value of [NaN, Infinity, -Infinity, 2 * MAX_MAGNITUDE, -3.4e38]) {
      it(`does not encode ${value}, and names its place`, () => {
        for (const index of [0, 5, 299]) {
          const vector = new Float32Array(300).fill(0.25)
          vector[index] = value
          expect(() => codec.encode(vector)).toThrow(RangeError)
          expect(() => codec.encode(vector)).toThrow(`parameter ${index} is`)
        }
      })
    }

    it('does not encode an empty vector', () => {
      expect(() => codec.encode(new Float32Array(0))).toThrow(RangeError)
    })

    for (const count of [0, -1, 1.5, NaN, MAX_PARAMETERS + 1]) {
      it(`takes ${count} for a mistake of the caller when that many parameters are expected`, () => {
        expect(() => codec.decode(codec.encode(new Float32Array(4)), count)).toThrow(RangeError)
      })
    }

    it('refuses another number of parameters as a wrong shape', () => {
      const bytes = codec.encode(new Float32Array(300))

      expect(refusal(() => codec.decode(bytes, 299))).toBe('shape')
      expect(refusal(() => codec.decode(bytes, 301))).toBe('shape')
      expect(refusal(() => codec.decode(bytes, MAX_PARAMETERS))).toBe('shape')
    })

    it('refuses bytes that end too early or too late, at every length', () => {
      const bytes = codec.encode(new Float32Array(40).fill(1))
      for (let length = 0; length < bytes.length; length++) {
        expect(refusal(() => codec.decode(bytes.subarray(0, length), 40))).toBe('codec')
      }
      for (const extra of [1, 2, 3, 4, 1000]) {
        const longer = new Uint8Array(bytes.length + extra)
        longer.set(bytes)
        expect(refusal(() => codec.decode(longer, 40))).toBe('codec')
      }
    })

    it('refuses a header that claims more parameters than there are bytes, without allocating for them', () => {
      const bytes = codec.encode(new Float32Array(4))
      new DataView(bytes.buffer).setUint32(4, MAX_PARAMETERS, true)
      const before = process.memoryUsage().arrayBuffers

      for (let i = 0; i < 100; i++) {
        expect(refusal(() => codec.decode(bytes, MAX_PARAMETERS))).toBe('codec')
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20)
    })

    for (const [at, value, reason] of [[0, 0, 'codec'], [0, 2, 'codec'], [1, 0, 'codec'], [1, 99, 'codec'], [2, 1, 'codec'], [3, 1, 'codec']] as const) {
      it(`refuses header byte ${at} with value ${value}`, () => {
        const bytes = codec.encode(new Float32Array(4))
        bytes[at] = value

        expect(refusal(() => codec.decode(bytes, 4))).toBe(reason)
      })
    }

    it('refuses garbage or decodes it to finite numbers, and throws nothing else', () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 400 }), (bytes, count) => {
        refusal(() => {
          const decoded = codec.decode(bytes, count)
          expect(isAcceptable(decoded)).toBe(true)
          return decoded
        })
      }))
    })

    it('survives flipped bits: what it accepts is finite and of the right length', () => {
      fc.assert(fc.property(parameterVectors(), fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), (vector, flips) => {
        const bytes = codec.encode(vector)
        for (const flip of flips) {
          bytes[(flip >>> 3) % bytes.length]! ^= 1 << (flip & 7)
        }
        refusal(() => {
          const decoded = codec.decode(bytes, vector.length)
          expect(decoded).toHaveLength(vector.length)
          expect(isAcceptable(decoded)).toBe(true)
          return decoded
        })
      }))
    })

    it('survives a random body under a valid header', () => {
      fc.assert(fc.property(fc.integer({ min: 1, max: 700 }), fc.nat(), (count, seed) => {
        const bytes = codec.encode(new Float32Array(count).fill(1))
        const random = seededRandom(seed)
        for (let i = 8; i < bytes.length; i++) {
          bytes[i] = 256 * random()
        }
        const reason = refusal(() => {
          const decoded = codec.decode(bytes, count)
          expect(isAcceptable(decoded)).toBe(true)
          return decoded
        })
        expect([undefined, 'codec', 'not-finite']).toContain(reason)
      }))
    })
  })
}

import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CODEC_NAMES, createCodec } from '../../src/codec/codec.ts'
import { MAX_MAGNITUDE } from '../../src/codec/frame.ts'
import { INT8_BLOCK } from '../../src/codec/int8.ts'
import { MAX_PARAMETERS } from '../../src/limits.ts'
import { codecContract, parameterVectors, refusal } from '../../src/contracts/codec.ts'

const os = vi.hoisted(() => ({ order: 'LE' }))
vi.mock('node:os', async (original) => ({ ...await original<object>(), endianness: () => os.order }))

const LARGEST_HALF = 65504

function saturated (value: number): number {
  return Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, value))
}

function halfError (value: number): number {
  return Math.abs(value - saturated(value)) + Math.max(Math.abs(saturated(value)) * 2 ** -11, 2 ** -25)
}

/**
 * Half a step of the block's scale, which is at most one binary16 step above the largest magnitude, and float32
 * rounding
 */
function int8Error (value: number, index: number, vector: Float32Array): number {
  const from = index - index % INT8_BLOCK
  const largest = Math.abs(saturated(vector.subarray(from, from + INT8_BLOCK).reduce((most, v) => Math.max(most, Math.abs(v)), 0)))
  const scale = Math.max(largest * (1 + 2 ** -10), largest + 2 ** -24)
  return Math.abs(value - saturated(value)) + scale / 254 * (1 + 2 ** -15)
}

codecContract(createCodec('float32'), () => 0)
codecContract(createCodec('float16'), halfError)
codecContract(createCodec('int8'), int8Error)

describe('createCodec', () => {
  it('knows the codecs of the federation document by name', () => {
    expect(CODEC_NAMES).toEqual(['float32', 'float16', 'int8'])
    for (const name of CODEC_NAMES) {
      expect(createCodec(name).name).toBe(name)
    }
  })

  it('suggests the nearest name for a mistyped one', () => {
    expect(() => createCodec('flaot16')).toThrow(new RangeError('unknown codec "flaot16" (did you mean "float16"?)'))
    expect(() => createCodec('constructor')).toThrow(RangeError)
  })
})

describe('the common frame', () => {
  it('refuses the bytes of another codec as such', () => {
    for (const made of CODEC_NAMES) {
      for (const expected of CODEC_NAMES.filter((name) => name !== made)) {
        expect(refusal(() => createCodec(expected).decode(createCodec(made).encode(new Float32Array(9)), 9))).toBe('wrong-codec')
      }
    }
  })

  it('bounds magnitudes so that no squared distance of the longest vectors overflows, not even in float32', () => {
    expect(MAX_PARAMETERS * (2 * MAX_MAGNITUDE) ** 2).toBeLessThan(3.4028234e38)
  })

  it('accepts the largest magnitude', () => {
    const vector = Float32Array.of(MAX_MAGNITUDE, -MAX_MAGNITUDE)

    expect(createCodec('float32').decode(createCodec('float32').encode(vector), 2)).toEqual(vector)
  })

  it('is what it is documented to be, byte by byte', () => {
    const vector = Float32Array.of(1, -2.5)

    expect([...createCodec('float32').encode(vector)]).toEqual([1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0])
    expect([...createCodec('float16').encode(vector)]).toEqual([1, 2, 0, 0, 2, 0, 0, 0, 0, 0x3c, 0, 0xc1])
    // Scale 2.5, codes round(1 / 2.5 * 127) and -127
    expect([...createCodec('int8').encode(vector)]).toEqual([1, 3, 0, 0, 2, 0, 0, 0, 0, 0x41, 51, 129])
  })
})

describe('on a big-endian machine', () => {
  afterEach(() => {
    os.order = 'LE'
  })

  it.each([['float32', 4], ['float16', 2]] as const)('%s swaps the bytes of its numbers on the way out and back in', (name, width) => {
    const codec = createCodec(name)
    const vector = Float32Array.of(1, -2.5, 0.125)
    const little = codec.encode(vector)
    os.order = 'BE'
    const swapped = codec.encode(vector)

    for (let at = 8; at < little.length; at += width) {
      expect([...swapped.subarray(at, at + width)]).toEqual([...little.subarray(at, at + width)].reverse())
    }
    expect(codec.decode(swapped, 3)).toEqual(vector)
  })
})

describe('float32', () => {
  const codec = createCodec('float32')

  it('keeps every bit', () => {
    fc.assert(fc.property(parameterVectors(), (vector) => {
      const decoded = codec.decode(codec.encode(vector), vector.length)
      expect(new Uint8Array(decoded.slice().buffer)).toEqual(new Uint8Array(vector.slice().buffer))
    }))
  })

  it.each([NaN, Infinity, -Infinity, 3.4e38, -1e15])('refuses %d from the network, at every place', (value) => {
    for (let place = 0; place < 9; place++) {
      const bytes = codec.encode(new Float32Array(9))
      new DataView(bytes.buffer).setFloat32(8 + 4 * place, value, true)
      expect(refusal(() => codec.decode(bytes, 9))).toBe('not-finite')
    }
  })
})

describe('float16', () => {
  const codec = createCodec('float16')

  function decodeHalf (half: number): number {
    const bytes = codec.encode(Float32Array.of(0))
    new DataView(bytes.buffer).setUint16(8, half, true)
    return codec.decode(bytes, 1)[0]!
  }

  function encodeHalf (value: number): number {
    return new DataView(codec.encode(Float32Array.of(value)).buffer).getUint16(8, true)
  }

  it('decodes and encodes each of the 63,488 finite numbers exactly', () => {
    const halves = Array.from({ length: 65_536 }, (_, half) => half).filter((half) => (half & 0x7c00) !== 0x7c00)
    const bytes = new Uint8Array(8 + 2 * halves.length)
    bytes.set(codec.encode(new Float32Array(halves.length)).subarray(0, 8))
    halves.forEach((half, i) => { new DataView(bytes.buffer).setUint16(8 + 2 * i, half, true) })

    const decoded = codec.decode(bytes, halves.length)

    halves.forEach((half, i) => {
      const exponent = (half >> 10) & 31
      const magnitude = exponent === 0 ? (half & 1023) * 2 ** -24 : (1 + (half & 1023) / 1024) * 2 ** (exponent - 15)
      expect(Object.is(decoded[i], half >= 0x8000 ? -magnitude : magnitude)).toBe(true)
    })
    expect(codec.encode(decoded)).toEqual(bytes)
  })

  it('rounds halfway cases to even, in the normal range and below it', () => {
    expect(encodeHalf(1 + 2 ** -11)).toBe(0x3c00)
    expect(encodeHalf(1 + 3 * 2 ** -11)).toBe(0x3c02)
    expect(encodeHalf(1 + 2 ** -11 + 2 ** -23)).toBe(0x3c01)
    expect(encodeHalf(2 - 2 ** -12)).toBe(0x4000)
    expect(encodeHalf(2 ** -25)).toBe(0)
    expect(encodeHalf(3 * 2 ** -25)).toBe(2)
    expect(encodeHalf(2 ** -14 - 2 ** -26)).toBe(0x0400)
    expect(encodeHalf(-(2 ** -24))).toBe(0x8001)
    expect(encodeHalf(1e-40)).toBe(0)
  })

  it('is nearest: no other binary16 lies closer', () => {
    fc.assert(fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), (value) => {
      const half = encodeHalf(value)
      const error = Math.abs(decodeHalf(half) - value)
      const magnitude = half & 0x7fff
      for (const other of [magnitude - 1, magnitude + 1].filter((h) => h >= 0)) {
        expect(Math.abs(decodeHalf((half & 0x8000) | other) - value)).toBeGreaterThanOrEqual(error)
      }
    }), { numRuns: 2000 })
  })

  it('saturates instead of overflowing', () => {
    for (const value of [65504, 65519, 65520, 65535, 65536, 1e6, MAX_MAGNITUDE]) {
      expect(decodeHalf(encodeHalf(value))).toBe(65504)
      expect(decodeHalf(encodeHalf(-value))).toBe(-65504)
    }
  })

  it('refuses NaN and Inf from the network', () => {
    for (const half of [0x7c00, 0xfc00, 0x7c01, 0x7e00, 0xffff]) {
      const bytes = codec.encode(new Float32Array(5000))
      new DataView(bytes.buffer).setUint16(8 + 2 * 4999, half, true)
      expect(refusal(() => codec.decode(bytes, 5000))).toBe('not-finite')
    }
  })
})

describe('int8', () => {
  const codec = createCodec('int8')

  it('costs 8.06 bits for each parameter', () => {
    expect(codec.maxEncodedBytes(235_146) * 8 / 235_146).toBeCloseTo(8.063, 2)
  })

  it('errs by half a step of the own block, whatever the other blocks hold', () => {
    const vector = Float32Array.from({ length: 3 * INT8_BLOCK }, (_, i) => Math.sin(i) * [1e-6, 1e4, 0.05][Math.floor(i / INT8_BLOCK)]!)

    const decoded = codec.decode(codec.encode(vector), vector.length)

    vector.forEach((value, i) => {
      expect(Math.abs(decoded[i]! - value)).toBeLessThanOrEqual(int8Error(value, i, vector))
    })
  })

  it('never decodes beyond the scale of the block', () => {
    fc.assert(fc.property(parameterVectors(), (vector) => {
      const bytes = codec.encode(vector)
      const decoded = codec.decode(bytes, vector.length)
      const codes = new Int8Array(bytes.buffer, bytes.length - vector.length)
      expect(codes.every((code) => code >= -127)).toBe(true)
      expect(decoded.every((value) => Math.abs(value) <= LARGEST_HALF * (1 + 2 ** -22))).toBe(true)
    }))
  })

  it('saturates magnitudes beyond binary16', () => {
    const decoded = codec.decode(codec.encode(Float32Array.of(1e9, -1e9, 65504, 0)), 4)

    expect([...decoded].map((value) => Math.round(value))).toEqual([65504, -65504, 65504, 0])
  })

  it('decodes a second time to the same: the decoded vector is nearly a fixed point', () => {
    fc.assert(fc.property(parameterVectors(300), (vector) => {
      const once = codec.decode(codec.encode(vector), vector.length)
      const twice = codec.decode(codec.encode(once), vector.length)
      once.forEach((value, i) => {
        expect(Math.abs(twice[i]! - value)).toBeLessThanOrEqual(int8Error(value, i, once))
      })
    }))
  })

  it('uses float32 arithmetic only, so that any kernel can repeat it', () => {
    const vector = Float32Array.from({ length: 256 }, (_, i) => Math.cos(i) * 0.3)
    const bytes = codec.encode(vector)
    const decoded = codec.decode(bytes, 256)
    const half = new DataView(bytes.buffer).getUint16(8, true)
    const step = Math.fround(Math.fround((1024 + (half & 1023)) * 2 ** ((half >> 10) - 25)) / Math.fround(127))

    expect([...decoded]).toEqual([...new Int8Array(bytes.buffer, 10)].map((code) => Math.fround(step * code)))
  })

  it('refuses NaN and Inf scales, negative scales and the code -128', () => {
    function altered (change: (view: DataView) => void): InvalidUpdateReason {
      const bytes = codec.encode(new Float32Array(600).fill(1))
      change(new DataView(bytes.buffer))
      return refusal(() => codec.decode(bytes, 600))
    }
    for (const half of [0x7c00, 0xfc00, 0x7e00, 0xffff]) {
      expect(altered((view) => { view.setUint16(8 + 4, half, true) })).toBe('not-finite')
    }
    expect(altered((view) => { view.setUint16(8, 0x8000, true) })).toBe('codec')
    expect(altered((view) => { view.setUint16(8, 0xbc00, true) })).toBe('codec')
    expect(altered((view) => { view.setInt8(view.byteLength - 1, -128) })).toBe('codec')
  })
})

type InvalidUpdateReason = ReturnType<typeof refusal>

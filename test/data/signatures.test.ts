import { describe, expect, it } from 'vitest'
import type { SIGNATURES } from '../../src/data/signatures.ts'
import { beginsAs, SIGNATURE_BYTES } from '../../src/data/signatures.ts'

/** As the specifications have them */
const BEGINNINGS = {
  png: [0x89, 0x50, 0x4e, 0x47], // W3C PNG, 5.2
  jpeg: [0xff, 0xd8, 0xff], // ITU-T T.81, B.1.1.3: SOI, and the first byte of the next marker
  parquet: [0x50, 0x41, 0x52, 0x31],
  encryptedParquet: [0x50, 0x41, 0x52, 0x45],
  gzip: [0x1f, 0x8b], // RFC 1952, 2.3.1
  npy: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], // NEP 1
  zip: [0x50, 0x4b, 0x03, 0x04], // APPNOTE 4.3.7
  emptyZip: [0x50, 0x4b, 0x05, 0x06] // 4.3.16
} satisfies Record<keyof typeof SIGNATURES, number[]>

const NAMES = Object.keys(BEGINNINGS) as Array<keyof typeof SIGNATURES>

describe('the first bytes of a file', () => {
  it.each(NAMES)('name %s and nothing else', (name) => {
    const file = Uint8Array.from([...BEGINNINGS[name], 1, 2, 3])
    expect(NAMES.filter((other) => beginsAs(other, file))).toEqual([name])
    expect(beginsAs(name, file.subarray(0, BEGINNINGS[name].length))).toBe(true)
    expect(beginsAs(name, file.subarray(0, BEGINNINGS[name].length - 1))).toBe(false)
    expect(beginsAs(name, file.subarray(1))).toBe(false)
  })

  it('that are to be read are enough for each', () => {
    expect(SIGNATURE_BYTES).toBe(Math.max(...Object.values(BEGINNINGS).map(({ length }) => length)))
  })
})

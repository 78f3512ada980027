/**
 * Attack `nan`: one NaN among honest parameters, to poison every sum that it enters
 */
import { CODEC_TAGS, HEADER_BYTES } from '../codec/frame.ts'
import type { Attack } from './attack.ts'

const FLOAT_NAN = 0x7fc00000
const HALF_NAN = 0x7e00

/** Throws RangeError when a strength is given: a NaN has none */
export function nan (strength?: number): Attack {
  if (strength !== undefined) {
    throw new RangeError(`attack nan: takes no strength, got ${strength}`)
  }
  return {
    name: 'nan',
    corrupt: ({ own }) => {
      const corrupted = own.slice()
      corrupted[0] = NaN
      return corrupted
    },
    corruptPayload: (payload) => {
      const corrupted = payload.slice()
      const view = new DataView(corrupted.buffer, corrupted.byteOffset, corrupted.byteLength)
      // The body begins with the first parameter, or with the first block's scale
      if (view.getUint8(1) === CODEC_TAGS.float32) {
        view.setUint32(HEADER_BYTES, FLOAT_NAN, true)
      } else {
        view.setUint16(HEADER_BYTES, HALF_NAN, true)
      }
      return corrupted
    }
  }
}

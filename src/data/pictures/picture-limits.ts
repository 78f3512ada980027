/**
 * What a picture file may ask for before anything is allocated by its word
 */
import { DatasetError } from '../../errors.ts'

/** 33.5 megapixels: twice a radiograph or a phone's photograph. Decoding takes up to some 20 bytes for each */
export const MAX_PIXELS = 2 ** 25

/** Longest side: a JPEG cannot say more, and resizing counts on it */
const MAX_SIDE = 65_535

/** As much as an uncompressed picture of MAX_PIXELS in 16-bit colour with alpha takes */
export const MAX_FILE_BYTES = 2 ** 28

/** Throws DatasetError for a picture without pixels, and for a bomb. `path` is printable */
export function requireSize (path: string, width: number, height: number): void {
  if (width === 0 || height === 0) {
    throw new DatasetError(`${path} has no pixels: its header says ${width} x ${height}; remove it`)
  }
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
    throw new DatasetError(`${path} has ${width} x ${height} pixels, more than is decoded (${MAX_PIXELS}, ${MAX_SIDE} on a side); make it smaller`)
  }
}

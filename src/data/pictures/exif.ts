/**
 * The one thing that is asked of Exif data: which way up the camera was held
 */

const ORIENTATION = 0x0112
const SHORT = 3

/** 1 to 8, where an APP1 segment says it. Undefined for anything else, damaged or not */
export function exifOrientation (segment: Uint8Array): number | undefined {
  if (Buffer.from(segment.subarray(0, 6)).toString('latin1') !== 'Exif\0\0' || segment.length < 14) {
    return undefined
  }
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.byteLength - 6)
  const little = tiff.getUint16(0) === 0x4949
  const directory = tiff.getUint32(4, little)
  if (directory + 2 > tiff.byteLength) {
    return undefined
  }
  const entries = tiff.getUint16(directory, little)
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i
    if (entry + 12 > tiff.byteLength) {
      return undefined
    }
    if (tiff.getUint16(entry, little) === ORIENTATION && tiff.getUint16(entry + 2, little) === SHORT) {
      const value = tiff.getUint16(entry + 8, little)
      return value >= 1 && value <= 8 ? value : undefined
    }
  }
  return undefined
}

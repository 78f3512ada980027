/**
 * JPEG files (ITU-T T.81, Exif 2.32): header and decoding, by jpeg-js
 *
 * jpeg-js is plain JavaScript, so the same file has the same pixels on every machine: decoders differ in the last bit,
 * and a faster one where it is installed would give members other examples, and a dataset another fingerprint.
 */
import jpeg from 'jpeg-js'
import { DatasetError } from '../../errors.ts'
import { beginsAs } from '../signatures.ts'
import { exifOrientation } from './exif.ts'
import { orient } from './orient.ts'
import { requireSize } from './picture-limits.ts'
import type { Raster, RasterShape } from './raster.ts'

/** jpeg-js adds up what it allocates; MAX_PIXELS in colour stay below */
/** Encoders make about ten; thumbnails have their own */
const MAX_SCANS = 200

const MAX_DECODER_MB = 1024
const MAX_MEGAPIXELS = 34

const APP1 = 0xe1
const SOS = 0xda
const EOI = 0xd9
/** Of the frames: baseline, extended and progressive, with Huffman codes */
const READABLE_FRAMES: readonly number[] = [0xc0, 0xc1, 0xc2]

export function isJpeg (bytes: Uint8Array): boolean {
  return beginsAs('jpeg', bytes)
}

interface JpegHeader extends RasterShape {
  /** 1 to 8, of Exif: how the stored picture is to be turned. Width and height are those after it */
  orientation: number
}

/**
 * Undefined when the header goes on after `bytes`. Throws DatasetError for kinds of JPEG that cannot be read, a header
 * that is damaged, or too large a picture
 */
export function jpegHeader (path: string, bytes: Uint8Array): JpegHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let orientation = 1
  for (let at = 2; at + 4 <= bytes.length;) {
    const marker = bytes[at + 1]!
    if (bytes[at] !== 0xff || marker === SOS || marker === EOI) {
      throw new DatasetError(`${path} is a damaged JPEG: no size stands before its data; fetch it again`)
    }
    if (marker === 0xff) {
      // a fill byte
      at++
      continue
    }
    const size = view.getUint16(at + 2)
    if (at + 2 + size > bytes.length) {
      return undefined
    }
    const segment = bytes.subarray(at + 4, at + 2 + size)
    if (isFrame(marker)) {
      return frameHeader(path, marker, segment, orientation)
    }
    orientation = marker === APP1 ? exifOrientation(segment) ?? orientation : orientation
    at += 2 + Math.max(2, size)
  }
  return undefined
}

/** Start of frame; 0xc4, 0xc8 and 0xcc are tables */
function isFrame (marker: number): boolean {
  return marker === 0xc0 || (marker > 0xc0 && marker < 0xd0 && marker % 4 !== 0)
}

function frameHeader (path: string, marker: number, frame: Uint8Array, orientation: number): JpegHeader {
  if (frame.length < 6) {
    throw new DatasetError(`${path} is a damaged JPEG: its frame is too short; fetch it again`)
  }
  const [precision, y1, y0, x1, x0, components] = frame as unknown as [number, number, number, number, number, number]
  if (!READABLE_FRAMES.includes(marker) || precision !== 8) {
    throw new DatasetError(`${path} is a JPEG of a kind that is not read (frame 0x${marker.toString(16)}, ${precision} bits: lossless, arithmetic or of more than 8 bits); save it as PNG`)
  }
  if (components !== 1 && components !== 3) {
    throw new DatasetError(`${path} is a JPEG of ${components} colour components, not of grey or RGB (is it for print, CMYK?); save it as RGB`)
  }
  const [width, height] = [256 * x1 + x0, 256 * y1 + y0]
  requireSize(path, width, height)
  const turned = orientation > 4
  return { width: turned ? height : width, height: turned ? width : height, channels: components, bits: 8, orientation }
}

/** Every scan is a walk over the whole picture. Throws DatasetError; a marker inside of Exif data counts, too */
function requireFewScans (path: string, bytes: Buffer): void {
  const scan = Buffer.from([0xff, 0xda])
  let scans = 0
  for (let at = bytes.indexOf(scan); at !== -1; at = bytes.indexOf(scan, at + scan.length)) {
    scans++
  }
  if (scans > MAX_SCANS) {
    throw new DatasetError(`${path} has ${scans} scans, more than ${MAX_SCANS}: save it again as a plain JPEG`)
  }
}

/** Turned as its Exif data say. Throws DatasetError for a damaged file, and as `jpegHeader` does */
export function decodeJpeg (path: string, bytes: Buffer): Raster {
  const header = jpegHeader(path, bytes)
  if (header === undefined || bytes.lastIndexOf(Buffer.from([0xff, EOI])) === -1) {
    throw new DatasetError(`${path} is cut short: ${bytes.length} bytes are not the whole JPEG; fetch it again`)
  }
  requireFewScans(path, bytes)
  const { channels, orientation } = header
  let decoded: { width: number, height: number, data: Uint8Array }
  try {
    decoded = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, tolerantDecoding: false, maxResolutionInMP: MAX_MEGAPIXELS, maxMemoryUsageInMB: MAX_DECODER_MB })
  } catch (err) {
    throw new DatasetError(`${path} is a damaged JPEG (${(err as Error).message.split('\n')[0]!.slice(0, 80)}); fetch it again`, { cause: err })
  }
  const { width, height, data } = decoded
  const samples = channels === 3 ? data : Uint8Array.from({ length: width * height }, (_, i) => data[3 * i]!)
  return orient({ width, height, channels, bits: 8, samples }, orientation)
}

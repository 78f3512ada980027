/**
 * From a decoded picture to what the document's model takes: its part, depth, colour, size, in that order
 *
 * Pure, in whole numbers: the same bytes on every machine.
 */
import { DatasetError } from '../../errors.ts'
import { bytesOfSamples, samplesOf } from './raster.ts'
import { cropped, resized } from './resize.ts'
import type { ImageInput } from '../examples.ts'
import type { Raster, RasterShape } from './raster.ts'

/** Throws DatasetError for a picture that the document does not take as it is. `path` is printable */
export function requirePicture (path: string, { width, height, channels }: Pick<RasterShape, 'width' | 'height' | 'channels'>, { shape, resize }: ImageInput): void {
  if (channels !== shape[2] && !(convertible(channels) && convertible(shape[2]!))) {
    throw new DatasetError(`${path} has ${height} x ${width} pixels of ${channels} channels, but the federation's pictures have ${shape[2]} (height x width x channels: ${shape.join(' x ')})`)
  }
  if (resize === undefined && (shape[0] !== height || shape[1] !== width)) {
    throw new DatasetError(`${path} has ${width} x ${height} pixels, but the federation's pictures have ${shape[1]} x ${shape[0]}, and its document does not resize; make it that size`)
  }
}

/**
 * height x width x channels of the document, one byte a sample, or two, little-endian, with `bits: 16`. May be a view
 * of the raster. Throws DatasetError as `requirePicture` does
 */
export function preparedPicture (path: string, raster: Raster, input: ImageInput): Uint8Array {
  requirePicture(path, raster, input)
  const [height, width, channels] = input.shape as [number, number, number]
  // what is cut off is as well not converted
  const framed = input.fit === 'crop' ? cropped(raster, width, height) : raster
  return bytesOfSamples(resized(withChannels(withDepth(framed, input.bits ?? 8), channels), width, height).samples)
}

/** Grey and colour, into each other */
function convertible (channels: number): boolean {
  return channels === 1 || channels === 3
}

function withDepth (raster: Raster, bits: 8 | 16): Raster {
  if (raster.bits === bits) {
    return raster
  }
  const samples = samplesOf(raster.samples.length, bits)
  for (let i = 0; i < samples.length; i++) {
    const sample = raster.samples[i]!
    samples[i] = bits === 16 ? 257 * sample : Math.floor((sample + 128) / 257)
  }
  return { ...raster, bits, samples }
}

/** Grey is the luma of ITU-R BT.601 in 65,536ths, rounded, as Pillow has it */
function withChannels (raster: Raster, channels: number): Raster {
  if (raster.channels === channels) {
    return raster
  }
  const from = raster.samples
  const count = raster.width * raster.height
  const samples = samplesOf(count * channels, raster.bits)
  for (let i = 0; i < count; i++) {
    if (channels === 1) {
      samples[i] = Math.floor((19_595 * from[3 * i]! + 38_470 * from[3 * i + 1]! + 7_471 * from[3 * i + 2]! + 32_768) / 65_536)
    } else {
      samples.fill(from[i]!, 3 * i, 3 * i + 3)
    }
  }
  return { ...raster, channels, samples }
}

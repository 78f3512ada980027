/**
 * Turns a picture the way up that its Exif data say
 */
import { samplesOf } from './raster.ts'
import type { Raster } from './raster.ts'

/**
 * From where the shown picture is read: x and y swapped, then counted from the far end. By Exif's orientation, from 1
 */
const READINGS: ReadonlyArray<{ swapped: boolean, fromRight: boolean, fromBottom: boolean }> = [
  { swapped: false, fromRight: false, fromBottom: false },
  { swapped: false, fromRight: true, fromBottom: false },
  { swapped: false, fromRight: true, fromBottom: true },
  { swapped: false, fromRight: false, fromBottom: true },
  { swapped: true, fromRight: false, fromBottom: false },
  { swapped: true, fromRight: false, fromBottom: true },
  { swapped: true, fromRight: true, fromBottom: true },
  { swapped: true, fromRight: true, fromBottom: false }
]

/** `orientation`: 1 to 8, 1 leaves the picture as it is */
export function orient (raster: Raster, orientation: number): Raster {
  if (orientation === 1) {
    return raster
  }
  const { swapped, fromRight, fromBottom } = READINGS[orientation - 1]!
  const { channels, bits } = raster
  const [width, height] = swapped ? [raster.height, raster.width] : [raster.width, raster.height]
  const samples = samplesOf(raster.samples.length, bits)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = swapped ? [y, x] : [x, y]
      const from = ((fromBottom ? raster.height - 1 - row : row) * raster.width + (fromRight ? raster.width - 1 - column : column)) * channels
      for (let channel = 0; channel < channels; channel++) {
        samples[to++] = raster.samples[from + channel]!
      }
    }
  }
  return { width, height, channels, bits, samples }
}

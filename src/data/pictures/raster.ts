/**
 * A decoded picture: what every reader of picture files gives, and all that later steps know of it
 */

/** What is told of a picture without decoding it */
export interface RasterShape {
  /** Pixels, as shown: after an orientation was applied */
  width: number
  height: number
  /** 1: grey; 3: red, green and blue. Alpha is gone. Arrays may have other numbers */
  channels: number
  /** Of a sample: 0..255 or 0..65535 */
  bits: 8 | 16
}

export interface Raster extends RasterShape {
  /** height x width x channels, row-major */
  samples: Uint8Array | Uint16Array
}

/** Largest sample */
export function whiteOf (bits: 8 | 16): number {
  return bits === 16 ? 65_535 : 255
}

/** An array for so many samples */
export function samplesOf (count: number, bits: 8 | 16): Uint8Array | Uint16Array {
  return bits === 16 ? new Uint16Array(count) : new Uint8Array(count)
}

/** Little-endian on every machine: 1 or 2 bytes a sample. For 8 bits the samples themselves, not a copy */
export function bytesOfSamples (samples: Uint8Array | Uint16Array): Uint8Array {
  if (samples instanceof Uint8Array) {
    return samples
  }
  const bytes = new Uint8Array(2 * samples.length)
  samples.forEach((sample, i) => {
    bytes[2 * i] = sample & 0xff
    bytes[2 * i + 1] = sample >> 8
  })
  return bytes
}

/**
 * Bilinear resizing with antialiasing, as Pillow and torchvision have it, in whole numbers: the same on every machine
 *
 * Along one axis, from n to m pixels, pixel j of the source has the weight max(0, 2 max(n, m) - |(2j + 1) m - (2i + 1)
 * n|) in pixel i of the result: a triangle, as wide as two pixels of the coarser of both. The sum is divided by the sum
 * of the weights inside the picture and rounded, halves up. Rows first, then columns. Every number stays below 2^53,
 * so that doubles are exact, quotients included, as long as a side is at most 65,535.
 */
import { samplesOf } from './raster.ts'
import type { Raster } from './raster.ts'

interface Taps {
  /** First source pixel of each result pixel */
  first: Int32Array
  count: Int32Array
  /** All weights, `stride` for each result pixel */
  weights: Float64Array
  sums: Float64Array
  stride: number
}

function tapsOf (from: number, to: number): Taps {
  const reach = 2 * Math.max(from, to)
  const stride = 2 * Math.ceil(Math.max(from, to) / to) + 1
  const taps: Taps = { first: new Int32Array(to), count: new Int32Array(to), weights: new Float64Array(to * stride), sums: new Float64Array(to), stride }
  for (let i = 0; i < to; i++) {
    const center = (2 * i + 1) * from
    let j = Math.max(0, Math.floor(((center - reach) / to - 1) / 2))
    let at = i * stride
    for (; j < from && (2 * j + 1) * to < center + reach; j++) {
      const weight = reach - Math.abs((2 * j + 1) * to - center)
      if (weight > 0) {
        taps.first[i] = taps.count[i] === 0 ? j : taps.first[i]!
        taps.count[i]!++
        taps.weights[at++] = weight
        taps.sums[i]! += weight
      }
    }
  }
  return taps
}

/** A folder's pictures often have one size */
const known = new Map<string, Taps>()

function tapsFor (from: number, to: number): Taps {
  const name = `${from}/${to}`
  let taps = known.get(name)
  if (taps === undefined) {
    taps = tapsOf(from, to)
    if (known.size >= 4) {
      known.clear()
    }
    known.set(name, taps)
  }
  return taps
}

interface Axis {
  taps: Taps
  /** Lines along the axis, each resized by itself */
  lines: number
  /** Distance of two lines' beginnings, in samples, of source and result */
  lineStep: readonly [number, number]
  /** Distance of two pixels on a line, in samples */
  step: readonly [number, number]
}

/** One channel of one axis */
function resizeLines (from: Raster['samples'], to: Raster['samples'], channel: number, { taps, lines, lineStep, step }: Axis): void {
  const { first, count, weights, sums, stride } = taps
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep[0] + channel
    let out = line * lineStep[1] + channel
    for (let i = 0; i < first.length; i++, out += step[1]) {
      let sum = 0
      let at = start + first[i]! * step[0]
      const end = i * stride + count[i]!
      for (let tap = i * stride; tap < end; tap++, at += step[0]) {
        sum += weights[tap]! * from[at]!
      }
      to[out] = Math.floor((2 * sum + sums[i]!) / (2 * sums[i]!))
    }
  }
}

/**
 * The largest part of the picture with the proportions of `width` x `height`, from its middle: of the side that is too
 * long n pixels with n the nearest whole number, halves up, at least 1; an odd pixel is cut off at the right, or below
 */
export function cropped (raster: Raster, width: number, height: number): Raster {
  const across = Math.min(raster.width, nearest(raster.height * width, height))
  const down = Math.min(raster.height, nearest(raster.width * height, width))
  if (across === raster.width && down === raster.height) {
    return raster
  }
  const { channels, bits } = raster
  const [left, top] = [Math.floor((raster.width - across) / 2), Math.floor((raster.height - down) / 2)]
  const samples = samplesOf(across * down * channels, bits)
  for (let row = 0; row < down; row++) {
    const start = ((top + row) * raster.width + left) * channels
    samples.set(raster.samples.subarray(start, start + across * channels), row * across * channels)
  }
  return { width: across, height: down, channels, bits, samples }
}

/** To a positive whole number. Products of sides stay far below 2^53 */
function nearest (numerator: number, denominator: number): number {
  return Math.max(1, Math.floor((2 * numerator + denominator) / (2 * denominator)))
}

/** Stretched to `width` x `height`; the raster itself when it has that size */
export function resized (raster: Raster, width: number, height: number): Raster {
  return resizedHeight(resizedWidth(raster, width), height)
}

function resizedWidth (raster: Raster, width: number): Raster {
  if (raster.width === width) {
    return raster
  }
  const { height, channels, bits } = raster
  const samples = samplesOf(width * height * channels, bits)
  const axis: Axis = { taps: tapsFor(raster.width, width), lines: height, lineStep: [raster.width * channels, width * channels], step: [channels, channels] }
  for (let channel = 0; channel < channels; channel++) {
    resizeLines(raster.samples, samples, channel, axis)
  }
  return { width, height, channels, bits, samples }
}

function resizedHeight (raster: Raster, height: number): Raster {
  if (raster.height === height) {
    return raster
  }
  const { width, channels, bits } = raster
  const samples = samplesOf(width * height * channels, bits)
  const rowStep = width * channels
  const axis: Axis = { taps: tapsFor(raster.height, height), lines: width, lineStep: [channels, channels], step: [rowStep, rowStep] }
  for (let channel = 0; channel < channels; channel++) {
    resizeLines(raster.samples, samples, channel, axis)
  }
  return { width, height, channels, bits, samples }
}

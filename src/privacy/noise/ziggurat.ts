/**
 * Exact standard normal draws in float64: the ziggurat of Marsaglia and Tsang 2000 with 256 layers
 *
 * The area under exp(-x²/2), x >= 0, is covered by 255 rectangles and a base strip with the tail, all of one area. A
 * uniform point of a uniform layer under the curve has a normal x. As Doornik 2005 asks, layer, sign and position use
 * separate bits of one 64-bit draw: 8 + 1 + 53. Against Box–Muller it needs no logarithm and no sine in 99 % of
 * draws, and its tail does not stop at 8.57 but at 12.2 deviations, beyond which lies a probability of 2e-34.
 */
import { integer53 } from './random-words.ts'
import type { RandomWords } from './random-words.ts'

const LAYERS = 256

/** Where the tail begins, and the area of a layer: solved to 50 digits, so that the highest layer ends at exp(0) = 1 */
export const TAIL_START = 3.654152885361009
const AREA = 0.004928673233974655

/** The sign bit, next to the eight bits of the layer: both together index a signed width */
const SIGNED_LAYER_SHIFT = 23

export interface ZigguratTables {
  /** Right edge of layer i, of 256; the strip's own is that of a rectangle of its area. Then 0, the top's */
  edges: Float64Array
  /** exp(-edge²/2); layer i > 0 lies between the heights i and i + 1 */
  heights: Float64Array
}

export function zigguratTables (): ZigguratTables {
  const density = (x: number): number => Math.exp(-0.5 * x * x)
  const edges = new Float64Array(LAYERS + 1)
  edges[0] = AREA / density(TAIL_START)
  edges[1] = TAIL_START
  for (let i = 2; i < LAYERS; i++) {
    const below = edges[i - 1]!
    edges[i] = Math.sqrt(-2 * Math.log(AREA / below + density(below)))
  }
  return { edges, heights: edges.map(density) }
}

const { edges, heights } = zigguratTables()

/** Width of layer i >> 1 in steps of 2^-53, negative for odd i */
const steps = Float64Array.from({ length: 2 * LAYERS }, (_, i) => edges[i >> 1]! * (i % 2 === 0 ? 2 ** -53 : -(2 ** -53)))
/** Below it a point of layer i >> 1 is under the curve, whatever its height */
const limits = Float64Array.from({ length: 2 * LAYERS }, (_, i) => edges[(i >> 1) + 1]!)

/**
 * Adds deviation x a draw of N(0, 1) to every element: the draws, to the last bit, of standardNormal for one after the
 * other
 */
export function addNormals (sums: Float64Array, deviation: number, random: RandomWords): void {
  for (let next = 0; next < sums.length; next++) {
    next = addAccepted(sums, next, deviation, random)
    if (next < sums.length) {
      sums[next]! += deviation * standardNormal(random)
    }
  }
}

/**
 * The 99 % that need no more than their pair, in a loop of its own, for speed: from element `next` on, until the words
 * end or a point needs its height. Returns the first element that got nothing; the pair of such a point is left to
 * standardNormal
 */
function addAccepted (sums: Float64Array, next: number, deviation: number, random: RandomWords): number {
  const { words } = random
  const end = Math.min(sums.length, next + (words.length - random.position) / 2)
  let at = random.position
  let i = next
  for (; i < end; i++, at += 2) {
    const high = words[at + 1]!
    const signedLayer = high >>> SIGNED_LAYER_SHIFT
    const x = integer53(high, words[at]!) * steps[signedLayer]!
    if (!(Math.abs(x) < limits[signedLayer]!)) {
      break
    }
    sums[i]! += deviation * x
  }
  random.position = at
  return i
}

/** One draw of N(0, 1) */
export function standardNormal (random: RandomWords): number {
  for (;;) {
    const at = random.nextPair()
    const high = random.words[at + 1]!
    const signedLayer = high >>> SIGNED_LAYER_SHIFT
    const layer = signedLayer >>> 1
    const x = integer53(high, random.words[at]!) * steps[signedLayer]!
    if (Math.abs(x) < edges[layer + 1]!) {
      return x
    }
    if (layer === 0) {
      return signedLayer === 0 ? tail(random) : -tail(random)
    }
    if (isUnderCurve(layer, x, random)) {
      return x
    }
  }
}

/** The part of a layer beyond the edge of the next: a uniform height decides */
function isUnderCurve (layer: number, x: number, random: RandomWords): boolean {
  const bottom = heights[layer]!
  return bottom + random.uniform() * (heights[layer + 1]! - bottom) < Math.exp(-0.5 * x * x)
}

/** A normal draw, given that it is beyond TAIL_START: Marsaglia 1964 */
function tail (random: RandomWords): number {
  for (;;) {
    const beyond = -Math.log(random.uniform()) / TAIL_START
    if (-2 * Math.log(random.uniform()) > beyond * beyond) {
      return TAIL_START + beyond
    }
  }
}

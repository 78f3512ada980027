/**
 * Kernel: for every coordinate the mean of n numbers without the f lowest and the f highest
 *
 * The rows of a scratch block hold the same coordinates of the n vectors. Numbers are compared as integers that order
 * as the floats do, so that an exchange is arithmetic, without a branch that random data would mispredict. Only as
 * much is sorted as the mean needs: f times, the lowest number moves to the first row that is left and the highest to
 * the last one, about 3/2 n exchanges for each time.
 */

import { blockSum } from './weighted-sum.ts'

/** Coordinates at a time: the rows of 10 vectors stay in the first-level cache, those of 32 in the second */
const BLOCK = 512

/**
 * d elements, freshly allocated. `vectors` are n of d elements each, finite, and 2 * f < n
 *
 * The kept numbers are added in float64
 */
export function trimmedMeanOf (vectors: readonly Float32Array[], f: number): Float32Array {
  const count = vectors.length
  const out = new Float32Array(vectors[0]!.length)
  const keys = new Int32Array(count * BLOCK)
  const bits = vectors.map((vector) => new Int32Array(vector.buffer, vector.byteOffset, vector.length))
  const kept = keys.subarray(f * BLOCK, (count - f) * BLOCK)
  const rows = Array.from({ length: count - 2 * f }, (_, row) => new Float32Array(keys.buffer, 4 * BLOCK * (f + row), BLOCK))
  const weights = rows.map(() => 1 / rows.length)
  const means = new Float64Array(BLOCK)
  for (let start = 0; start < out.length; start += BLOCK) {
    load(bits, start, keys)
    for (let low = 0, high = count - 1; low < f; low++, high--) {
      if (low > 0) {
        pairUp(keys, low, high)
      }
      moveExtremes(keys, low, high)
    }
    toFloatBits(kept)
    blockSum(rows, weights, 0, means)
    out.set(start + BLOCK <= out.length ? means : means.subarray(0, out.length - start), start)
  }
  return out
}

/** Row j takes the smaller and row n-1-j the larger number of vectors j and n-1-j: what `pairUp` would do next */
function load (vectors: readonly Int32Array[], start: number, keys: Int32Array): void {
  for (let j = 0, k = vectors.length - 1; j <= k; j++, k--) {
    loadPair(vectors[j]!.subarray(start, start + BLOCK), vectors[k]!.subarray(start, start + BLOCK), keys.subarray(j * BLOCK), keys.subarray(k * BLOCK))
  }
}

function loadPair (a: Int32Array, b: Int32Array, smaller: Int32Array, larger: Int32Array): void {
  for (let i = 0; i < a.length; i++) {
    let x = a[i]!
    let y = b[i]!
    // Bit patterns of negative floats order backwards: flipping all but the sign turns them round
    x ^= (x >> 31) & 0x7fffffff
    y ^= (y >> 31) & 0x7fffffff
    const swap = (x ^ y) & -Number(x > y)
    smaller[i] = x ^ swap
    larger[i] = y ^ swap
  }
}

/** Orders rows `first` and `last`, the next ones inwards, and so on */
function pairUp (keys: Int32Array, first: number, last: number): void {
  for (let low = first, high = last; low < high; low++, high--) {
    exchange(keys, low * BLOCK, high * BLOCK)
  }
}

/** In paired rows the lowest number is in the first half and the highest in the second: moves them to the ends */
function moveExtremes (keys: Int32Array, first: number, last: number): void {
  const half = (last - first) >> 1
  moveLowest(keys, first, first + half)
  moveHighest(keys, last - half, last)
}

/** Row `first` takes the lowest numbers of rows `first` to `last`, three rows at a time as far as they go */
function moveLowest (keys: Int32Array, first: number, last: number): void {
  let row = first + 1
  for (; row + 2 <= last; row += 3) {
    lowestOfFour(keys, first * BLOCK, row * BLOCK)
  }
  for (; row <= last; row++) {
    exchange(keys, first * BLOCK, row * BLOCK)
  }
}

/** Row `last` takes the highest numbers of rows `first` to `last` */
function moveHighest (keys: Int32Array, first: number, last: number): void {
  let row = last - 1
  for (; row - 2 >= first; row -= 3) {
    highestOfFour(keys, last * BLOCK, (row - 2) * BLOCK)
  }
  for (; row >= first; row--) {
    exchange(keys, row * BLOCK, last * BLOCK)
  }
}

/** Three exchanges of the row at offset `low` with the three from offset `at`: one load and store of it instead of three */
function lowestOfFour (keys: Int32Array, low: number, at: number): void {
  for (let i = 0; i < BLOCK; i++) {
    let lowest = keys[low + i]!
    const a = keys[at + i]!
    const b = keys[at + BLOCK + i]!
    const c = keys[at + 2 * BLOCK + i]!
    let swap = (lowest ^ a) & -Number(lowest > a)
    lowest ^= swap
    keys[at + i] = a ^ swap
    swap = (lowest ^ b) & -Number(lowest > b)
    lowest ^= swap
    keys[at + BLOCK + i] = b ^ swap
    swap = (lowest ^ c) & -Number(lowest > c)
    keys[at + 2 * BLOCK + i] = c ^ swap
    keys[low + i] = lowest ^ swap
  }
}

/** The same for the highest */
function highestOfFour (keys: Int32Array, high: number, at: number): void {
  for (let i = 0; i < BLOCK; i++) {
    let highest = keys[high + i]!
    const a = keys[at + i]!
    const b = keys[at + BLOCK + i]!
    const c = keys[at + 2 * BLOCK + i]!
    let swap = (highest ^ a) & -Number(highest < a)
    highest ^= swap
    keys[at + i] = a ^ swap
    swap = (highest ^ b) & -Number(highest < b)
    highest ^= swap
    keys[at + BLOCK + i] = b ^ swap
    swap = (highest ^ c) & -Number(highest < c)
    keys[at + 2 * BLOCK + i] = c ^ swap
    keys[high + i] = highest ^ swap
  }
}

/** The smaller number of each column goes to the row at offset `a`, the larger to the one at `b` */
function exchange (keys: Int32Array, a: number, b: number): void {
  for (let i = 0; i < BLOCK; i++) {
    const x = keys[a + i]!
    const y = keys[b + i]!
    const swap = (x ^ y) & -Number(x > y)
    keys[a + i] = x ^ swap
    keys[b + i] = y ^ swap
  }
}

function toFloatBits (keys: Int32Array): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    keys[i] = key ^ ((key >> 31) & 0x7fffffff)
  }
}

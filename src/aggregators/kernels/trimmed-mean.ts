/**
 * Kernel: for every coordinate the mean of n numbers without the f lowest and the f highest
 *
 * The rows of a scratch block hold the same coordinates of the n vectors. Numbers are compared as integers that order
 * as the floats do, so that an exchange is arithmetic, without a branch that random data would mispredict. Only as
 * much is sorted as the mean needs: f times, the lowest number moves to the first row that is left and the highest to
 * the last one, about 3/2 n exchanges for each time.
 */

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
  for (let start = 0; start < out.length; start += BLOCK) {
    load(bits, start, keys)
    for (let low = 0, high = count - 1; low < f; low++, high--) {
      if (low > 0) {
        pairUp(keys, low, high)
      }
      moveExtremes(keys, low, high)
    }
    meanOfRows(keys.subarray(f * BLOCK, (count - f) * BLOCK), out.subarray(start, start + BLOCK))
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
  const middle = (first + last) / 2
  for (let row = first + 1; row <= middle; row++) {
    exchange(keys, first * BLOCK, row * BLOCK)
  }
  for (let row = last - 1; row >= middle; row--) {
    exchange(keys, row * BLOCK, last * BLOCK)
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

/** Turns the keys back into floats, in place, and writes the mean of each column */
function meanOfRows (keys: Int32Array, out: Float32Array): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    keys[i] = key ^ ((key >> 31) & 0x7fffffff)
  }
  const numbers = new Float32Array(keys.buffer, keys.byteOffset, keys.length)
  const rows = keys.length / BLOCK
  for (let i = 0; i < out.length; i++) {
    let sum = 0
    for (let at = i; at < numbers.length; at += BLOCK) {
      sum += numbers[at]!
    }
    out[i] = sum / rows
  }
}

/**
 * Kernel: the weighted sum of n vectors, in one pass over them
 */

/** Coordinates at a time: the accumulators stay in the first-level cache */
const BLOCK = 2048

/**
 * sum_j weights[j] * vectors[j], accumulated in float64 in the order of the vectors
 *
 * `vectors` (at least one) all have d elements; the result is freshly allocated, d elements
 */
export function weightedSum (vectors: readonly Float32Array[], weights: ArrayLike<number>): Float32Array {
  const size = vectors[0]!.length
  const out = new Float32Array(size)
  const sums = new Float64Array(BLOCK)
  for (let start = 0; start < size; start += BLOCK) {
    const length = Math.min(BLOCK, size - start)
    blockSum(vectors, weights, start, sums)
    for (let i = 0; i < length; i++) {
      out[start + i] = sums[i]!
    }
  }
  return out
}

/** The same for the coordinates from `start` on, as many as `sums` has or as there are; overwrites `sums` */
export function blockSum (vectors: readonly Float32Array[], weights: ArrayLike<number>, start: number, sums: Float64Array): void {
  sums.fill(0)
  const grouped = vectors.length - vectors.length % 4
  for (let j = 0; j < grouped; j += 4) {
    addFour(vectors.slice(j, j + 4), [weights[j]!, weights[j + 1]!, weights[j + 2]!, weights[j + 3]!], start, sums)
  }
  for (let j = grouped; j < vectors.length; j++) {
    addOne(vectors[j]!, weights[j]!, start, sums)
  }
}

/** Four vectors at once: a quarter of the loads and stores of the accumulators */
function addFour (vectors: readonly Float32Array[], weights: readonly number[], start: number, sums: Float64Array): void {
  const [a, b, c, d] = vectors as [Float32Array, Float32Array, Float32Array, Float32Array]
  const [wa, wb, wc, wd] = weights as [number, number, number, number]
  const length = Math.min(sums.length, a.length - start)
  for (let i = 0; i < length; i++) {
    const k = start + i
    sums[i] = sums[i]! + wa * a[k]! + wb * b[k]! + wc * c[k]! + wd * d[k]!
  }
}

function addOne (vector: Float32Array, weight: number, start: number, sums: Float64Array): void {
  const length = Math.min(sums.length, vector.length - start)
  for (let i = 0; i < length; i++) {
    sums[i] = sums[i]! + weight * vector[start + i]!
  }
}

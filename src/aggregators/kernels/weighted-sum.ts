/**
 * Kernel: weighted sums of n vectors, in one pass over them
 */
import { atOnce } from '../../slices.ts'
import { BLOCK, blockLength, isPieceDone, kernels, loadBlock, loadWeights, MAX_ROWS, MAX_SUMS, storeBlock } from './memory.ts'
import { referenceWeightedSum } from './reference/weighted-sum.ts'
import type { Sliced } from '../../slices.ts'

/**
 * sum_j weights[j] * vectors[j], accumulated in float64 in the order of the vectors
 *
 * `vectors` (at least one) all have d elements; the result is freshly allocated, d elements. Vectors of weight zero are
 * not read; more than 65 others take the plain way
 */
export function weightedSum (vectors: readonly Float32Array[], weights: ArrayLike<number>): Float32Array {
  return atOnce(slicedWeightedSum(vectors, weights))
}

/** The same, bit for bit, in slices */
export function * slicedWeightedSum (vectors: readonly Float32Array[], weights: ArrayLike<number>): Sliced<Float32Array> {
  const used = vectors.filter((_, j) => weights[j] !== 0)
  const usedWeights = Float64Array.from(weights).filter((weight) => weight !== 0)
  if (used.length > MAX_ROWS) {
    return referenceWeightedSum(used, usedWeights)
  }
  const kernel = kernels()
  const size = vectors[0]!.length
  const sum = new Float32Array(size)
  kernel.weights.set(usedWeights)
  for (let start = 0; start < size; start += BLOCK) {
    if (isPieceDone(start)) {
      yield
      kernel.weights.set(usedWeights)
    }
    loadBlock(kernel, used, start)
    kernel.weightedSum(used.length, blockLength(size, start))
    storeBlock(kernel.results[0]!, sum, start)
  }
  return sum
}

/**
 * One weighted sum for each row of n weights, four at a time, accumulated in float32
 *
 * The relative error is at most n 2^-24 of the sum of magnitudes: good enough for means that a rule looks at next, and
 * half the time. Results are freshly allocated, d elements each
 */
export function combine (vectors: readonly Float32Array[], rows: readonly Float64Array[]): Float32Array[] {
  if (vectors.length > MAX_ROWS || rows.length > MAX_SUMS) {
    return rows.map((row) => referenceWeightedSum(vectors, row))
  }
  const kernel = kernels()
  const size = vectors[0]!.length
  const sums = rows.map(() => new Float32Array(size))
  loadWeights(kernel, rows)
  for (let start = 0; start < size; start += BLOCK) {
    loadBlock(kernel, vectors, start)
    kernel.combine(vectors.length, rows.length, blockLength(size, start))
    for (const [s, sum] of sums.entries()) {
      storeBlock(kernel.results[s]!, sum, start)
    }
  }
  return sums
}

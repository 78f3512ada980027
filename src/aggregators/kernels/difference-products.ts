/**
 * Kernel: inner products of the differences of m vectors from one reference, in one pass
 *
 * Every distance between combinations of the vectors follows from this small matrix, so a rule that iterates, such as
 * Weiszfeld's, reads the vectors once instead of once for each iteration. Differences are taken first and accumulated
 * in float64: products of the raw vectors would cancel when models are close, as they are after some rounds.
 */
import { atOnce } from '../../slices.ts'
import { BLOCK, blockLength, isPieceDone, kernels, loadBlock, MAX_ROWS } from './memory.ts'
import { referenceDifferenceProducts } from './reference/difference-products.ts'
import type { Sliced } from '../../slices.ts'

/** Rows are multiplied three by three */
const TILE = 3

/**
 * The m x m matrix G with G[i * m + j] = (vectors[i] - reference) . (vectors[j] - reference), symmetric, row-major
 *
 * All vectors have d elements. Work: about m (m + 1) / 2 multiplications for each coordinate. More than 64 vectors take
 * the plain way
 */
export function differenceProducts (reference: Float32Array, vectors: readonly Float32Array[]): Float64Array {
  return atOnce(slicedDifferenceProducts(reference, vectors))
}

/** The same, bit for bit, in slices */
export function * slicedDifferenceProducts (reference: Float32Array, vectors: readonly Float32Array[]): Sliced<Float64Array> {
  const count = vectors.length
  if (count + 1 > MAX_ROWS) {
    return referenceDifferenceProducts(reference, vectors)
  }
  const kernel = kernels()
  const padded = Math.ceil(count / TILE) * TILE
  const products = kernel.products.subarray(0, padded * padded)
  products.fill(0)
  const all = [reference, ...vectors]
  for (let start = 0; start < reference.length; start += BLOCK) {
    if (isPieceDone(start)) {
      const soFar = products.slice()
      yield
      products.set(soFar)
    }
    loadBlock(kernel, all, start)
    kernel.addProducts(count, blockLength(reference.length, start))
  }
  return symmetric(kernel.products, padded, count)
}

/** Only the upper triangle is filled */
function symmetric (products: Float64Array, padded: number, count: number): Float64Array {
  const result = new Float64Array(count * count)
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) {
      const product = products[i * padded + j]!
      result[i * count + j] = product
      result[j * count + i] = product
    }
  }
  return result
}

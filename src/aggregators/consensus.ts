/**
 * How far peers' models are from agreeing
 */
import { differenceProducts } from './kernels/difference-products.ts'

/**
 * The consensus distance of all peers: sqrt(1/n * sum_i |x_i - mean|^2), for whoever sees all models, a testnet
 *
 * Throws RangeError when there is no vector or their lengths differ
 */
export function consensusDistance (vectors: readonly Float32Array[]): number {
  const first = vectors[0]
  if (first === undefined || vectors.some(({ length }) => length !== first.length)) {
    throw new RangeError('consensus distance needs at least one vector, all of the same length')
  }
  // sum_i |d_i - mean|^2 = sum_i |d_i|^2 - |sum_i d_i|^2 / n, of the differences d_i from one of them
  const count = vectors.length
  const products = differenceProducts(first, vectors)
  const squares = vectors.reduce((sum, _, i) => sum + products[i * count + i]!, 0)
  const ofSum = products.reduce((sum, product) => sum + product, 0)
  return Math.sqrt(Math.max(0, squares - ofSum / count) / count)
}

/**
 * Plain reference of the kernel of the same name
 */

/** G[i * m + j] = (vectors[i] - reference) . (vectors[j] - reference), in float64 */
export function referenceDifferenceProducts (reference: Float32Array, vectors: readonly Float32Array[]): Float64Array {
  const count = vectors.length
  const products = new Float64Array(count * count)
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) {
      const a = vectors[i]!
      const b = vectors[j]!
      let sum = 0
      for (let k = 0; k < reference.length; k++) {
        sum += (a[k]! - reference[k]!) * (b[k]! - reference[k]!)
      }
      products[i * count + j] = sum
      products[j * count + i] = sum
    }
  }
  return products
}

/**
 * Plain reference of the kernel of the same name
 */

/** sum_j weights[j] * vectors[j], in float64 */
export function referenceWeightedSum (vectors: readonly Float32Array[], weights: ArrayLike<number>): Float32Array {
  const sum = new Float32Array(vectors[0]!.length)
  for (let i = 0; i < sum.length; i++) {
    let total = 0
    for (let j = 0; j < vectors.length; j++) {
      total += weights[j]! * vectors[j]![i]!
    }
    sum[i] = total
  }
  return sum
}

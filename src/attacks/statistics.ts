/**
 * What a liar computes from the honest models that it knows
 */

/** Coordinate-wise mean of at least one vector */
export function meanOf (vectors: readonly Float32Array[]): Float32Array {
  const sums = new Float64Array(vectors[0]!.length)
  for (const vector of vectors) {
    for (let i = 0; i < vector.length; i++) {
      sums[i]! += vector[i]!
    }
  }
  const mean = new Float32Array(sums.length)
  for (let i = 0; i < sums.length; i++) {
    mean[i] = sums[i]! / vectors.length
  }
  return mean
}

/** Coordinate-wise standard deviation with n - 1 in the denominator; zero for a single vector */
export function deviationOf (vectors: readonly Float32Array[]): Float32Array {
  const mean = meanOf(vectors)
  const sums = new Float64Array(mean.length)
  for (const vector of vectors) {
    for (let i = 0; i < vector.length; i++) {
      const difference = vector[i]! - mean[i]!
      sums[i]! += difference * difference
    }
  }
  for (let i = 0; i < sums.length; i++) {
    mean[i] = Math.sqrt(sums[i]! / Math.max(1, vectors.length - 1))
  }
  return mean
}

/** a + factor * b */
export function plus (a: Float32Array, factor: number, b: Float32Array): Float32Array {
  const sum = new Float32Array(a.length)
  for (let i = 0; i < a.length; i++) {
    sum[i] = a[i]! + factor * b[i]!
  }
  return sum
}

export function squaredDistance (a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!
    sum += difference * difference
  }
  return sum
}

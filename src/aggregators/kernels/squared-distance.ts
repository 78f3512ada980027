/**
 * Kernel: squared Euclidean distance of two vectors
 */

/** |a - b|^2, accumulated in float64; a and b have the same number of elements */
export function squaredDistance (a: Float32Array, b: Float32Array): number {
  const paired = a.length - a.length % 4
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  for (let i = 0; i < paired; i += 4) {
    const d0 = a[i]! - b[i]!
    const d1 = a[i + 1]! - b[i + 1]!
    const d2 = a[i + 2]! - b[i + 2]!
    const d3 = a[i + 3]! - b[i + 3]!
    s0 += d0 * d0
    s1 += d1 * d1
    s2 += d2 * d2
    s3 += d3 * d3
  }
  for (let i = paired; i < a.length; i++) {
    const difference = a[i]! - b[i]!
    s0 += difference * difference
  }
  return (s0 + s1) + (s2 + s3)
}

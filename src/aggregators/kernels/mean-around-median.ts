/**
 * Kernel: for every coordinate the mean of the numbers nearest to the median
 */

/** Start of the `count` sorted numbers nearest to their median; of two equally near the lower one counts */
function windowStart (sorted: Float32Array, count: number): number {
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  let start = 0
  while (start + count < sorted.length && sorted[start + count]! - median < median - sorted[start]!) {
    start++
  }
  return start
}

/** Per coordinate the mean of the `count` values nearest to the median of the vectors (at least one, all of d elements) */
export function meanAroundMedian (vectors: readonly Float32Array[], count: number): Float32Array {
  const column = new Float32Array(vectors.length)
  return vectors[0]!.map((_, i) => {
    for (const [j, vector] of vectors.entries()) {
      column[j] = vector[i]!
    }
    const sorted = column.sort()
    const start = windowStart(sorted, count)
    return sorted.subarray(start, start + count).reduce((sum, value) => sum + value, 0) / count
  })
}

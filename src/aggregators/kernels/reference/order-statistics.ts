/**
 * Plain references of the kernels of the same names
 */

function perCoordinate (vectors: readonly Float32Array[], reduce: (sorted: Float32Array) => number): Float32Array {
  const column = new Float32Array(vectors.length)
  return vectors[0]!.map((_, i) => {
    for (let j = 0; j < vectors.length; j++) {
      column[j] = vectors[j]![i]!
    }
    return reduce(column.sort())
  })
}

function meanOf (numbers: Float32Array): number {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length
}

/** Without the f lowest and the f highest */
export function referenceTrimmedMean (vectors: readonly Float32Array[], f: number): Float32Array {
  return perCoordinate(vectors, (sorted) => meanOf(sorted.subarray(f, sorted.length - f)))
}

/** Of the `keep` numbers nearest to the median */
export function referenceMeanAroundMedian (vectors: readonly Float32Array[], keep: number): Float32Array {
  return perCoordinate(vectors, (sorted) => {
    const middle = sorted.length >> 1
    const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
    let start = 0
    while (start + keep < sorted.length && sorted[start + keep]! - median < median - sorted[start]!) {
      start++
    }
    return meanOf(sorted.subarray(start, start + keep))
  })
}

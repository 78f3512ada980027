/**
 * Kernel: several weighted sums of the same n vectors
 */
import { weightedSum } from './weighted-sum.ts'

/** For each row of n weights the weighted sum of the vectors; results are freshly allocated, d elements each */
export function combine (vectors: readonly Float32Array[], rows: readonly Float64Array[]): Float32Array[] {
  return rows.map((row) => weightedSum(vectors, row))
}

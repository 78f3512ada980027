/**
 * Kernel: for every coordinate the median of n numbers
 */
import { trimmedMeanOf } from './trimmed-mean.ts'

/** Per coordinate the median of the vectors (at least one, all of d elements); of an even number the mean of the two in the middle */
export function medianOf (vectors: readonly Float32Array[]): Float32Array {
  return trimmedMeanOf(vectors, (vectors.length - 1) >> 1)
}

/**
 * Kernels: medians and trimmed means, every coordinate sorted by a network
 *
 * A sorting network compares in an order that does not depend on the data, so that four coordinates go at once and
 * nothing is mispredicted. Numbers are compared as integers that order as the floats do: -0 comes before 0, and the
 * same numbers in another order give the same bits.
 */
import { BLOCK, blockLength, kernels, loadBlock, loadWeights, MAX_ROWS, storeBlock } from './memory.ts'
import { referenceMeanAroundMedian, referenceTrimmedMean } from './reference/order-statistics.ts'
import { combine } from './weighted-sum.ts'
import type { Kernels } from './memory.ts'

/** More vectors than this take the plain way */
const MAX_SORTED = 32

/**
 * Comparators [low, high] of Batcher's merge exchange for n elements (Knuth, volume 3, algorithm 5.2.2 M), as pairs of
 * numbers
 */
export function sortingNetwork (n: number): Uint8Array {
  const largest = 2 ** (Math.ceil(Math.log2(n)) - 1)
  const pairs: number[] = []
  const exchange = (distance: number, p: number, r: number): void => {
    for (let i = 0; i + distance < n; i++) {
      if ((i & p) === r) {
        pairs.push(i, i + distance)
      }
    }
  }
  for (let p = largest; p >= 1; p /= 2) {
    exchange(p, p, 0)
    for (let q = largest; q > p; q /= 2) {
      exchange(q - p, p, p)
    }
  }
  return Uint8Array.from(pairs)
}

/** Vectors, or weighted sums of them that need not exist beyond a block */
export interface Columns {
  vectors: readonly Float32Array[]
  /** Rows of weights, one for each sum; undefined: the vectors themselves */
  rows?: readonly Float64Array[] | undefined
}

/** Those that columns stand for, when they are too many for the scratch memory */
function materialised ({ vectors, rows }: Columns): readonly Float32Array[] {
  return rows === undefined ? vectors : combine(vectors, rows)
}

/** Sorts block after block, and lets `reduce` make the first row of results of it */
function sorted ({ vectors, rows }: Columns, reduce: (kernel: Kernels, length: number) => void): Float32Array {
  const kernel = kernels()
  const size = vectors[0]!.length
  const out = new Float32Array(size)
  const count = rows?.length ?? vectors.length
  const network = sortingNetwork(count)
  kernel.network.set(network)
  loadWeights(kernel, rows ?? [])
  for (let start = 0; start < size; start += BLOCK) {
    const length = blockLength(size, start)
    loadBlock(kernel, vectors, start)
    if (rows !== undefined) {
      kernel.combine(vectors.length, count, length)
      kernel.takeResults(count)
    }
    kernel.sort(count, network.length / 2, length)
    reduce(kernel, length)
    storeBlock(kernel.results[0]!, out, start)
  }
  return out
}

function isPlain ({ vectors, rows }: Columns): boolean {
  return (rows?.length ?? vectors.length) > MAX_SORTED || vectors.length > MAX_ROWS
}

/**
 * Per coordinate the mean of n numbers without the f lowest and the f highest, accumulated in float64 in ascending
 * order
 *
 * The n columns (more than 2f, finite) all have d elements; the result is freshly allocated, d elements
 */
export function trimmedMeanOf (columns: Columns, f: number): Float32Array {
  const count = columns.rows?.length ?? columns.vectors.length
  return isPlain(columns)
    ? referenceTrimmedMean(materialised(columns), f)
    : sorted(columns, (kernel, length) => { kernel.meanOfRows(f, count - f, length) })
}

/** Per coordinate the median; of an even number of columns the mean of the two in the middle. See `trimmedMeanOf` */
export function medianOf (columns: Columns): Float32Array {
  return trimmedMeanOf(columns, ((columns.rows?.length ?? columns.vectors.length) - 1) >> 1)
}

/**
 * Per coordinate the mean of the `keep` numbers nearest to the median; of two equally near the lower one counts
 *
 * The second stage of Bulyan. See `trimmedMeanOf` for the columns
 */
export function meanAroundMedian (columns: Columns, keep: number): Float32Array {
  const count = columns.rows?.length ?? columns.vectors.length
  return isPlain(columns)
    ? referenceMeanAroundMedian(materialised(columns), keep)
    : sorted(columns, (kernel, length) => { kernel.meanAroundMedian(count, keep, length) })
}

/**
 * The compiled kernels and their scratch memory: blocks of vectors go in, results come out
 *
 * The memory has a fixed size, a little over a megabyte, and is used over and over: a block of all vectors stays in the
 * second-level cache while a kernel works on it, and vectors of any length never have to live in WebAssembly memory.
 * One instance for each thread, made at the first use. The layout is that of assembly/index.ts.
 */
import { PIECE } from '../../slices.ts'
import { KERNEL_MODULE } from './module.generated.ts'

// the types of Node 20 leave it to the browser's
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: unknown }
}

/** Coordinates of one block; a piece is a whole number of them */
export const BLOCK = 1024
/** Vectors that fit, a reference included */
export const MAX_ROWS = 65
/** Results that fit */
export const MAX_SUMS = 64

const ROWS = 4096
const OUT = 815_104
const WEIGHTS = 1_077_248
const PRODUCTS = 1_110_528
const NETWORK = 1_145_408
/** Rows of products are padded to whole tiles of three */
const MAX_PRODUCTS = 66

interface KernelExports {
  memory: { buffer: ArrayBuffer }
  addProducts: (count: number, length: number) => void
  weightedSum: (count: number, length: number) => void
  combine: (count: number, sums: number, length: number) => void
  takeResults: (sums: number) => void
  sort: (count: number, comparators: number, length: number) => void
  meanOfRows: (first: number, end: number, length: number) => void
  meanAroundMedian: (count: number, keep: number, length: number) => void
}

export interface Kernels extends Omit<KernelExports, 'memory'> {
  /** Block of vector j */
  rows: readonly Float32Array[]
  /** Block of result j */
  results: readonly Float32Array[]
  /** Weights as float64, or as float32 in every second place */
  weights: Float64Array
  narrowWeights: Float32Array
  products: Float64Array
  /** Row numbers of comparators, pair after pair */
  network: Uint8Array
}

let instance: Kernels | undefined

/** Throws WebAssembly.CompileError where there is no SIMD: every platform of Node 20 has it */
export function kernels (): Kernels {
  instance ??= instantiate()
  return instance
}

function instantiate (): Kernels {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(KERNEL_MODULE, 'base64')))
  const { memory: { buffer }, ...functions } = exports as KernelExports
  const block = (at: number): Float32Array => new Float32Array(buffer, at, BLOCK)
  return {
    ...functions,
    rows: Array.from({ length: MAX_ROWS }, (_, j) => block(ROWS + j * BLOCK * 4)),
    results: Array.from({ length: MAX_SUMS }, (_, j) => block(OUT + j * BLOCK * 4)),
    weights: new Float64Array(buffer, WEIGHTS, MAX_SUMS * MAX_ROWS),
    narrowWeights: new Float32Array(buffer, WEIGHTS, MAX_SUMS * MAX_ROWS * 2),
    products: new Float64Array(buffer, PRODUCTS, MAX_PRODUCTS * MAX_PRODUCTS),
    network: new Uint8Array(buffer, NETWORK, 1024)
  }
}

/**
 * Copies coordinates start .. start + BLOCK of the vectors into the rows from `first` on; what is beyond the end is
 * zero
 */
export function loadBlock ({ rows }: Kernels, vectors: readonly Float32Array[], start: number, first = 0): void {
  for (let j = 0; j < vectors.length; j++) {
    const vector = vectors[j]!
    const row = rows[first + j]!
    if (start + BLOCK <= vector.length) {
      row.set(vector.subarray(start, start + BLOCK))
    } else {
      row.set(vector.subarray(start))
      row.fill(0, vector.length - start)
    }
  }
}

/** Copies a block's result to its place in `target` */
export function storeBlock (result: Float32Array, target: Float32Array, start: number): void {
  target.set(start + BLOCK <= target.length ? result : result.subarray(0, target.length - start), start)
}

/** The smallest multiple of eight, which is what kernels work on, that covers what is left of `size` from `start` on */
export function blockLength (size: number, start: number): number {
  return Math.min(BLOCK, Math.ceil((size - start) / 8) * 8)
}

/** Between two pieces of a vector: a kernel in slices yields here, and may find other numbers in the memory then */
export function isPieceDone (start: number): boolean {
  return start > 0 && start % PIECE === 0
}

/** Puts rows of n weights where `combine` reads them: a float32 in each second place */
export function loadWeights ({ narrowWeights }: Kernels, rows: readonly Float64Array[]): void {
  for (const [s, row] of rows.entries()) {
    row.forEach((weight, j) => { narrowWeights[(s * row.length + j) * 2] = weight })
  }
}

/**
 * Weighted sums of outer products of bounded rounding: target += sum over r of w_r x_r d_r^T
 *
 * DP-SGD needs a sum whose rounding is bounded: in float32 a sum over a large batch rounds by more than one example may
 * contribute. Here floats are multiplied and added as doubles, or as floats in blocks that are added up as doubles,
 * whatever the backend. The same tiling as in matrix-kernels.ts: tiles stay in registers, panels of x and d in the
 * caches.
 */
import { outerSum, outerSumFloats, TILE } from './outer-kernels.ts'
import { compile, createMemory } from './wasm-assembler.ts'
import type { Kernel, WasmMemory } from './wasm-assembler.ts'

/** Rows of x and d that are worked on at a time: a panel of d is 8 KiB */
const DEPTH = 256
/** Columns of x that are worked on at a time: 256 x 256 floats are 256 KiB, half of a second-level cache */
const SLAB = 256
/** Floats from one packed row of x to the next: a power of two would put all rows into the same few sets of a cache */
const STRIDE = SLAB + TILE
const FLOAT = 4
const DOUBLE = 8
/** Columns of d in a panel, of which a row takes 32 bytes either way */
const PANEL = { doubles: 4, floats: 8 }
const PANEL_ROW = 32
/** The smallest float of full precision */
const SMALLEST_NORMAL = 2 ** -126

/** Factors of outer products, row-major */
export interface WeightedRows {
  /** rows x inputs */
  x: Float32Array
  inputs: number
  /** rows x outputs */
  deltas: Float32Array
  outputs: number
  /**
   * One for each example, which has rows / weights.length rows in succession. An example of weight zero takes no part,
   * not even with NaN
   */
  weights: Float64Array
  /**
   * Up to so many rows are multiplied and added as floats, at about twice the speed; 0 for none
   * @default 0
   */
  blockLength?: number
}

/** Where things lie in the memory: addresses are bytes */
interface Plan {
  /** Rows that take part */
  rows: Uint32Array
  inputs: number
  outputs: number
  /** Rows of a block of floats, or 0 */
  blockLength: number
  /** Columns of d in a panel */
  width: number
  panels: number
  /** Start of the panels: each holds `width` columns of all rows */
  d: number
  /** Start of the sums: SLAB x (panels x width) doubles */
  c: number
  bytes: number
}

/** Some rows and columns of x */
interface Part { row: number, depth: number, from: number, width: number }

/** Holds the memory that the kernels work in, which grows to what the largest batch needs */
export class OuterProducts {
  private memory: WasmMemory = createMemory(0)
  private kernels: Record<string, Kernel> | undefined

  /**
   * Adds the sum to `target`, inputs x outputs elements, row-major
   *
   * In doubles every term passes at most rows + 3 roundings to 53 bits, so that element [i, j] is within
   * gamma(rows + 3) x (|target| + sum over r of |w_r x_ri d_rj|) of the exact sum, gamma(k) = k u / (1 - k u), u =
   * 2^-53 (Higham 2002, lemma 3.1). Numbers that are finite in float32 do not overflow. In blocks of m floats, w_r d_r
   * is first rounded to floats, to zero below 2^-126; then a term passes at most m more roundings to 24 bits, beside
   * those. Products must then be finite as floats
   */
  add (factors: WeightedRows, target: Float64Array): void {
    const plan = planOf(factors)
    if (plan.rows.length === 0) {
      return
    }
    const kernels = this.reserve(plan.bytes)
    this.packDeltas(plan, factors)
    const stride = plan.panels * plan.width
    const c = new Float64Array(this.memory.buffer, plan.c, SLAB * stride)
    for (let from = 0; from < plan.inputs; from += SLAB) {
      const width = Math.min(SLAB, plan.inputs - from)
      c.fill(0)
      for (let row = 0; row < plan.rows.length; row += DEPTH) {
        const part = { row, depth: Math.min(DEPTH, plan.rows.length - row), from, width }
        this.packInputs(factors.x, plan, part)
        multiply(kernels, plan, part)
      }
      addColumns(c, target.subarray(from * plan.outputs, (from + width) * plan.outputs), { outputs: plan.outputs, stride })
    }
  }

  private reserve (bytes: number): Record<string, Kernel> {
    if (this.kernels === undefined || this.memory.buffer.byteLength < bytes) {
      this.memory = createMemory(bytes)
      this.kernels = compile([outerSum, outerSumFloats], this.memory)
    }
    return this.kernels
  }

  /** Panel by panel, times the weights; columns that are missing become zeros */
  private packDeltas ({ rows, outputs, panels, d, width, blockLength }: Plan, { deltas, weights }: WeightedRows): void {
    const size = panels * rows.length * width
    const packed = blockLength > 0 ? new Float32Array(this.memory.buffer, d, size) : new Float64Array(this.memory.buffer, d, size)
    const shift = Math.log2(width)
    const smallest = blockLength > 0 ? SMALLEST_NORMAL : 0
    const positions = deltas.length / outputs / weights.length
    if (outputs % width > 0) {
      packed.fill(0, (panels - 1) * rows.length * width)
    }
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      const weight = weights[Math.floor(row / positions)]!
      for (let j = 0; j < outputs; j++) {
        const value = weight * deltas[row * outputs + j]!
        packed[((j >> shift) * rows.length + i) * width + (j & (width - 1))] = Math.abs(value) < smallest ? 0 : value
      }
    }
  }

  private packInputs (x: Float32Array, { rows, inputs }: Plan, { row, depth, from, width }: Part): void {
    const floats = new Float32Array(this.memory.buffer, 0, DEPTH * STRIDE)
    for (let i = 0; i < depth; i++) {
      const start = rows[row + i]! * inputs + from
      floats.set(x.subarray(start, start + width), i * STRIDE)
    }
  }
}

function planOf ({ x, inputs, outputs, weights, blockLength = 0 }: WeightedRows): Plan {
  const count = x.length / inputs
  const positions = count / weights.length
  const rows = Uint32Array.from({ length: count }, (_, row) => row).filter((row) => weights[Math.floor(row / positions)] !== 0)
  const width = blockLength > 0 ? PANEL.floats : PANEL.doubles
  const panels = Math.ceil(outputs / width)
  const d = DEPTH * STRIDE * FLOAT
  const c = d + panels * rows.length * PANEL_ROW
  return { rows, inputs, outputs, blockLength, width, panels, d, c, bytes: c + SLAB * panels * width * DOUBLE }
}

function multiply (kernels: Record<string, Kernel>, { rows, blockLength, width: columns, panels, d, c }: Plan, { row, depth, width }: Part): void {
  const kernel = blockLength > 0 ? kernels.outerSumFloats! : kernels.outerSum!
  const length = blockLength > 0 ? Math.min(blockLength, depth) : depth
  for (let panel = 0; panel < panels; panel++) {
    const from = d + (panel * rows.length + row) * PANEL_ROW
    const to = c + panel * columns * DOUBLE
    for (let first = 0; first < depth; first += length) {
      kernel(first * STRIDE * FLOAT, STRIDE * FLOAT, from + first * PANEL_ROW, to, panels * columns * DOUBLE, Math.min(length, depth - first), Math.ceil(width / TILE))
    }
  }
}

function addColumns (c: Float64Array, target: Float64Array, { outputs, stride }: { outputs: number, stride: number }): void {
  for (let i = 0, row = 0; i < target.length; i += outputs, row += stride) {
    for (let j = 0; j < outputs; j++) {
      target[i + j] = target[i + j]! + c[row + j]!
    }
  }
}

/**
 * Weighted sums of outer products in double precision: target += sum over r of w_r x_r d_r^T
 *
 * DP-SGD needs a sum whose rounding is bounded: in float32 a sum over a batch rounds by more than one example may
 * contribute. Here floats are multiplied and added as doubles, whatever the backend. The same tiling as in matrix-kernels.ts: tiles
 * of 4 x 4 stay in registers, panels of x and d in the caches.
 */
import {
  advance, compile, constant, createMemory, F64X2_ADD, F64X2_MUL, F64X2_PROMOTE_LOW, get, I32_ADD, I32_MUL, loadSplat, loadVector, set, storeVector,
  whileAtLeast
} from './wasm-assembler.ts'
import type { Code, FunctionDefinition, Kernel, ValueType, WasmMemory } from './wasm-assembler.ts'

/** Rows and columns of the tile that is kept in registers */
const TILE = 4
/** Rows of x and d that are worked on at a time: a panel of d is 8 KiB */
const DEPTH = 256
/** Columns of x that are worked on at a time: 256 x 256 floats are 256 KiB, half of a second-level cache */
const SLAB = 256
/** Floats from one packed row of x to the next: a power of two would put all rows into the same few sets of a cache */
const STRIDE = SLAB + TILE
const FLOAT = 4
const DOUBLE = 8
const VECTOR = 16

const ROWS = [0, 1, 2, 3] as const
/** The accumulators' first local; two for each row of the tile */
const ACCUMULATORS = 10
const D_LOW = 18
const D_HIGH = 19
const X_SPLAT = 20

function forTile (emit: (accumulator: number, row: number, half: number) => Code): Code {
  return ROWS.flatMap((row) => [0, 1].flatMap((half) => emit(ACCUMULATORS + 2 * row + half, row, half)))
}

/**
 * For each of `blocks` blocks of 4 columns of x: c[4 x 4] += x[depth x 4]^T panel[depth x 4]
 *
 * Parameters: 0 x (float32), 1 bytes between rows of x, 2 panel (float64), 3 c (float64), 4 bytes between rows of c, 5 depth, 6 blocks
 */
const outerSum: FunctionDefinition = {
  name: 'outerSum',
  parameters: new Array<ValueType>(7).fill('i32'),
  locals: [...new Array<ValueType>(3).fill('i32'), ...new Array<ValueType>(11).fill('v128')],
  body: whileAtLeast(6, 1, sumOfBlock(7, 8, 9))
}

function sumOfBlock (x: number, panel: number, remaining: number): Code {
  const cRow = (row: number): Code => [...get(3), ...constant(row), ...get(4), ...I32_MUL, ...I32_ADD]
  const rankOne: Code = [
    ...get(panel), ...loadVector(), ...set(D_LOW),
    ...get(panel), ...loadVector(VECTOR), ...set(D_HIGH),
    ...ROWS.flatMap((row) => [
      ...get(x), ...loadSplat(row * FLOAT), ...F64X2_PROMOTE_LOW, ...set(X_SPLAT),
      ...[0, 1].flatMap((half) => [
        ...get(ACCUMULATORS + 2 * row + half), ...get(X_SPLAT), ...get(D_LOW + half), ...F64X2_MUL, ...F64X2_ADD, ...set(ACCUMULATORS + 2 * row + half)
      ])
    ])
  ]
  return [
    ...get(0), ...set(x), ...get(2), ...set(panel), ...get(5), ...set(remaining),
    ...forTile((accumulator, row, half) => [...cRow(row), ...loadVector(half * VECTOR), ...set(accumulator)]),
    ...whileAtLeast(remaining, 1, [
      ...rankOne,
      ...advance(x, get(1)),
      ...advance(panel, constant(TILE * DOUBLE)),
      ...advance(remaining, constant(-1))
    ]),
    ...forTile((accumulator, row, half) => [...cRow(row), ...get(accumulator), ...storeVector(half * VECTOR)]),
    ...advance(0, constant(TILE * FLOAT)),
    ...advance(3, [...get(4), ...constant(TILE), ...I32_MUL]),
    ...advance(6, constant(-1))
  ]
}

/** Factors of outer products, row-major */
export interface WeightedRows {
  /** rows x inputs */
  x: Float32Array
  inputs: number
  /** rows x outputs */
  deltas: Float32Array
  outputs: number
  /** One for each example, which has rows / weights.length rows in succession. An example of weight zero takes no part, not even with NaN */
  weights: Float64Array
}

/** Where things lie in the memory: addresses are bytes */
interface Plan {
  /** Rows that take part */
  rows: Uint32Array
  inputs: number
  outputs: number
  /** Panels of 4 columns of d */
  panels: number
  /** Start of the panels: each holds 4 doubles for each row */
  d: number
  /** Start of the sums: SLAB x (4 panels) doubles */
  c: number
  bytes: number
}

/** Holds the memory that the kernel works in, which grows to what the largest batch needs */
export class OuterProducts {
  private memory: WasmMemory = createMemory(0)
  private kernel: Kernel | undefined

  /**
   * Adds the sum to `target`, inputs x outputs elements, row-major
   *
   * Every term passes at most rows + 3 roundings to 53 bits, so that element [i, j] is within
   * gamma(rows + 3) x (|target| + sum over r of |w_r x_ri d_rj|) of the exact sum, gamma(k) = k u / (1 - k u), u = 2^-53
   * (Higham 2002, lemma 3.1). Numbers that are finite in float32 do not overflow
   */
  add (factors: WeightedRows, target: Float64Array): void {
    const plan = planOf(factors)
    if (plan.rows.length === 0) {
      return
    }
    const kernel = this.reserve(plan.bytes)
    this.packDeltas(plan, factors)
    const c = new Float64Array(this.memory.buffer, plan.c, SLAB * plan.panels * TILE)
    for (let from = 0; from < plan.inputs; from += SLAB) {
      const width = Math.min(SLAB, plan.inputs - from)
      c.fill(0)
      for (let row = 0; row < plan.rows.length; row += DEPTH) {
        const depth = Math.min(DEPTH, plan.rows.length - row)
        this.packInputs(factors.x, plan, { row, depth, from, width })
        for (let panel = 0; panel < plan.panels; panel++) {
          const d = plan.d + (panel * plan.rows.length + row) * TILE * DOUBLE
          kernel(0, STRIDE * FLOAT, d, plan.c + panel * TILE * DOUBLE, plan.panels * TILE * DOUBLE, depth, Math.ceil(width / TILE))
        }
      }
      addColumns(c, target.subarray(from * plan.outputs, (from + width) * plan.outputs), { outputs: plan.outputs, stride: plan.panels * TILE })
    }
  }

  private reserve (bytes: number): Kernel {
    if (this.kernel === undefined || this.memory.buffer.byteLength < bytes) {
      this.memory = createMemory(bytes)
      this.kernel = compile([outerSum], this.memory).outerSum!
    }
    return this.kernel
  }

  /** Panel by panel, times the weights; columns that are missing become zeros */
  private packDeltas ({ rows, outputs, panels, d }: Plan, { deltas, weights }: WeightedRows): void {
    const doubles = new Float64Array(this.memory.buffer, d, panels * rows.length * TILE)
    const positions = deltas.length / outputs / weights.length
    if (outputs % TILE > 0) {
      doubles.fill(0, (panels - 1) * rows.length * TILE)
    }
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      const weight = weights[Math.floor(row / positions)]!
      for (let j = 0; j < outputs; j++) {
        doubles[((j >> 2) * rows.length + i) * TILE + (j & 3)] = weight * deltas[row * outputs + j]!
      }
    }
  }

  private packInputs (x: Float32Array, { rows, inputs }: Plan, { row, depth, from, width }: { row: number, depth: number, from: number, width: number }): void {
    const floats = new Float32Array(this.memory.buffer, 0, DEPTH * STRIDE)
    for (let i = 0; i < depth; i++) {
      const start = rows[row + i]! * inputs + from
      floats.set(x.subarray(start, start + width), i * STRIDE)
    }
  }
}

function planOf ({ x, inputs, outputs, weights }: WeightedRows): Plan {
  const count = x.length / inputs
  const positions = count / weights.length
  const rows = Uint32Array.from({ length: count }, (_, row) => row).filter((row) => weights[Math.floor(row / positions)] !== 0)
  const panels = Math.ceil(outputs / TILE)
  const d = DEPTH * STRIDE * FLOAT
  const c = d + panels * rows.length * TILE * DOUBLE
  return { rows, inputs, outputs, panels, d, c, bytes: c + SLAB * panels * TILE * DOUBLE }
}

function addColumns (c: Float64Array, target: Float64Array, { outputs, stride }: { outputs: number, stride: number }): void {
  for (let i = 0, row = 0; i < target.length; i += outputs, row += stride) {
    for (let j = 0; j < outputs; j++) {
      target[i + j] = target[i + j]! + c[row + j]!
    }
  }
}

/**
 * Vector kernels for training on WebAssembly: matrix product with either side transposed, patches, relu gradient
 *
 * The stock wasm backend packs the right-hand side anew, slowly, for every product, because weights change at every
 * step, and its transposed products are plain loops. Here a panel of 8 columns is packed with vector moves, 256 rows at
 * a time so that it stays in the first-level cache (Goto and van de Geijn 2008), and tiles of 4 x 8 stay in registers.
 */
import {
  advance, compile, constant, F32_ADD, F32X4_ADD, F32X4_GT, F32X4_MAX, F32X4_MUL, get, I32_ADD, I32_MUL, loadF32, loadSplat, loadVector,
  set, shuffle, storeF32, storeVector, V128_AND, when, whileAtLeast, ZEROS
} from './wasm-assembler.ts'
import type { Code, FunctionDefinition, Kernel, ValueType, WasmMemory } from './wasm-assembler.ts'

/** Rows and columns of the tile that is kept in registers */
const TILE_ROWS = 4
const TILE_COLUMNS = 8
/** Depth of a packed panel: 256 x 8 floats are 8 KiB, a quarter of a first-level cache */
const DEPTH = 256
/** Rows of a that are packed at a time: 256 x 256 floats are 256 KiB, half of a second-level cache */
const SLAB_ROWS = 256
const FLOAT = 4
const VECTOR = 16

const ROWS = [0, 1, 2, 3] as const
const integers = (count: number): ValueType[] => new Array<ValueType>(count).fill('i32')
const vectors = (count: number): ValueType[] => new Array<ValueType>(count).fill('v128')

/** The accumulators' first local; two for each row of the tile */
const ACCUMULATORS = 12
const B_LOW = 20
const B_HIGH = 21
const A_SPLAT = 22

function forTile (emit: (accumulator: number, row: number, half: number) => Code): Code {
  return ROWS.flatMap((row) => [0, 1].flatMap((half) => emit(ACCUMULATORS + 2 * row + half, row, half)))
}

/**
 * For each of `blocks` blocks of 4 rows: c[4 x 8] (+)= a[4 x depth] * panel[depth x 8]
 *
 * The 4 elements of a column of a block lie side by side. Parameters: 0 a, 1 bytes from one block of a to the next, 2
 * panel, 3 c, 4 bytes between rows of c, 5 depth, 6 blocks, 7 bytes between columns of a, 8 whether to add to c
 */
const product: FunctionDefinition = {
  name: 'product',
  parameters: integers(9),
  locals: [...integers(3), ...vectors(11)],
  body: whileAtLeast(6, 1, productOfBlock(9, 10, 11))
}

function productOfBlock (a: number, panel: number, remaining: number): Code {
  const cRow = (row: number): Code => [...get(3), ...constant(row), ...get(4), ...I32_MUL, ...I32_ADD]
  const rankOne: Code = [
    ...get(panel), ...loadVector(), ...set(B_LOW),
    ...get(panel), ...loadVector(VECTOR), ...set(B_HIGH),
    ...ROWS.flatMap((row) => [
      ...get(a), ...loadSplat(row * FLOAT), ...set(A_SPLAT),
      ...[0, 1].flatMap((half) => [
        ...get(ACCUMULATORS + 2 * row + half), ...get(A_SPLAT), ...get(B_LOW + half), ...F32X4_MUL, ...F32X4_ADD, ...set(ACCUMULATORS + 2 * row + half)
      ])
    ])
  ]
  return [
    ...get(0), ...set(a), ...get(2), ...set(panel), ...get(5), ...set(remaining),
    ...forTile((accumulator) => [...ZEROS, ...set(accumulator)]),
    ...when(8, forTile((accumulator, row, half) => [...cRow(row), ...loadVector(half * VECTOR), ...set(accumulator)])),
    ...whileAtLeast(remaining, 1, [
      ...rankOne,
      ...advance(a, get(7)),
      ...advance(panel, constant(TILE_COLUMNS * FLOAT)),
      ...advance(remaining, constant(-1))
    ]),
    ...forTile((accumulator, row, half) => [...cRow(row), ...get(accumulator), ...storeVector(half * VECTOR)]),
    ...advance(0, get(1)),
    ...advance(3, [...get(4), ...constant(TILE_ROWS), ...I32_MUL]),
    ...advance(6, constant(-1))
  ]
}

/** panel[k, 0..8] = b[k, 0..8]. Parameters: 0 b, 1 bytes between rows of b, 2 panel, 3 depth */
const packRows: FunctionDefinition = {
  name: 'packRows',
  parameters: integers(4),
  locals: [],
  body: whileAtLeast(3, 1, [
    ...[0, VECTOR].flatMap((half) => [...get(2), ...get(0), ...loadVector(half), ...storeVector(half)]),
    ...advance(0, get(1)),
    ...advance(2, constant(TILE_COLUMNS * FLOAT)),
    ...advance(3, constant(-1))
  ])
}

/**
 * to[k, 0..4] = from[0..4, k] for a depth that is a multiple of 4: transposed through registers
 *
 * Parameters: 0 from, 1 bytes between rows of `from`, 2 to, 3 depth. Rows of `to` are `width` floats apart
 */
function interleave (name: string, width: number): FunctionDefinition {
  return {
    name,
    parameters: integers(4),
    locals: [...integers(1), ...vectors(8)],
    body: whileAtLeast(3, 4, [
      ...get(0), ...set(4),
      ...ROWS.flatMap((row) => [...get(4), ...loadVector(), ...set(5 + row), ...advance(4, get(1))]),
      ...get(5), ...get(6), ...shuffle([0, 4, 1, 5]), ...set(9),
      ...get(5), ...get(6), ...shuffle([2, 6, 3, 7]), ...set(10),
      ...get(7), ...get(8), ...shuffle([0, 4, 1, 5]), ...set(11),
      ...get(7), ...get(8), ...shuffle([2, 6, 3, 7]), ...set(12),
      ...ROWS.flatMap((k): Code => [
        ...get(2),
        ...get(9 + (k >> 1)), ...get(11 + (k >> 1)), ...shuffle(k % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7]),
        ...storeVector(k * width * FLOAT)
      ]),
      ...advance(0, constant(VECTOR)),
      ...advance(2, constant(4 * width * FLOAT)),
      ...advance(3, constant(-4))
    ])
  }
}

/**
 * Copies (or adds) `count` runs of `words` floats
 *
 * Parameters: 0 to, 1 from, 2 count, 3 bytes between runs of `to`, 4 bytes between runs of `from`, 5 words
 */
function runs (name: string, add: boolean): FunctionDefinition {
  const [to, from, words] = [6, 7, 8]
  const move = (load: Code, sum: Code, store: Code, floats: number): Code => [
    ...get(to), ...get(from), ...load, ...(add ? [...get(to), ...load, ...sum] : []), ...store,
    ...advance(to, constant(floats * FLOAT)), ...advance(from, constant(floats * FLOAT)), ...advance(words, constant(-floats))
  ]
  return {
    name,
    parameters: integers(6),
    locals: integers(3),
    body: whileAtLeast(2, 1, [
      ...get(0), ...set(to), ...get(1), ...set(from), ...get(5), ...set(words),
      ...whileAtLeast(words, 4, move(loadVector(), F32X4_ADD, storeVector(), 4)),
      ...whileAtLeast(words, 1, move(loadF32(), F32_ADD, storeF32(), 1)),
      ...advance(0, get(3)), ...advance(1, get(4)), ...advance(2, constant(-1))
    ])
  }
}

/**
 * out = y > 0 ? dy : 0, four at a time. Parameters: 0 dy, 1 y, 2 out, 3 elements, of which a last 1 to 3 are left to
 * the caller
 */
const reluGradient: FunctionDefinition = {
  name: 'reluGradient',
  parameters: integers(4),
  locals: [],
  body: whileAtLeast(3, 4, [
    ...get(2), ...get(0), ...loadVector(), ...get(1), ...loadVector(), ...ZEROS, ...F32X4_GT, ...V128_AND, ...storeVector(),
    ...[0, 1, 2].flatMap((pointer) => advance(pointer, constant(VECTOR))), ...advance(3, constant(-4))
  ])
}

/**
 * x = max(x, 0) in place, four at a time. Parameters: 0 x, 1 elements, of which a last 1 to 3 are left to the caller
 */
const relu: FunctionDefinition = {
  name: 'relu',
  parameters: integers(2),
  locals: [],
  body: whileAtLeast(1, 4, [
    ...get(0), ...get(0), ...loadVector(), ...ZEROS, ...F32X4_MAX, ...storeVector(),
    ...advance(0, constant(VECTOR)), ...advance(1, constant(-4))
  ])
}

type Functions = Record<'product' | 'packRows' | 'interleave4' | 'interleave8' | 'copyRuns' | 'addRuns' | 'reluGradient' | 'relu', Kernel>

/** Memory that the kernels share with the owner of the tensors */
export interface SharedHeap {
  memory: WasmMemory
  /** Bytes -> address. Scratch space is allocated once and kept */
  allocate: (bytes: number) => number
}

/** A matrix in memory. Addresses and strides are bytes */
export interface MatrixView {
  address: number
  /** Rows and columns as the product sees them */
  rows: number
  columns: number
  /** Whether memory holds the transpose: columns x rows */
  transposed: boolean
}

interface Slab { k: number, steps: number, from: number, rows: number, add: boolean }

/** Matrix kernels on somebody else's memory. All addresses are bytes, all matrices dense float32 */
export class MatrixKernels {
  private readonly heap: SharedHeap
  private readonly functions: Functions
  private readonly panel: number
  private readonly slab: number
  private readonly tile: number
  private view = new Float32Array()

  constructor (heap: SharedHeap) {
    this.functions = compile([
      product, packRows, interleave('interleave4', TILE_ROWS), interleave('interleave8', TILE_COLUMNS),
      runs('copyRuns', false), runs('addRuns', true), reluGradient, relu
    ], heap.memory) as Functions
    this.heap = heap
    this.panel = heap.allocate(DEPTH * TILE_COLUMNS * FLOAT)
    this.slab = heap.allocate(SLAB_ROWS * DEPTH * FLOAT)
    this.tile = heap.allocate(SLAB_ROWS * TILE_COLUMNS * FLOAT)
  }

  /** The whole memory as floats; memory that has grown gets a new view */
  floats (): Float32Array {
    if (this.view.buffer !== this.heap.memory.buffer) {
      this.view = new Float32Array(this.heap.memory.buffer)
    }
    return this.view
  }

  /** c (+)= a * b, where c is a.rows x b.columns, row-major. The inner dimension is at least 1 */
  multiply (a: MatrixView, b: MatrixView, c: number, accumulate = false): void {
    for (let k = 0; k < a.columns; k += DEPTH) {
      const steps = Math.min(DEPTH, a.columns - k)
      for (let from = 0; from < a.rows; from += SLAB_ROWS) {
        const slab = { k, steps, from, rows: Math.min(SLAB_ROWS, a.rows - from), add: accumulate || k > 0 }
        this.packSlab(a, slab)
        for (let column = 0; column < b.columns; column += TILE_COLUMNS) {
          const width = Math.min(TILE_COLUMNS, b.columns - column)
          this.packPanel(b, { k, steps, column, width })
          this.multiplyPanel(a, slab, { address: c + (from * b.columns + column) * FLOAT, stride: b.columns * FLOAT, width })
        }
      }
    }
  }

  /** Moves b[k .. k + steps, column .. column + width] into the panel; missing columns become zeros */
  private packPanel (b: MatrixView, { k, steps, column, width }: { k: number, steps: number, column: number, width: number }): void {
    if (!b.transposed && width === TILE_COLUMNS) {
      this.functions.packRows(b.address + (k * b.columns + column) * FLOAT, b.columns * FLOAT, this.panel, steps)
      return
    }
    const fast = b.transposed && width === TILE_COLUMNS ? steps - steps % 4 : 0
    for (const half of fast > 0 ? [0, 4] : []) {
      this.functions.interleave8(b.address + ((column + half) * b.rows + k) * FLOAT, b.rows * FLOAT, this.panel + half * FLOAT, fast)
    }
    const [stepStride, columnStride] = b.transposed ? [1, b.rows] : [b.columns, 1]
    const from = b.address / FLOAT + (k + fast) * stepStride + column * columnStride
    this.gather({ address: from, stepStride, stride: columnStride }, { address: this.panel / FLOAT + fast * TILE_COLUMNS, width: TILE_COLUMNS }, { steps: steps - fast, count: width })
  }

  /**
   * Moves blocks of 4 rows of a into the slab, column by column. A transposed a has them side by side already, so that
   * only its last 1 to 3 rows are moved, padded with zeros to 4
   */
  private packSlab (a: MatrixView, { k, steps, from, rows }: Slab): void {
    const [stepStride, rowStride] = a.transposed ? [a.rows, 1] : [1, a.columns]
    for (let row = a.transposed ? rows - rows % TILE_ROWS : 0; row < rows; row += TILE_ROWS) {
      const to = this.slab + row * steps * FLOAT
      const count = Math.min(TILE_ROWS, rows - row)
      const address = a.address + (k * stepStride + (from + row) * rowStride) * FLOAT
      const fast = count === TILE_ROWS ? steps - steps % 4 : 0
      if (fast > 0) {
        this.functions.interleave4(address, a.columns * FLOAT, to, fast)
      }
      this.gather({ address: address / FLOAT + fast * stepStride, stepStride, stride: rowStride }, { address: to / FLOAT + fast * TILE_ROWS, width: TILE_ROWS }, { steps: steps - fast, count })
    }
  }

  /** to[step, 0..width] = from[step, 0..count], then zeros. Addresses and strides are floats */
  private gather (from: { address: number, stepStride: number, stride: number }, to: { address: number, width: number }, { steps, count }: { steps: number, count: number }): void {
    const floats = this.floats()
    for (let step = 0; step < steps; step++) {
      for (let i = 0; i < to.width; i++) {
        floats[to.address + step * to.width + i] = i < count ? floats[from.address + step * from.stepStride + i * from.stride]! : 0
      }
    }
  }

  private multiplyPanel (a: MatrixView, slab: Slab, c: { address: number, stride: number, width: number }): void {
    const { k, steps, from, rows } = slab
    const add = slab.add ? 1 : 0
    const blocks = Math.floor(rows / TILE_ROWS)
    const tail = rows - blocks * TILE_ROWS
    // where c is narrower than the tile or has fewer rows left, the product goes to a tile first
    const direct = c.width === TILE_COLUMNS ? blocks * TILE_ROWS : 0
    const part = { from: direct, to: rows, width: c.width }
    if (slab.add && direct < rows) {
      this.copyTile(c, part, false)
    }
    const [address, stride] = direct > 0 ? [c.address, c.stride] : [this.tile, TILE_COLUMNS * FLOAT]
    const [source, blockBytes, columnBytes] = a.transposed
      ? [a.address + (k * a.rows + from) * FLOAT, TILE_ROWS * FLOAT, a.rows * FLOAT]
      : [this.slab, TILE_ROWS * steps * FLOAT, TILE_ROWS * FLOAT]
    this.functions.product(source, blockBytes, this.panel, address, stride, steps, blocks, columnBytes, add)
    if (tail > 0) {
      const done = blocks * TILE_ROWS
      this.functions.product(this.slab + done * steps * FLOAT, 0, this.panel, this.tile + done * TILE_COLUMNS * FLOAT, TILE_COLUMNS * FLOAT, steps, 1, TILE_ROWS * FLOAT, add)
    }
    if (direct < rows) {
      this.copyTile(c, part, true)
    }
  }

  /** Rows from..to between c and the tile, which holds 8 columns for each row of c */
  private copyTile (c: { address: number, stride: number }, { from, to, width }: { from: number, to: number, width: number }, toC: boolean): void {
    const inTile = this.tile + from * TILE_COLUMNS * FLOAT
    const inC = c.address + from * c.stride
    if (toC) {
      this.functions.copyRuns(inC, inTile, to - from, c.stride, TILE_COLUMNS * FLOAT, width)
    } else {
      this.functions.copyRuns(inTile, inC, to - from, TILE_COLUMNS * FLOAT, c.stride, width)
    }
  }

  /** `count` runs of `words` floats; strides in bytes. With `add`, the runs are added to what is there */
  moveRuns (to: { address: number, stride: number }, from: { address: number, stride: number }, run: { count: number, words: number, add?: boolean }): void {
    const move = run.add === true ? this.functions.addRuns : this.functions.copyRuns
    move(to.address, from.address, run.count, to.stride, from.stride, run.words)
  }

  /** out = y > 0 ? dy : 0 */
  reluGradient (dy: number, y: number, out: number, elements: number): void {
    this.functions.reluGradient(dy, y, out, elements)
    const floats = this.floats()
    for (let i = elements - elements % 4; i < elements; i++) {
      floats[out / FLOAT + i] = floats[y / FLOAT + i]! > 0 ? floats[dy / FLOAT + i]! : 0
    }
  }

  /** x = max(x, 0), in place */
  relu (x: number, elements: number): void {
    this.functions.relu(x, elements)
    const floats = this.floats()
    for (let i = elements - elements % 4; i < elements; i++) {
      floats[x / FLOAT + i] = Math.max(floats[x / FLOAT + i]!, 0)
    }
  }
}

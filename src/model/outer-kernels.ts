/**
 * The inner loops of weighted sums of outer products (outer-products.ts), in WebAssembly
 *
 * Both are functions of 0 x (float32), 1 bytes between rows of x, 2 a panel of d, 3 c (float64), 4 bytes between rows
 * of c, 5 depth, 6 blocks: for each block of 4 columns of x, c += x[depth x 4]^T panel[depth x columns]. A row of a
 * panel takes 32 bytes.
 */
import {
  advance, constant, F32X4_ADD, F32X4_MUL, F64X2_ADD, F64X2_MUL, F64X2_PROMOTE_LOW, get, I32_ADD, I32_MUL, loadSplat, loadVector, set, shuffle,
  storeVector, whileAtLeast, ZEROS
} from './wasm-assembler.ts'
import type { Code, FunctionDefinition, ValueType } from './wasm-assembler.ts'

/** Columns of x whose sums are kept in registers */
export const TILE = 4
const FLOAT = 4
const DOUBLE = 8
const VECTOR = 16
const PANEL_ROW = 32

const ROWS = [0, 1, 2, 3] as const
const [X, PANEL, REMAINING] = [7, 8, 9]
/** The accumulators' first local; two for each row of the tile */
const ACCUMULATORS = 10
const D_LOW = 18
const X_SPLAT = 20

const definition = (name: string, body: Code): FunctionDefinition => ({
  name,
  parameters: new Array<ValueType>(7).fill('i32'),
  locals: [...new Array<ValueType>(3).fill('i32'), ...new Array<ValueType>(11).fill('v128')],
  body: whileAtLeast(6, 1, body)
})

const accumulator = (row: number, half: number): number => ACCUMULATORS + 2 * row + half
const cRow = (row: number): Code => [...get(3), ...constant(row), ...get(4), ...I32_MUL, ...I32_ADD]

function forTile (emit: (row: number, half: number) => Code): Code {
  return ROWS.flatMap((row) => [0, 1].flatMap((half) => emit(row, half)))
}

interface Arithmetic { load: Code, add: Code, multiply: Code, before: Code, after: Code }

/** A block: what comes before, the tile's sum over all rows, what comes after, and on to the next */
function sumOfBlock ({ load, add, multiply, before, after }: Arithmetic): Code {
  return [
    ...get(0), ...set(X), ...get(2), ...set(PANEL), ...get(5), ...set(REMAINING),
    ...before,
    ...whileAtLeast(REMAINING, 1, [
      ...[0, 1].flatMap((half) => [...get(PANEL), ...loadVector(half * VECTOR), ...set(D_LOW + half)]),
      ...ROWS.flatMap((row) => [
        ...get(X), ...loadSplat(row * FLOAT), ...load, ...set(X_SPLAT),
        ...[0, 1].flatMap((half) => [
          ...get(accumulator(row, half)), ...get(X_SPLAT), ...get(D_LOW + half), ...multiply, ...add, ...set(accumulator(row, half))
        ])
      ]),
      ...advance(X, get(1)),
      ...advance(PANEL, constant(PANEL_ROW)),
      ...advance(REMAINING, constant(-1))
    ]),
    ...after,
    ...advance(0, constant(TILE * FLOAT)),
    ...advance(3, [...get(4), ...constant(TILE), ...I32_MUL]),
    ...advance(6, constant(-1))
  ]
}

/** In doubles: panels of 4 columns */
export const outerSum = definition('outerSum', sumOfBlock({
  load: F64X2_PROMOTE_LOW,
  add: F64X2_ADD,
  multiply: F64X2_MUL,
  before: forTile((row, half) => [...cRow(row), ...loadVector(half * VECTOR), ...set(accumulator(row, half))]),
  after: forTile((row, half) => [...cRow(row), ...get(accumulator(row, half)), ...storeVector(half * VECTOR)])
}))

/** In floats over the depth, whose sums are added to c in doubles: panels of 8 columns */
export const outerSumFloats = definition('outerSumFloats', sumOfBlock({
  load: [],
  add: F32X4_ADD,
  multiply: F32X4_MUL,
  before: forTile((row, half) => [...ZEROS, ...set(accumulator(row, half))]),
  after: forTile((row, half) => [
    ...addToSums(row, 4 * half, get(accumulator(row, half))),
    ...addToSums(row, 4 * half + 2, [...get(accumulator(row, half)), ...get(accumulator(row, half)), ...shuffle([2, 3, 2, 3])])
  ])
}))

/** c[row, column .. column + 2) += the lower two of four floats */
function addToSums (row: number, column: number, floats: Code): Code {
  return [...cRow(row), ...cRow(row), ...loadVector(column * DOUBLE), ...floats, ...F64X2_PROMOTE_LOW, ...F64X2_ADD, ...storeVector(column * DOUBLE)]
}

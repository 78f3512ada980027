/**
 * A few WebAssembly instructions, just enough to write vector kernels without a second toolchain
 *
 * WebAssembly core specification 2.0, binary format, with the 128-bit vector instructions. An instruction sequence is
 * an array of bytes; expressions are built by nesting, as in `[...get(0), ...get(1), ...I32_ADD]`.
 */

/** What is used of the JavaScript API: its types ship only with those of browsers */
declare const WebAssembly: {
  Memory: new (descriptor: { initial: number, maximum?: number }) => WasmMemory
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: Record<string, Record<string, unknown>>) => { exports: unknown }
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer
}

export type Code = readonly number[]
export type ValueType = 'i32' | 'f32' | 'v128'

export interface FunctionDefinition {
  name: string
  parameters: readonly ValueType[]
  locals: readonly ValueType[]
  body: Code
}

const TYPE_BYTES: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b }
const FUNCTION_TYPE = 0x60
const EMPTY_BLOCK = 0x40
const END = 0x0b
const PAGE_BYTES = 65_536

export const I32_ADD: Code = [0x6a]
export const I32_MUL: Code = [0x6c]
export const V128_AND: Code = [0xfd, 0x4e]
/** The first operand's bits where the second has none */
export const V128_AND_NOT: Code = [0xfd, 0x4f]
export const F32X4_SPLAT: Code = [0xfd, 0x13]
export const F32X4_GT: Code = [0xfd, 0x44]
export const F32X4_LE: Code = [0xfd, 0x45]
export const F32X4_ABS: Code = [0xfd, 0xe0, 0x01]
export const F32X4_SQRT: Code = [0xfd, 0xe3, 0x01]
export const F32X4_ADD: Code = [0xfd, 0xe4, 0x01]
export const F32X4_SUB: Code = [0xfd, 0xe5, 0x01]
export const F32X4_MUL: Code = [0xfd, 0xe6, 0x01]
export const F32X4_DIV: Code = [0xfd, 0xe7, 0x01]
export const F32X4_MAX: Code = [0xfd, 0xe9, 0x01]
export const F32_ADD: Code = [0x92]
/** The two lower of four floats, as doubles */
export const F64X2_PROMOTE_LOW: Code = [0xfd, 0x5f]
export const F64X2_ADD: Code = [0xfd, 0xf0, 0x01]
export const F64X2_MUL: Code = [0xfd, 0xf2, 0x01]

function unsigned (value: number): number[] {
  const bytes: number[] = []
  do {
    const low = value % 128
    value = Math.floor(value / 128)
    bytes.push(value > 0 ? low | 0x80 : low)
  } while (value > 0)
  return bytes
}

function signed (value: number): number[] {
  const bytes: number[] = []
  for (;;) {
    const low = value & 0x7f
    value >>= 7
    const done = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)
    bytes.push(done ? low : low | 0x80)
    if (done) {
      return bytes
    }
  }
}

export const get = (local: number): Code => [0x20, ...unsigned(local)]
export const set = (local: number): Code => [0x21, ...unsigned(local)]
export const constant = (value: number): Code => [0x41, ...signed(value)]
export const f32Constant = (value: number): Code => [0x43, ...new Uint8Array(new Float32Array([value]).buffer)]
/** Four zeros */
export const ZEROS: Code = [0xfd, 0x0c, ...new Array<number>(16).fill(0)]

/** Memory instructions: the address is on the stack; alignment is only a hint, so the smallest is always right */
const access = (opcode: Code, offset: number): Code => [...opcode, 0, ...unsigned(offset)]
export const loadF32 = (offset = 0): Code => access([0x2a], offset)
export const storeF32 = (offset = 0): Code => access([0x38], offset)
export const loadVector = (offset = 0): Code => access([0xfd, 0x00], offset)
export const loadSplat = (offset = 0): Code => access([0xfd, 0x09], offset)
export const storeVector = (offset = 0): Code => access([0xfd, 0x0b], offset)

/** Lanes 0 to 3 are those of the first vector on the stack, 4 to 7 those of the second */
export const shuffle = (lanes: readonly [number, number, number, number]): Code =>
  [0xfd, 0x0d, ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte))]

/** local += amount */
export const advance = (local: number, amount: Code): Code => [...get(local), ...amount, ...I32_ADD, ...set(local)]

/** Repeats `body` while local >= least, at least zero times; the body must decrease the local */
export const whileAtLeast = (local: number, least: number, body: Code): Code => [
  0x02, EMPTY_BLOCK, // block
  ...get(local), ...constant(least), 0x48, 0x0d, 0, // leave when local < least
  0x03, EMPTY_BLOCK, // loop
  ...body,
  ...get(local), ...constant(least), 0x4e, 0x0d, 0, // again when local >= least
  END,
  END
]

/** if (local !== 0) body */
export const when = (local: number, body: Code): Code => [...get(local), 0x04, EMPTY_BLOCK, ...body, END]

function vector (items: ReadonlyArray<Code>): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function section (id: number, items: ReadonlyArray<Code>): number[] {
  const content = vector(items)
  return [id, ...unsigned(content.length), ...content]
}

function text (value: string): number[] {
  return [...unsigned(value.length), ...new TextEncoder().encode(value)]
}

function functionCode ({ locals, body }: FunctionDefinition): number[] {
  const content = [...vector(locals.map((type) => [1, TYPE_BYTES[type]])), ...body, END]
  return [...unsigned(content.length), ...content]
}

/**
 * A module that works on an imported memory (`env.memory`) and exports every function by its name. No function returns
 * a value
 */
function assemble (functions: readonly FunctionDefinition[]): Uint8Array {
  const importedMemory = [...text('env'), ...text('memory'), 0x02, 0x00, ...unsigned(0)]
  return new Uint8Array([
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    ...section(1, functions.map(({ parameters }) => [FUNCTION_TYPE, ...vector(parameters.map((type) => [TYPE_BYTES[type]])), 0])),
    ...section(2, [importedMemory]),
    ...section(3, functions.map((_, index) => unsigned(index))),
    ...section(7, functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)])),
    ...section(10, functions.map(functionCode))
  ])
}

export type Kernel = (...parameters: number[]) => void

/** Compiled functions that read and write `memory` */
export function compile (functions: readonly FunctionDefinition[], memory: WasmMemory): Record<string, Kernel> {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble(functions)), { env: { memory } })
  return instance.exports as Record<string, Kernel>
}

/** A memory of its own, of at least so many bytes */
export function createMemory (bytes: number): WasmMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  return new WebAssembly.Memory({ initial: pages, maximum: pages })
}

/**
 * Optimisers over one flat vector: one vectorised pass instead of a dozen small tensor operations for each tensor
 *
 * The same mathematics as tfjs (and Keras): momentum without dampening; Adam of Kingma and Ba 2015, Algorithm 1, with
 * epsilon added to the corrected root.
 */
import {
  advance, compile, constant, createMemory, F32X4_ABS, F32X4_ADD, F32X4_DIV, F32X4_LE, F32X4_MUL, F32X4_SPLAT, F32X4_SQRT, F32X4_SUB, f32Constant,
  get, loadVector, set, storeVector, V128_AND_NOT, whileAtLeast
} from './wasm-assembler.ts'
import type { OptimizerSettings } from '../federation/document.ts'
import type { Code, FunctionDefinition, Kernel, ValueType, WasmMemory } from './wasm-assembler.ts'

const LANES = 4
const VECTOR = 16
const SMALLEST_NORMAL = 1.1754944e-38

/**
 * Smaller averages become zero. A weight whose gradient stays zero would otherwise end in denormal numbers, which never
 * decay to zero (0.9 x the smallest one rounds back to it) and slow every later step on many processors
 */
const NEGLIGIBLE = 1e-30

export interface Optimizer {
  /** The d parameters: filled by the caller, moved by `step` */
  readonly parameters: Float32Array
  /** Their d gradients: filled by the caller */
  readonly gradients: Float32Array
  /** Moves `parameters` by one step along `gradients`. @default the learning rate of the settings */
  step: (learningRate?: number) => void
  /** Forgets momentum and moments */
  reset: () => void
  /** What `step` goes on from besides the parameters, a view; undefined where there is nothing: see `OptimizerState` */
  state: () => OptimizerState | undefined
  /** False, and nothing is changed, when it is not the state of such an optimiser or not finite */
  restore: (state: OptimizerState) => boolean
}

/** Lives on over a restart. Local knowledge: it tells of gradients, without noise where none is added to them */
export interface OptimizerState {
  /** Powers of the decay rates, of as many as there are moments that are corrected */
  powers: Float64Array
  /** Momentum, or first and second moments, d elements each, one after the other */
  moments: Float32Array
}

const types = (integers: number, floats: number): ValueType[] => [...new Array<ValueType>(integers).fill('i32'), ...new Array<ValueType>(floats).fill('f32')]
const load = (pointer: number): Code => [...get(pointer), ...loadVector()]
/** A parameter in all four lanes */
const splat = (scalar: number): Code => [...get(scalar), ...F32X4_SPLAT]
const nextVectors = (pointers: readonly number[], remaining: number): Code =>
  [...pointers.flatMap((pointer) => advance(pointer, constant(VECTOR))), ...advance(remaining, constant(-LANES))]
/** The local, or zero where it is negligible. NaN compares with nothing, and stays to be seen */
const flushed = (local: number): Code =>
  [...get(local), ...get(local), ...F32X4_ABS, ...f32Constant(NEGLIGIBLE), ...F32X4_SPLAT, ...F32X4_LE, ...V128_AND_NOT]

/** Parameters: 0 parameters, 1 gradients, 2 velocity, 3 elements (a multiple of 4), 4 rate, 5 momentum */
const MOMENTUM_STEP: FunctionDefinition = {
  name: 'step',
  parameters: types(4, 2),
  locals: ['v128'],
  body: whileAtLeast(3, LANES, [
    ...load(2), ...splat(5), ...F32X4_MUL, ...load(1), ...F32X4_ADD, ...set(6),
    ...flushed(6), ...set(6),
    ...get(2), ...get(6), ...storeVector(),
    ...get(0), ...load(0), ...get(6), ...splat(4), ...F32X4_MUL, ...F32X4_SUB, ...storeVector(),
    ...nextVectors([0, 1, 2], 3)
  ])
}

/** average = decay * average + (1 - decay) * sample. `sample` is code that yields a vector */
const movingAverage = (pointer: number, decay: number, complement: number, sample: Code): Code =>
  [...load(pointer), ...splat(decay), ...F32X4_MUL, ...sample, ...splat(complement), ...F32X4_MUL, ...F32X4_ADD]

/**
 * Parameters: 0 parameters, 1 gradients, 2 first and 3 second moments, 4 elements (a multiple of 4), 5 rate, 6 floor,
 * 7 beta1, 8 1 - beta1, 9 beta2, 10 1 - beta2
 */
const ADAM_STEP: FunctionDefinition = {
  name: 'step',
  parameters: types(5, 6),
  locals: ['v128', 'v128'],
  body: whileAtLeast(4, LANES, [
    ...movingAverage(2, 7, 8, load(1)), ...set(11),
    ...movingAverage(3, 9, 10, [...load(1), ...load(1), ...F32X4_MUL]), ...set(12),
    ...flushed(11), ...set(11), ...flushed(12), ...set(12),
    ...get(2), ...get(11), ...storeVector(),
    ...get(3), ...get(12), ...storeVector(),
    ...get(0), ...load(0),
    ...get(11), ...splat(5), ...F32X4_MUL, ...get(12), ...F32X4_SQRT, ...splat(6), ...F32X4_ADD, ...F32X4_DIV,
    ...F32X4_SUB, ...storeVector(),
    ...nextVectors([0, 1, 2, 3], 4)
  ])
}

/** Vectors of d floats, one after the other in one memory, each padded so that no step has a tail */
interface Vectors {
  memory: WasmMemory
  padded: number
  /** Address of vector i */
  address: (i: number) => number
  floats: (i: number) => Float32Array
}

function vectors (count: number, parameterCount: number): Vectors {
  const padded = Math.ceil(parameterCount / LANES) * LANES
  const address = (i: number): number => i * padded * Float32Array.BYTES_PER_ELEMENT
  const memory = createMemory(address(count))
  return { memory, padded, address, floats: (i) => new Float32Array(memory.buffer, address(i), parameterCount) }
}

function join (first: Float32Array, second: Float32Array): Float32Array {
  const joined = new Float32Array(first.length + second.length)
  joined.set(first)
  joined.set(second, first.length)
  return joined
}

/** Parts of the same length as those of another optimiser's state with the same settings, all finite */
function fits (state: OptimizerState, powers: number, moments: number): boolean {
  return state.powers.length === powers && state.moments.length === moments &&
    state.powers.every(Number.isFinite) && state.moments.every(Number.isFinite)
}

function kernel (definition: FunctionDefinition, memory: WasmMemory): Kernel {
  return compile([definition], memory)[definition.name]!
}

/** Moments start at zero */
export function createOptimizer (settings: OptimizerSettings, parameterCount: number): Optimizer {
  return settings.name === 'adam' ? adam(settings, parameterCount) : momentum(settings, parameterCount)
}

function momentum (settings: Extract<OptimizerSettings, { name: 'sgd' }>, parameterCount: number): Optimizer {
  const { memory, padded, address, floats } = vectors(3, parameterCount)
  const step = kernel(MOMENTUM_STEP, memory)
  return {
    parameters: floats(0),
    gradients: floats(1),
    step: (learningRate = settings.learningRate) => { step(address(0), address(1), address(2), padded, learningRate, settings.momentum) },
    reset: () => { floats(2).fill(0) },
    // without momentum the velocity is the last gradient, and the next step does not look at it
    state: () => settings.momentum === 0 ? undefined : { powers: new Float64Array(0), moments: floats(2) },
    restore: (state) => {
      const isOwn = settings.momentum !== 0 && fits(state, 0, parameterCount)
      if (isOwn) {
        floats(2).set(state.moments)
      }
      return isOwn
    }
  }
}

function adam (settings: Extract<OptimizerSettings, { name: 'adam' }>, parameterCount: number): Optimizer {
  const { beta1, beta2, epsilon } = settings
  const { memory, padded, address, floats } = vectors(4, parameterCount)
  const step = kernel(ADAM_STEP, memory)
  let power1 = 1
  let power2 = 1
  return {
    parameters: floats(0),
    gradients: floats(1),
    step: (learningRate = settings.learningRate) => {
      power1 *= beta1
      power2 *= beta2
      // lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), with the corrections taken out of the loop
      const root = Math.sqrt(1 - power2)
      const floor = Math.max(epsilon * root, SMALLEST_NORMAL)
      step(address(0), address(1), address(2), address(3), padded, learningRate * root / (1 - power1), floor, beta1, 1 - beta1, beta2, 1 - beta2)
    },
    reset: () => {
      floats(2).fill(0)
      floats(3).fill(0)
      power1 = 1
      power2 = 1
    },
    state: () => ({ powers: Float64Array.of(power1, power2), moments: join(floats(2), floats(3)) }),
    restore: (state) => {
      const isOwn = fits(state, 2, 2 * parameterCount)
      if (isOwn) {
        floats(2).set(state.moments.subarray(0, parameterCount))
        floats(3).set(state.moments.subarray(parameterCount))
        power1 = state.powers[0]!
        power2 = state.powers[1]!
      }
      return isOwn
    }
  }
}

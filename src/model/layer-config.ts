/**
 * Reads the configuration of one Keras layer as it arrives from another peer
 *
 * Nothing is trusted: every field is an own property of the right type and inside bounds, and a field that would change
 * the mathematics (a regulariser, a constraint) is refused rather than ignored.
 */
import { quoted } from '../quoted.ts'
import { InvalidFederationError } from '../errors.ts'
import { elements } from './layer.ts'
import { embedding, gru, lstm } from './sequence-config.ts'
import { convolution, globalPooling, pooling } from './window-config.ts'
import type { Activation, Layer, Window } from './layer.ts'
import type { Place } from './window-config.ts'

/** No single dimension, width or window may exceed this */
const MAX_DIMENSION = 1 << 24

const ACTIVATIONS: readonly string[] = ['linear', 'relu', 'sigmoid', 'tanh', 'elu', 'softmax']

/** Fields that change what a layer computes or learns, and the values that leave it alone */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  trainable: [true, false],
  data_format: ['channels_last', 'channelsLast'],
  kernel_regularizer: [],
  bias_regularizer: [],
  activity_regularizer: [],
  embeddings_regularizer: [],
  recurrent_regularizer: [],
  kernel_constraint: [],
  bias_constraint: [],
  embeddings_constraint: [],
  recurrent_constraint: [],
  noise_shape: [],
  groups: [1],
  keepdims: [false],
  mask_zero: [false],
  return_state: [false],
  go_backwards: [false],
  stateful: [false],
  time_major: [false],
  zero_output_for_mask: [false],
  dropout: [0],
  recurrent_dropout: [0],
  max_value: [],
  threshold: [0],
  lora_rank: [],
  quantization_mode: [],
  quantization_config: []
}

/** Keras 3 and the policies of Keras 2 have an object where others have a word */
const DTYPE_POLICIES: readonly unknown[] = ['DTypePolicy', 'FloatDTypePolicy', 'Policy']

/** Ids are whole numbers in Keras, and float32 here as all inputs are */
const INPUT_TYPES: readonly unknown[] = ['float32', 'int32', 'int64']

/** Axes along which a window slides */
export type Rank = 1 | 2

/** A layer's `config`: own properties only */
export class LayerConfig {
  /** `layer 3 (Dense "d1")`, for messages */
  readonly where: string
  private readonly fields: Readonly<Record<string, unknown>>

  constructor (where: string, fields: unknown, isInput = false) {
    this.where = where
    if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) {
      throw new InvalidFederationError(`model.topology: ${where} has no config`)
    }
    this.fields = fields as Record<string, unknown>
    for (const [field, allowed] of Object.entries(NEUTRAL)) {
      const value = this.get(field)
      if (value !== undefined && !allowed.includes(value)) {
        this.refuse(field, value)
      }
    }
    const dtype = this.get('dtype')
    if (dtype !== undefined && !(isInput ? INPUT_TYPES : ['float32']).includes(dtypeName(dtype))) {
      this.refuse('dtype', dtype)
    }
  }

  /** The value of a field; null counts as absent */
  get (field: string): unknown {
    return Object.hasOwn(this.fields, field) ? (this.fields[field] ?? undefined) : undefined
  }

  refuse (field: string, value: unknown): never {
    const shown = typeof value === 'string' ? quoted(value) : quoted(JSON.stringify(value) ?? 'undefined').slice(1, -1)
    throw new InvalidFederationError(`model.topology: ${this.where}: ${field} ${shown} is not supported`)
  }

  count (field: string): number {
    const value = this.get(field)
    return isCount(value) ? value : this.refuse(field, value)
  }

  flag (field: string, fallback: boolean): boolean {
    const value = this.get(field) ?? fallback
    return typeof value === 'boolean' ? value : this.refuse(field, value)
  }

  number (field: string, fallback: number): number {
    const value = this.get(field) ?? fallback
    return typeof value === 'number' && Number.isFinite(value) ? value : this.refuse(field, value)
  }

  activation (fallback?: Activation): Activation {
    const value = this.get('activation') ?? fallback
    return typeof value === 'string' && ACTIVATIONS.includes(value) ? value as Activation : this.refuse('activation', value)
  }

  /** Height and width: a number for both, or one for each of the axes; a sequence has the height 1 */
  sides (field: string, rank: Rank, fallback?: number | readonly number[]): [number, number] {
    const value = this.get(field) ?? fallback
    const values: unknown[] = Array.isArray(value) ? value : new Array<unknown>(rank).fill(value)
    const [first, second] = rank === 1 ? [1, ...values] : values
    return values.length === rank && isCount(first) && isCount(second) ? [first, second] : this.refuse(field, value)
  }

  window (field: 'kernel_size' | 'pool_size', rank: Rank): Window {
    const size = this.sides(field, rank)
    const padding = this.get('padding') ?? 'valid'
    if (padding !== 'same' && padding !== 'valid') {
      return this.refuse('padding', padding)
    }
    return { size, strides: this.sides('strides', rank, field === 'pool_size' ? size.slice(2 - rank) : 1), padding }
  }
}

function dtypeName (value: unknown): unknown {
  const policy = value as { class_name?: unknown, config?: { name?: unknown } | null }
  return typeof value === 'object' && DTYPE_POLICIES.includes(policy.class_name) ? policy.config?.name : value
}

export function isCount (value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_DIMENSION
}

type Reader = (config: LayerConfig, name: string, input: readonly number[]) => Layer

function windowed (read: (config: LayerConfig, at: Place, rank: Rank) => Layer, rank: Rank): Reader {
  return (config, name, input) => read(config, { name, input }, rank)
}

const maxPooling = (config: LayerConfig, at: Place, rank: Rank): Layer => pooling('max-pooling', config, at, rank)
const averagePooling = (config: LayerConfig, at: Place, rank: Rank): Layer => pooling('average-pooling', config, at, rank)
const globalAverage = (config: LayerConfig, at: Place, rank: Rank): Layer => globalPooling('global-average-pooling', config, at, rank)
const globalMax = (config: LayerConfig, at: Place, rank: Rank): Layer => globalPooling('global-max-pooling', config, at, rank)

/** The allow-list: class name -> how to read it */
export const LAYER_READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['Dense', dense],
  ['Conv1D', windowed(convolution, 1)],
  ['Conv2D', windowed(convolution, 2)],
  ['MaxPooling1D', windowed(maxPooling, 1)],
  ['MaxPooling2D', windowed(maxPooling, 2)],
  ['AveragePooling1D', windowed(averagePooling, 1)],
  ['AveragePooling2D', windowed(averagePooling, 2)],
  ['GlobalAveragePooling1D', windowed(globalAverage, 1)],
  ['GlobalAveragePooling2D', windowed(globalAverage, 2)],
  ['GlobalMaxPooling1D', windowed(globalMax, 1)],
  ['Embedding', (config, name, input) => embedding(config, { name, input })],
  ['LSTM', (config, name, input) => lstm(config, { name, input })],
  ['GRU', (config, name, input) => gru(config, { name, input })],
  ['Flatten', (_config, name, input) => ({ kind: 'reshape', name, input, output: [elements(input)] })],
  ['Reshape', reshape],
  ['Activation', (config, name, input) => ({ kind: 'activation', name, input, output: input, activation: config.activation() })],
  ['ReLU', relu],
  ['Softmax', softmax],
  ['LeakyReLU', leakyRelu],
  ['Dropout', dropout]
])

function dense (config: LayerConfig, name: string, input: readonly number[]): Layer {
  const units = config.count('units')
  return {
    kind: 'dense',
    name,
    input,
    output: [...input.slice(0, -1), units],
    units,
    useBias: config.flag('use_bias', true),
    frozen: !config.flag('trainable', true),
    activation: config.activation('linear')
  }
}

function reshape (config: LayerConfig, name: string, input: readonly number[]): Layer {
  const target = config.get('target_shape')
  if (!Array.isArray(target) || target.length < 1 || target.length > 5 || !target.every(isCount)) {
    return config.refuse('target_shape', target)
  }
  const output = target.map(Number)
  if (elements(output) !== elements(input)) {
    throw new InvalidFederationError(`model.topology: ${config.where} cannot reshape [${input.join(', ')}] into [${output.join(', ')}]`)
  }
  return { kind: 'reshape', name, input, output }
}

function softmax (config: LayerConfig, name: string, input: readonly number[]): Layer {
  const axis = config.number('axis', -1)
  if (axis !== -1 && axis !== input.length) {
    config.refuse('axis', axis)
  }
  return { kind: 'activation', name, input, output: input, activation: 'softmax' }
}

/** `max_value` and `threshold` are refused above: no layer here computes them */
function relu (config: LayerConfig, name: string, input: readonly number[]): Layer {
  const alpha = slope(config, 'negative_slope', 0)
  return alpha === 0
    ? { kind: 'activation', name, input, output: input, activation: 'relu' }
    : { kind: 'leaky-relu', name, input, output: input, alpha }
}

/** The slope is `alpha` in Keras 2 and tfjs, `negative_slope` in Keras 3; 0.3 without either in all of them */
function leakyRelu (config: LayerConfig, name: string, input: readonly number[]): Layer {
  const field = config.get('negative_slope') === undefined ? 'alpha' : 'negative_slope'
  const alpha = slope(config, field, 0.3)
  if (config.number('alpha', alpha) !== alpha) {
    config.refuse('alpha beside another negative_slope', config.get('alpha'))
  }
  return { kind: 'leaky-relu', name, input, output: input, alpha }
}

function slope (config: LayerConfig, field: string, fallback: number): number {
  const value = config.number(field, fallback)
  return value < 0 || value > 1 ? config.refuse(field, value) : value
}

function dropout (config: LayerConfig, name: string, input: readonly number[]): Layer {
  const rate = config.number('rate', 0)
  if (rate < 0 || rate >= 1) {
    config.refuse('rate', rate)
  }
  return { kind: 'dropout', name, input, output: input, rate }
}

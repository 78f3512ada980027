/**
 * Reads the configuration of one Keras layer as it arrives from another peer
 *
 * Nothing is trusted: every field is an own property of the right type and inside bounds, and a field that would change
 * the mathematics (a regulariser, a constraint) is refused rather than ignored.
 */
import { quoted } from '../quoted.ts'
import { InvalidFederationError } from '../errors.ts'
import { elements } from './layer.ts'
import type { Activation, Layer, Window } from './layer.ts'

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
  kernel_constraint: [],
  bias_constraint: [],
  noise_shape: [],
  groups: [1],
  keepdims: [false],
  max_value: [],
  threshold: [0],
  lora_rank: [],
  quantization_mode: [],
  quantization_config: []
}

/** Keras 3 and the policies of Keras 2 have an object where others have a word */
const DTYPE_POLICIES: readonly unknown[] = ['DTypePolicy', 'FloatDTypePolicy', 'Policy']

/** A layer's `config`: own properties only */
export class LayerConfig {
  /** `layer 3 (Dense "d1")`, for messages */
  readonly where: string
  private readonly fields: Readonly<Record<string, unknown>>

  constructor (where: string, fields: unknown) {
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
    if (dtype !== undefined && dtypeName(dtype) !== 'float32') {
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

  /** A number, or a pair of numbers */
  pair (field: string, fallback?: readonly [number, number]): [number, number] {
    const value = this.get(field) ?? fallback
    const values: unknown[] = Array.isArray(value) ? value : [value, value]
    const [first, second] = values
    return values.length === 2 && isCount(first) && isCount(second) ? [first, second] : this.refuse(field, value)
  }

  window (field: 'kernel_size' | 'pool_size'): Window {
    const size = this.pair(field)
    const padding = this.get('padding') ?? 'valid'
    if (padding !== 'same' && padding !== 'valid') {
      return this.refuse('padding', padding)
    }
    return { size, strides: this.pair('strides', field === 'pool_size' ? size : [1, 1]), padding }
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

/** The allow-list: class name -> how to read it */
export const LAYER_READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['Dense', dense],
  ['Conv2D', convolution],
  ['MaxPooling2D', (config, name, input) => pooling('max-pooling', config, { name, input })],
  ['AveragePooling2D', (config, name, input) => pooling('average-pooling', config, { name, input })],
  ['GlobalAveragePooling2D', (config, name, input) => ({ kind: 'global-average-pooling', name, input, output: [image(config, input)[2]] })],
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

/** Height, width and channels, or an error that names the layer */
function image (config: LayerConfig, input: readonly number[]): [number, number, number] {
  const [height, width, channels] = input
  if (input.length !== 3 || height === undefined || width === undefined || channels === undefined) {
    throw new InvalidFederationError(`model.topology: ${config.where} needs an image (height, width, channels), but its input is [${input.join(', ')}]`)
  }
  return [height, width, channels]
}

function slide (config: LayerConfig, extent: number, window: Window, axis: 0 | 1): number {
  const covered = window.padding === 'same' ? extent : extent - window.size[axis] + 1
  if (covered < 1) {
    throw new InvalidFederationError(`model.topology: ${config.where}: a window of ${window.size[axis]} does not fit an input of ${extent}`)
  }
  return Math.ceil(covered / window.strides[axis])
}

function convolution (config: LayerConfig, name: string, input: readonly number[]): Layer {
  const [height, width] = image(config, input)
  const dilation = config.pair('dilation_rate', [1, 1])
  if (dilation[0] !== 1 || dilation[1] !== 1) {
    config.refuse('dilation_rate', dilation)
  }
  const window = config.window('kernel_size')
  const filters = config.count('filters')
  return {
    kind: 'convolution',
    name,
    input,
    output: [slide(config, height, window, 0), slide(config, width, window, 1), filters],
    filters,
    window,
    useBias: config.flag('use_bias', true),
    frozen: !config.flag('trainable', true),
    activation: config.activation('linear')
  }
}

function pooling (kind: 'max-pooling' | 'average-pooling', config: LayerConfig, at: { name: string, input: readonly number[] }): Layer {
  const [height, width, channels] = image(config, at.input)
  const window = config.window('pool_size')
  if (kind === 'average-pooling' && (overhangs(height, window, 0) || overhangs(width, window, 1))) {
    // the backends disagree on whether the padding counts in the mean's gradient
    config.refuse('padding "same" with windows that reach over the edge', at.input)
  }
  return { kind, ...at, output: [slide(config, height, window, 0), slide(config, width, window, 1), channels], window }
}

function overhangs (extent: number, { size, strides, padding }: Window, axis: 0 | 1): boolean {
  return padding === 'same' && (Math.ceil(extent / strides[axis]) - 1) * strides[axis] + size[axis] > extent
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

/**
 * Model topologies: LayersModel JSON of Sequential models, made and inspected without a tensor library
 *
 * A topology arrives from whichever peer was dialled, so it is checked here in full, over an allow-list and with hard
 * bounds, before anything is allocated for it.
 */
import { quoted } from '../quoted.ts'
import { InvalidFederationError, WeightsError } from '../errors.ts'
import { inputShape, tokenCount } from '../federation/input-shape.ts'
import { isRegression } from '../federation/task.ts'
import { MAX_PARAMETERS } from '../limits.ts'
import { frozenAmong, requireWeightsSize } from './canonical-weights.ts'
import { frozenWeights } from './frozen-weights.ts'
import { activations, elements, multiplications, parameterShapes } from './layer.ts'
import { isCount, LAYER_READERS, LayerConfig } from './layer-config.ts'
import type { ParameterSlot } from '../interface.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { ModelWeights } from './canonical-weights.ts'
import type { Activation, Layer, TrainableLayer } from './layer.ts'

const MAX_LAYERS = 128

/** Activations of all layers for one example: 64 MiB as float32 */
const MAX_ACTIVATIONS = 16_777_216

/** Activations of all layers for one batch: 2 GiB as float32 */
export const MAX_BATCH_ACTIVATIONS = 536_870_912

/** Multiplications of one forward pass over one example: about that of VGG-16 */
const MAX_MULTIPLICATIONS = 17_179_869_184

/** Weight names become file contents and log lines */
const LAYER_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

export interface ModelInspection {
  layout: ParameterSlot[]
  parameterCount: number
  /** Width of the last layer */
  outputs: number
}

export interface ModelPlan extends ModelInspection {
  /** Without the final softmax or sigmoid: these belong to the loss */
  layers: readonly TrainableLayer[]
  /** Values of the frozen layers' tensors, by name such as `features/kernel` */
  frozen: ReadonlyMap<string, Float32Array>
  inputShape: readonly number[]
  /** Activations of all layers, for one example */
  activations: number
  /** Multiplications of a forward pass over one example */
  multiplications: number
}

type JsonObject = Record<string, unknown>

function fail (message: string): never {
  throw new InvalidFederationError(`model.topology: ${message}`)
}

function field (value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined
}

/** The array of layers of a Sequential; old files have it where newer ones have an object */
function layerList (topology: unknown): unknown[] {
  const className = field(topology, 'class_name')
  if (className !== 'Sequential') {
    fail(`class_name ${typeof className === 'string' ? quoted(className) : 'is missing and'} is not supported: only "Sequential" models can be federated`)
  }
  const config = field(topology, 'config')
  if (field(config, 'trainable') === false) {
    fail('config.trainable is false, which freezes every layer: give the layers that are not to learn trainable false instead')
  }
  const layers = Array.isArray(config) ? config : field(config, 'layers')
  if (!Array.isArray(layers)) {
    return fail('config.layers is not an array')
  }
  if (layers.length > MAX_LAYERS) {
    fail(`has ${layers.length} layers, more than ${MAX_LAYERS}`)
  }
  return layers
}

/** What is no number may be any text, or an object that cannot become text at all */
function shown (shape: readonly unknown[]): string {
  const sides = shape.slice(0, 8).map((side) => typeof side === 'number' ? String(side) : '?')
  return `[${sides.join(', ')}${shape.length > 8 ? ', …' : ''}]`
}

/**
 * Where the first layer may state the model's input: tfjs and Keras 2, Keras 3, and their shorter forms without the
 * batch
 */
const SHAPE_FIELDS = [['batch_input_shape', 1], ['batch_shape', 1], ['input_shape', 0], ['input_dim', 0]] as const

/**
 * What the first layer states must be the input of the document; it need not state anything. `input_dim` of an
 * Embedding is its vocabulary
 */
function checkInputShape (config: LayerConfig, layer: Layer | undefined, expected: readonly number[]): void {
  for (const [name, leading] of SHAPE_FIELDS) {
    const value = config.get(name)
    if (value !== undefined && !(name === 'input_dim' && layer?.kind === 'embedding')) {
      requireShape(name === 'input_dim' ? [value] : value, expected, { where: config.where, leading })
    }
  }
}

/**
 * `leading` is 1 where the batch comes first, any number or null. A side that is null is of any length. Throws
 * InvalidFederationError
 */
function requireShape (shape: unknown, expected: readonly number[], { where, leading }: { where: string, leading: 0 | 1 }): void {
  const sides = Array.isArray(shape) ? shape.slice(leading) : undefined
  if (sides?.length !== expected.length || expected.some((side, i) => sides[i] !== null && sides[i] !== side)) {
    fail(`${where} takes inputs of shape ${sides === undefined ? 'no array' : shown(sides)}, but model.input gives ${shown(expected)}`)
  }
}

interface Totals { parameters: number, activations: number, multiplications: number }

function addUp (totals: Totals, layer: Layer, where: string): void {
  for (const { shape } of parameterShapes(layer)) {
    totals.parameters += elements(shape)
  }
  totals.activations += activations(layer)
  totals.multiplications += multiplications(layer)
  if (totals.parameters > MAX_PARAMETERS) {
    fail(`${where} brings the model to ${totals.parameters} parameters, more than ${MAX_PARAMETERS}`)
  }
  if (totals.activations > MAX_ACTIVATIONS) {
    fail(`${where} brings the activations to ${totals.activations} for each example, more than ${MAX_ACTIVATIONS}`)
  }
  if (totals.multiplications > MAX_MULTIPLICATIONS) {
    fail(`${where} brings the work to ${totals.multiplications} multiplications for each example, more than ${MAX_MULTIPLICATIONS}`)
  }
}

function readLayer (entry: unknown, index: number, input: readonly number[]): { config: LayerConfig, layer: Layer | undefined } {
  const className = field(entry, 'class_name')
  const config = new LayerConfig(`layer ${index}`, field(entry, 'config'), className === 'InputLayer')
  const name = config.get('name')
  if (typeof name !== 'string' || !LAYER_NAME.test(name)) {
    return fail(`layer ${index} has no usable name: letters, digits, "_", "." and "-", at most 64`)
  }
  if (className === 'InputLayer') {
    return { config, layer: undefined }
  }
  const read = typeof className === 'string' ? LAYER_READERS.get(className) : undefined
  if (read === undefined) {
    const stated = typeof className === 'string' ? quoted(className) : 'without a class'
    if (className === 'BatchNormalization') {
      fail(`layer ${index} "${name}" is a BatchNormalization, which is not supported: it mixes the examples of a batch, so that no gradient belongs to one example; leave it out`)
    }
    return fail(`layer ${index} ${stated} is not supported; known layers are InputLayer, ${[...LAYER_READERS.keys()].join(', ')}`)
  }
  return { config, layer: read(config, name, input) }
}

/** Reads all layers, one shape after the other */
function readLayers (entries: readonly unknown[], input: readonly number[]): { layers: Layer[], totals: Totals } {
  const totals = { parameters: 0, activations: elements(input), multiplications: 0 }
  if (totals.activations > MAX_ACTIVATIONS) {
    fail(`an input of ${shown(input)} has more than ${MAX_ACTIVATIONS} elements`)
  }
  const layers: Layer[] = []
  const names = new Set<string>()
  let shape = input
  for (const [index, entry] of entries.entries()) {
    const { config, layer } = readLayer(entry, index, shape)
    if (index === 0) {
      checkInputShape(config, layer, input)
    }
    if (layer === undefined) {
      if (index > 0) {
        fail(`layer ${index} is an InputLayer, which may only come first`)
      }
      continue
    }
    if (names.has(layer.name)) {
      fail(`two layers have the name "${layer.name}"`)
    }
    names.add(layer.name)
    if (layer.kind === 'embedding' && layers.length > 0) {
      fail(`layer ${index} "${layer.name}" is an Embedding, which must come first: it takes token ids, not what a layer computes`)
    }
    addUp(totals, layer, `layer ${index} "${layer.name}"`)
    layers.push(layer)
    shape = layer.output
  }
  return { layers, totals }
}

/** All layers of a model, with its final activation. Throws as planModel does for what cannot be read */
export function modelLayers (model: FederationDocument['model']): readonly Layer[] {
  return readLayers(layerList(model.topology), inputShape(model.input)).layers
}

const FINAL_ACTIVATION = {
  categoricalCrossentropy: 'softmax', binaryCrossentropy: 'sigmoid', meanSquaredError: 'linear', meanAbsoluteError: 'linear', huber: 'linear'
} as const satisfies Record<FederationDocument['model']['loss'], Activation>

function isTrainable (layer: Layer): layer is TrainableLayer {
  return !('activation' in layer) || layer.activation !== 'softmax'
}

/**
 * Takes the final softmax or sigmoid off the last layer: the loss works on logits, which is exact and needs fewer
 * operations. A softmax anywhere else has no gradient here
 */
function withoutFinalActivation (layers: readonly Layer[], loss: FederationDocument['model']['loss']): TrainableLayer[] {
  const last = layers.at(-1)
  const expected: Activation = FINAL_ACTIVATION[loss]
  if (last === undefined || !('activation' in last) || last.activation !== expected) {
    return fail(`the last layer must have the activation "${expected}", because model.loss is "${loss}"`)
  }
  const inner = layers.slice(0, -1).map((layer) => isTrainable(layer)
    ? layer
    : fail(`layer "${layer.name}" has the activation "softmax", which only the last layer may have`))
  return last.kind === 'activation' ? inner : [...inner, { ...last, activation: 'linear' }]
}

function layoutOf (layers: readonly Layer[]): ParameterSlot[] {
  const layout: ParameterSlot[] = []
  let offset = 0
  for (const layer of layers) {
    for (const { name, shape } of parameterShapes(layer)) {
      const size = elements(shape)
      layout.push({ name: `${layer.name}/${name}`, shape, offset, size })
      offset += size
    }
  }
  return layout
}

/** Ids that an embedding has no row for would stop every member's training at the first text that has one */
function checkVocabulary (first: Layer | undefined, { input }: FederationDocument['model']): void {
  if (input.kind === 'text' && first?.kind === 'embedding' && first.vocabulary < tokenCount(input)) {
    fail(`layer "${first.name}" has a vocabulary of ${first.vocabulary} (input_dim), but texts have ${tokenCount(input)} different tokens by model.input, padding included`)
  }
}

function checkOutputs (output: readonly number[], model: FederationDocument['model']): number {
  const [outputs] = output
  const labels = model.labels.length
  if (output.length !== 1 || outputs === undefined) {
    return fail(`the model gives outputs of shape ${shown(output)}, but ${isRegression(model) ? 'one number' : 'one number for each label'} is needed; add a Flatten layer`)
  }
  if (isRegression(model)) {
    return outputs === 1 ? 1 : fail(`the model has ${outputs} outputs, but model.target is one number`)
  }
  if (outputs !== labels && !(model.loss === 'binaryCrossentropy' && labels === 2 && outputs === 1)) {
    fail(`the model has ${outputs} outputs, but model.labels has ${labels} names`)
  }
  return outputs
}

/** All but the numbers of the frozen layers. Throws as planModel */
function planLayers (model: FederationDocument['model']): Omit<ModelPlan, 'frozen'> {
  const input = inputShape(model.input)
  const { layers, totals } = readLayers(layerList(model.topology), input)
  checkVocabulary(layers[0], model)
  const outputs = checkOutputs(layers.at(-1)?.output ?? input, model)
  const trained = withoutFinalActivation(layers, model.loss)
  if (totals.parameters === 0) {
    fail('the model has no parameters that learn')
  }
  return {
    layers: trained,
    layout: layoutOf(trained),
    parameterCount: totals.parameters,
    outputs,
    inputShape: input,
    activations: totals.activations,
    multiplications: totals.multiplications
  }
}

/**
 * Everything that training needs to know of a model
 *
 * Throws InvalidFederationError, with one line, when the topology is not a Sequential of known layers, is larger than
 * the bounds of this file and MAX_PARAMETERS, or does not fit the input, labels, loss, constants and weights of the
 * document; WeightsError where it has `model.weights` and they are not given
 */
export function planModel (model: FederationDocument['model'], weights?: ModelWeights): ModelPlan {
  const plan = planLayers(model)
  if (model.weights === undefined) {
    return { ...plan, frozen: frozenWeights(plan.layers, model.constants) }
  }
  if (weights === undefined) {
    throw new WeightsError(`the weights of SHA-256 ${model.weights.sha256} are needed, which the federation starts from`, 'missing')
  }
  return { ...plan, frozen: frozenAmong(plan.layers, weights) }
}

/**
 * Where each tensor lies in the flat parameter vector, how many parameters there are, and how many outputs
 *
 * Throws InvalidFederationError as planModel does; needs no weights
 */
export function inspectTopology (model: FederationDocument['model']): ModelInspection {
  const { layers, layout, parameterCount, outputs } = planLayers(model)
  if (model.weights === undefined) {
    frozenWeights(layers, model.constants)
  } else {
    requireWeightsSize(layers, model.weights)
  }
  return { layout, parameterCount, outputs }
}

export interface DenseTopologyInit {
  /** Without the batch, e.g. [28, 28, 1]; anything of rank 2 or more is flattened first */
  inputShape: readonly number[]
  /** Widths of the hidden layers, each followed by a relu */
  hidden: readonly number[]
  /** 1 for a predicted number */
  classes: number
  /** Of the output: `linear` for a predicted number. @default 'softmax' */
  activation?: 'softmax' | 'linear'
}

/** LayersModel JSON of a multi-layer perceptron with a softmax over the classes, or one number */
export function denseTopology ({ inputShape, hidden, classes, activation = 'softmax' }: DenseTopologyInit): JsonObject {
  const flatten = inputShape.length > 1 ? [entry('Flatten', 'flatten', {})] : []
  return sequential(inputShape, [...flatten, ...hidden.map((units, i) => denseEntry(`dense_${i + 1}`, units, 'relu')), denseEntry('output', classes, activation)])
}

export interface ConvolutionalTopologyInit {
  /** Height, width, channels */
  inputShape: readonly [number, number, number]
  /** Filters of the convolutions, each followed by a relu and a 2 x 2 max pooling */
  filters: readonly number[]
  /** Height and width of the filters. Default 3 */
  kernelSize?: number
  /** Widths of the dense layers between the convolutions and the output. Default none */
  hidden?: readonly number[]
  classes: number
}

/** LayersModel JSON of a small convolutional network with a softmax over the classes */
export function convolutionalTopology ({ inputShape, filters, kernelSize = 3, hidden = [], classes }: ConvolutionalTopologyInit): JsonObject {
  const blocks = filters.flatMap((count, i) => [
    entry('Conv2D', `convolution_${i + 1}`, {
      filters: count,
      kernel_size: [kernelSize, kernelSize],
      strides: [1, 1],
      padding: 'same',
      data_format: 'channels_last',
      activation: 'relu',
      use_bias: true
    }),
    entry('MaxPooling2D', `pooling_${i + 1}`, { pool_size: [2, 2], strides: [2, 2], padding: 'valid', data_format: 'channels_last' })
  ])
  const layers = hidden.map((units, i) => denseEntry(`dense_${i + 1}`, units, 'relu'))
  return sequential(inputShape, [...blocks, entry('Flatten', 'flatten', {}), ...layers, denseEntry('output', classes, 'softmax')])
}

export interface TextTopologyInit {
  /** Token ids of a text */
  length: number
  /** Tokens there are: ids are whole numbers from 0 to one less */
  vocabulary: number
  classes: number
  /** Numbers that stand for a token. @default 32 */
  width?: number
  /** Patterns that are looked for. @default 64 */
  filters?: number
  /** Tokens of a pattern. @default 5, or the length where that is less */
  kernelSize?: number
}

/**
 * LayersModel JSON of a small network that tells what a text is about: which patterns of a few tokens come anywhere in
 * it (Kim 2014, arXiv:1408.5882), with a softmax over the classes
 */
export function textTopology ({ length, vocabulary, classes, width = 32, filters = 64, kernelSize = Math.min(5, length) }: TextTopologyInit): JsonObject {
  return sequential([length], [
    entry('Embedding', 'embedding', { input_dim: vocabulary, output_dim: width, mask_zero: false }),
    entry('Conv1D', 'convolution', {
      filters, kernel_size: [kernelSize], strides: [1], padding: 'valid', data_format: 'channels_last', activation: 'relu', use_bias: true
    }),
    entry('GlobalMaxPooling1D', 'pooling', { data_format: 'channels_last' }),
    denseEntry('output', classes, 'softmax')
  ])
}

export interface LayerEntry { class_name: string, config: JsonObject }

/** One layer as tfjs writes it */
export function entry (className: string, name: string, config: JsonObject): LayerEntry {
  return { class_name: className, config: { name, trainable: true, ...config } }
}

export function denseEntry (name: string, units: number, activation: Activation): LayerEntry {
  return entry('Dense', name, { units, activation, use_bias: true })
}

/** A Sequential whose first layer states the input shape, without the batch */
export function sequential (shape: readonly number[], layers: readonly LayerEntry[]): JsonObject {
  if (shape.some((dimension) => !isCount(dimension))) {
    throw new RangeError(`input shape [${shape.join(', ')}] must be positive integers`)
  }
  const [first, ...rest] = layers
  const config = { ...first?.config, batch_input_shape: [null, ...shape], dtype: 'float32' }
  return { class_name: 'Sequential', config: { name: 'sequential', layers: [{ class_name: first?.class_name, config }, ...rest] } }
}

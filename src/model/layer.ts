/**
 * The layers that a federated model may be made of, with their shapes worked out
 *
 * Shapes leave out the batch. Everything here is plain data: no tensor library is needed to read a topology.
 */

/**
 * Every activation's derivative is a function of its own output, element by element, which is what the backward pass
 * keeps
 */
export type TrainableActivation = 'linear' | 'relu' | 'sigmoid' | 'tanh' | 'elu'

/** A softmax may only end a model, where it belongs to the loss */
export type Activation = TrainableActivation | 'softmax'

export interface Window {
  /** Height and width of the window; a sequence is an image of height 1 */
  size: readonly [number, number]
  strides: readonly [number, number]
  padding: 'same' | 'valid'
}

interface LayerBase {
  name: string
  input: readonly number[]
  output: readonly number[]
}

interface WeightedLayerBase extends LayerBase {
  useBias: boolean
  /** Weights stand in the document: they do not learn and are not in the flat vector */
  frozen: boolean
}

export interface DenseLayer<A extends Activation = Activation> extends WeightedLayerBase {
  kind: 'dense'
  units: number
  activation: A
}

/** Of images, height x width x channels, or of sequences, length x channels */
export interface ConvolutionLayer<A extends Activation = Activation> extends WeightedLayerBase {
  kind: 'convolution'
  filters: number
  window: Window
  activation: A
}

export interface PoolingLayer extends LayerBase {
  kind: 'max-pooling' | 'average-pooling'
  window: Window
}

export interface GlobalPoolingLayer extends LayerBase {
  kind: 'global-average-pooling' | 'global-max-pooling'
}

/** Whole numbers to rows of a table; always the first layer, for its input has no gradient */
export interface EmbeddingLayer extends LayerBase {
  kind: 'embedding'
  /** Rows of the table: inputs are whole numbers from 0 to one less */
  vocabulary: number
  /** Columns of the table */
  width: number
  frozen: boolean
}

/** From [steps, width] to [steps, units], or to the units of the last step */
interface RecurrentLayerBase extends WeightedLayerBase {
  units: number
  returnSequences: boolean
}

/** Hochreiter and Schmidhuber 1997, with the forget gates of Gers et al. 2000; columns i, f, c, o as in Keras */
export interface LstmLayer extends RecurrentLayerBase {
  kind: 'lstm'
  /** Whether the biases of the forget gates begin as 1 */
  unitForgetBias: boolean
}

/** Cho et al. 2014, arXiv:1406.1078; columns z, r, h as in Keras */
export interface GruLayer extends RecurrentLayerBase {
  kind: 'gru'
  /** Whether the reset gate works on the recurrent product (with a bias of its own), or on what goes into it */
  resetAfter: boolean
}

export type RecurrentLayer = LstmLayer | GruLayer

/** Flatten and Reshape */
export interface ReshapeLayer extends LayerBase {
  kind: 'reshape'
}

export interface ActivationLayer<A extends Activation = Activation> extends LayerBase {
  kind: 'activation'
  activation: A
}

export interface LeakyReluLayer extends LayerBase {
  kind: 'leaky-relu'
  /** Slope for negative inputs */
  alpha: number
}

export interface DropoutLayer extends LayerBase {
  kind: 'dropout'
  /** Fraction of the inputs that is dropped while training */
  rate: number
}

export type Layer<A extends Activation = Activation> =
  | DenseLayer<A> | ConvolutionLayer<A> | EmbeddingLayer | RecurrentLayer | PoolingLayer | GlobalPoolingLayer | ReshapeLayer
  | ActivationLayer<A> | LeakyReluLayer | DropoutLayer

/** A layer that has a backward pass */
export type TrainableLayer = Layer<TrainableActivation>

/** A layer with one kernel, whose gradient is a sum of products over the positions of a batch */
export type ProductLayer = DenseLayer<TrainableActivation> | ConvolutionLayer<TrainableActivation>

/** A layer with one kernel */
export type FactoredLayer = ProductLayer | EmbeddingLayer

/** A layer that learns */
export type ParameterisedLayer = FactoredLayer | RecurrentLayer

const PARAMETERISED: readonly Layer['kind'][] = ['dense', 'convolution', 'embedding', 'lstm', 'gru'] satisfies Array<ParameterisedLayer['kind']>

export function isParameterised (layer: TrainableLayer): layer is ParameterisedLayer {
  return PARAMETERISED.includes(layer.kind) && !isFrozen(layer)
}

export function isFrozen (layer: Layer): boolean {
  return 'frozen' in layer && layer.frozen
}

/** As Keras and TensorFlow.js name them */
export type WeightName = 'kernel' | 'bias' | 'embeddings' | 'recurrent_kernel'

export interface WeightShape {
  name: WeightName
  shape: number[]
}

/** Shapes of a layer's tensors that learn, in the order of the flat vector */
export function parameterShapes (layer: Layer): WeightShape[] {
  return isFrozen(layer) ? [] : weightShapes(layer)
}

/** Shapes of a layer's tensors, whether they learn or are frozen */
export function weightShapes (layer: Layer): WeightShape[] {
  switch (layer.kind) {
    case 'embedding': return [{ name: 'embeddings', shape: [layer.vocabulary, layer.width] }]
    case 'dense': return withBias(layer, [{ name: 'kernel', shape: [layer.input.at(-1)!, layer.units] }], [layer.units])
    case 'convolution': return withBias(layer, [{ name: 'kernel', shape: filterShape(layer) }], [layer.filters])
    case 'lstm':
    case 'gru': return recurrentShapes(layer)
    default: return []
  }
}

function withBias ({ useBias }: { useBias: boolean }, shapes: WeightShape[], bias: number[]): WeightShape[] {
  return useBias ? [...shapes, { name: 'bias', shape: bias }] : shapes
}

/** That of a sequence has no height */
function filterShape ({ input, window: { size: [height, width] }, filters }: ConvolutionLayer): number[] {
  return [...input.length === 2 ? [width] : [height, width], input.at(-1)!, filters]
}

function recurrentShapes (layer: RecurrentLayer): WeightShape[] {
  const columns = gateColumns(layer)
  const kernels: WeightShape[] = [{ name: 'kernel', shape: [layer.input.at(-1)!, columns] }, { name: 'recurrent_kernel', shape: [layer.units, columns] }]
  return withBias(layer, kernels, layer.kind === 'gru' && layer.resetAfter ? [2, columns] : [columns])
}

/** Columns of both kernels of a recurrent layer: its gates, each of all units */
export function gateColumns ({ kind, units }: RecurrentLayer): number {
  return (kind === 'lstm' ? 4 : 3) * units
}

/** Height, width, channels; a sequence is an image of height 1 */
export function imageSides (shape: readonly number[]): [height: number, width: number, channels: number] {
  const [height, width, channels] = shape.length === 2 ? [1, ...shape] : shape
  return [height!, width!, channels!]
}

export function elements (shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1)
}

/** Numbers that a forward pass keeps of one example: beside outputs, gates and states of recurrent layers */
export function activations (layer: Layer): number {
  const gates = layer.kind === 'lstm' || layer.kind === 'gru' ? layer.input[0]! * 2 * gateColumns(layer) : 0
  return elements(layer.output) + gates
}

/** Multiplications of one forward pass over one example */
export function multiplications (layer: Layer): number {
  switch (layer.kind) {
    case 'dense':
      return elements(layer.input) * layer.units
    case 'convolution':
      return elements(layer.output) * elements(layer.window.size) * (layer.input.at(-1) ?? 1)
    case 'max-pooling':
    case 'average-pooling':
      return elements(layer.output) * elements(layer.window.size)
    case 'lstm':
    case 'gru':
      return layer.input[0]! * (layer.input[1]! + layer.units) * gateColumns(layer)
    default:
      return elements(layer.output)
  }
}

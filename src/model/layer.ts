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
  /** Height and width of the window */
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
  kind: 'global-average-pooling'
}

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
  | DenseLayer<A> | ConvolutionLayer<A> | PoolingLayer | GlobalPoolingLayer | ReshapeLayer
  | ActivationLayer<A> | LeakyReluLayer | DropoutLayer

/** A layer that has a backward pass */
export type TrainableLayer = Layer<TrainableActivation>

/** A layer that learns */
export type ParameterisedLayer = DenseLayer<TrainableActivation> | ConvolutionLayer<TrainableActivation>

export function isParameterised (layer: TrainableLayer): layer is ParameterisedLayer {
  return (layer.kind === 'dense' || layer.kind === 'convolution') && !layer.frozen
}

export function isFrozen (layer: Layer): boolean {
  return 'frozen' in layer && layer.frozen
}

export interface WeightShape {
  name: 'kernel' | 'bias'
  shape: number[]
}

/** Shapes of a layer's tensors that learn, in the order of the flat vector */
export function parameterShapes (layer: Layer): WeightShape[] {
  return isFrozen(layer) ? [] : weightShapes(layer)
}

/** Shapes of a layer's tensors, whether they learn or are frozen */
export function weightShapes (layer: Layer): WeightShape[] {
  if (layer.kind !== 'dense' && layer.kind !== 'convolution') {
    return []
  }
  const channels = layer.input.at(-1) ?? 1
  const outputs = layer.kind === 'dense' ? layer.units : layer.filters
  const kernel = layer.kind === 'dense' ? [channels, outputs] : [...layer.window.size, channels, outputs]
  const shapes: WeightShape[] = [{ name: 'kernel', shape: kernel }]
  return layer.useBias ? [...shapes, { name: 'bias', shape: [outputs] }] : shapes
}

export function elements (shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1)
}

/** Multiplications of one forward pass over one example */
export function multiplications (layer: Layer): number {
  if (layer.kind === 'dense') {
    return elements(layer.input) * layer.units
  }
  if (layer.kind === 'convolution') {
    return elements(layer.output) * elements(layer.window.size) * (layer.input.at(-1) ?? 1)
  }
  if (layer.kind === 'max-pooling' || layer.kind === 'average-pooling') {
    return elements(layer.output) * elements(layer.window.size)
  }
  return elements(layer.output)
}

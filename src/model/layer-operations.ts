/**
 * Forward and backward passes of the layers, as tensor operations
 *
 * Written out by hand instead of recorded on a tape: one product gives a kernel's gradient, every activation's
 * derivative comes from its output, and nothing is computed that no parameter needs (the gradient of the batch itself).
 */
import { tf } from './tensors.ts'
import { elements } from './layer.ts'
import type { NamedAttrMap, Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import type { Random } from '../interface.ts'
import type { Backend } from './backend.ts'
import type { ActivationLayer, ConvolutionLayer, DenseLayer, DropoutLayer, LeakyReluLayer, ParameterisedLayer, PoolingLayer, TrainableActivation, TrainableLayer } from './layer.ts'

export interface Weights {
  kernel: Tensor
  bias: Tensor | undefined
}

/**
 * The two sides of a layer's parameter gradients: the kernel's is the sum, over examples and positions, of x times dz,
 * and the bias's the sum of dz. Kept apart because clipping needs them example by example
 */
export interface Factors {
  /** What the layer took: examples and positions x inputs for dense layers, images for convolutions */
  x: Tensor
  /** d(loss)/d(product plus bias), before the activation: as many rows, or images */
  dz: Tensor
}

export interface Gradients {
  /** With respect to the layer's input; undefined when it was not asked for */
  input: Tensor | undefined
  /** Given exactly when the layer has parameters */
  factors?: Factors
}

export interface ParameterGradients {
  kernel: Tensor
  bias: Tensor | undefined
}

export interface Pass {
  output: Tensor
  /** `wantInput` is false for the first layers with parameters: nothing before them learns */
  backward: (dy: Tensor, wantInput: boolean) => Gradients
}

export interface PassContext {
  backend: Backend
  /** Draws dropout masks; undefined when evaluating */
  random: Random | undefined
}

/** Runs one layer. `weights` is given exactly when the layer has parameters. Tensors belong to the surrounding tidy */
export function runLayer (layer: TrainableLayer, x: Tensor, weights: Weights | undefined, context: PassContext): Pass {
  switch (layer.kind) {
    case 'dense': return dense(layer, x, weights!, context.backend)
    case 'convolution': return convolution(layer, x, weights!, context.backend)
    case 'max-pooling': return pooling(layer, x, 'MaxPool')
    case 'average-pooling': return pooling(layer, x, 'AvgPool')
    case 'global-average-pooling': return globalAveragePooling(x)
    case 'reshape': return reshape(x, layer.output)
    case 'activation': return activation(layer, x, context.backend)
    case 'leaky-relu': return leakyRelu(layer, x)
    case 'dropout': return dropout(layer, x, context)
  }
}

function kernel (name: string, inputs: Record<string, Tensor>, attributes: Record<string, unknown>): Tensor {
  return tf.engine().runKernel(name, inputs, attributes as NamedAttrMap)
}

/** Even a reshape that changes nothing costs an operation */
export function shaped (x: Tensor, shape: readonly number[]): Tensor {
  return x.shape.length === shape.length && x.shape.every((dimension, i) => dimension === shape[i]) ? x : tf.reshape(x, [...shape])
}

const ACTIVATIONS: Readonly<Record<TrainableActivation, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu: (x) => tf.relu(x),
  sigmoid: (x) => tf.sigmoid(x),
  tanh: (x) => tf.tanh(x),
  elu: (x) => tf.elu(x)
}

/** d(loss)/d(input of the activation), from its output y */
function activationGradient (name: TrainableActivation, dy: Tensor, y: Tensor, backend: Backend): Tensor {
  switch (name) {
    case 'linear': return dy
    case 'relu': return backend.reluGradient(dy, y)
    case 'sigmoid': return tf.mul(dy, tf.mul(y, tf.sub(1, y)))
    case 'tanh': return tf.mul(dy, tf.sub(1, tf.square(y)))
    case 'elu': return kernel('EluGrad', { dy, y }, {})
  }
}

/** A relu runs inside the product that precedes it; other activations after it */
function fusable (name: TrainableActivation): 'relu' | 'linear' {
  return name === 'relu' ? 'relu' : 'linear'
}

function dense (layer: DenseLayer<TrainableActivation>, x: Tensor, weights: Weights, backend: Backend): Pass {
  const rows = shaped(x, [elements(x.shape) / layer.input.at(-1)!, layer.input.at(-1)!])
  const product = kernel('_FusedMatMul', { a: rows, b: weights.kernel, ...withBias(weights) }, { transposeA: false, transposeB: false, activation: fusable(layer.activation) })
  const y = layer.activation === 'relu' ? product : ACTIVATIONS[layer.activation](product)
  return {
    output: shaped(y, [...x.shape.slice(0, -1), layer.units]),
    backward: (dy, wantInput) => {
      const dz = activationGradient(layer.activation, shaped(dy, y.shape), y, backend)
      return {
        input: wantInput ? shaped(tf.matMul(dz, weights.kernel, false, true), x.shape) : undefined,
        factors: { x: rows, dz }
      }
    }
  }
}

function withBias ({ bias }: Weights): { bias?: Tensor } {
  return bias === undefined ? {} : { bias }
}

function convolution (layer: ConvolutionLayer<TrainableActivation>, x: Tensor, weights: Weights, backend: Backend): Pass {
  const { strides, padding } = layer.window
  const filter = weights.kernel as Tensor4D
  const product: Tensor = tf.fused.conv2d({
    x: x as Tensor4D, filter, strides: [...strides], pad: padding, ...withBias(weights), activation: fusable(layer.activation)
  })
  const y = layer.activation === 'relu' ? product : ACTIVATIONS[layer.activation](product)
  return {
    output: y,
    backward: (dy, wantInput) => {
      const dz = activationGradient(layer.activation, dy, y, backend)
      return {
        input: wantInput ? kernel('Conv2DBackpropInput', { dy: dz, filter }, { ...convolutionAttributes(layer), inputShape: x.shape }) : undefined,
        factors: { x, dz }
      }
    }
  }
}

function convolutionAttributes ({ window: { strides, padding } }: ConvolutionLayer<TrainableActivation>): Record<string, unknown> {
  return { strides: [...strides], pad: padding, dataFormat: 'NHWC', dimRoundingMode: null }
}

/** Sums over the batch. Tensors belong to the surrounding tidy */
export function parameterGradients (layer: ParameterisedLayer, { x, dz }: Factors, backend: Backend): ParameterGradients {
  const outputs = dz.shape.at(-1)!
  return {
    kernel: layer.kind === 'dense'
      ? tf.matMul(x, dz, true, false)
      : kernel('Conv2DBackpropFilter', { x, dy: dz }, { ...convolutionAttributes(layer), filterShape: [...layer.window.size, x.shape.at(-1), layer.filters] }),
    bias: layer.useBias ? backend.columnSums(shaped(dz, [elements(dz.shape) / outputs, outputs])) : undefined
  }
}

function pooling (layer: PoolingLayer, x: Tensor, name: 'MaxPool' | 'AvgPool'): Pass {
  const { size, strides, padding } = layer.window
  const attributes = { filterSize: [...size], strides: [...strides], pad: padding, dimRoundingMode: null }
  const output = kernel(name, { x }, attributes)
  return {
    output,
    backward: (dy, wantInput) => ({
      input: wantInput ? kernel(`${name}Grad`, name === 'MaxPool' ? { dy, input: x, output } : { dy, input: x }, attributes) : undefined
    })
  }
}

function globalAveragePooling (x: Tensor): Pass {
  const [count, height, width, channels] = x.shape as [number, number, number, number]
  return {
    output: tf.mean(x, [1, 2]),
    backward: (dy) => ({
      input: tf.tile(tf.reshape(tf.mul(dy, 1 / (height * width)), [count, 1, 1, channels]), [1, height, width, 1])
    })
  }
}

function reshape (x: Tensor, output: readonly number[]): Pass {
  return { output: shaped(x, [x.shape[0], ...output]), backward: (dy) => ({ input: shaped(dy, x.shape) }) }
}

function activation (layer: ActivationLayer<TrainableActivation>, x: Tensor, backend: Backend): Pass {
  const output = ACTIVATIONS[layer.activation](x)
  return { output, backward: (dy) => ({ input: activationGradient(layer.activation, dy, output, backend) }) }
}

function leakyRelu (layer: LeakyReluLayer, x: Tensor): Pass {
  return { output: tf.leakyRelu(x, layer.alpha), backward: (dy) => ({ input: tf.mul(dy, tf.step(x, layer.alpha)) }) }
}

/** What is kept is scaled up, so that evaluation needs no correction */
function dropout (layer: DropoutLayer, x: Tensor, { random, backend }: PassContext): Pass {
  if (random === undefined || layer.rate === 0) {
    return { output: x, backward: (dy) => ({ input: dy }) }
  }
  const scale = 1 / (1 - layer.rate)
  const values = new Float32Array(elements(x.shape))
  for (let i = 0; i < values.length; i++) {
    values[i] = random() < layer.rate ? 0 : scale
  }
  const mask = backend.upload(values, x.shape)
  return { output: tf.mul(x, mask), backward: (dy) => ({ input: tf.mul(dy, mask) }) }
}

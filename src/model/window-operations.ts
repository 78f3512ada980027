/**
 * Layers that slide a window over images, or look at all of them at once, as tensor operations
 *
 * A sequence, length x channels, is an image of height 1.
 */
import { ACTIVATIONS, activationGradient, fusable } from './layer-activations.ts'
import { imageSides } from './layer.ts'
import { kernel, shaped, toHost } from './tensor-helpers.ts'
import { tf } from './tensors.ts'
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import type { Backend } from './backend.ts'
import type { Pass, Weights } from './layer-pass.ts'
import type { ConvolutionLayer, GlobalPoolingLayer, PoolingLayer, TrainableActivation } from './layer.ts'

type WindowLayer = ConvolutionLayer<TrainableActivation> | PoolingLayer | GlobalPoolingLayer

export function runWindow (layer: WindowLayer, x: Tensor, weights: Weights | undefined, backend: Backend): Pass {
  switch (layer.kind) {
    case 'convolution': return convolution(layer, x, weights!, backend)
    case 'max-pooling': return pooling(layer, x, 'MaxPool')
    case 'average-pooling': return pooling(layer, x, 'AvgPool')
    case 'global-average-pooling': return globalAveragePooling(x)
    case 'global-max-pooling': return globalMaxPooling(x, backend)
  }
}

/** A batch as images of the layer's input or output */
function images (x: Tensor, shape: readonly number[]): Tensor4D {
  return shaped(x, [x.shape[0], ...imageSides(shape)]) as Tensor4D
}

function convolution (layer: ConvolutionLayer<TrainableActivation>, x: Tensor, weights: Weights, backend: Backend): Pass {
  const { strides, padding, size } = layer.window
  const [pixels, filter] = [images(x, layer.input), shaped(weights.kernel, [...size, layer.input.at(-1)!, layer.filters]) as Tensor4D]
  const product: Tensor = tf.fused.conv2d({
    x: pixels, filter, strides: [...strides], pad: padding, ...weights.bias === undefined ? {} : { bias: weights.bias }, activation: fusable(layer.activation)
  })
  const y = layer.activation === 'relu' ? product : ACTIVATIONS[layer.activation](product)
  return {
    output: shaped(y, [x.shape[0], ...layer.output]),
    backward: (dy, wantInput) => {
      const dz = activationGradient(layer.activation, shaped(dy, y.shape), y, backend)
      return {
        input: wantInput ? shaped(kernel('Conv2DBackpropInput', { dy: dz, filter }, { ...convolutionAttributes(layer), inputShape: pixels.shape }), x.shape) : undefined,
        factors: [{ x: pixels, dz }]
      }
    }
  }
}

export function convolutionAttributes ({ window: { strides, padding } }: ConvolutionLayer<TrainableActivation>): Record<string, unknown> {
  return { strides: [...strides], pad: padding, dataFormat: 'NHWC', dimRoundingMode: null }
}

function pooling (layer: PoolingLayer, x: Tensor, name: 'MaxPool' | 'AvgPool'): Pass {
  const { size, strides, padding } = layer.window
  const attributes = { filterSize: [...size], strides: [...strides], pad: padding, dimRoundingMode: null }
  const input = images(x, layer.input)
  const output = kernel(name, { x: input }, attributes)
  return {
    output: shaped(output, [x.shape[0], ...layer.output]),
    backward: (dy, wantInput) => {
      const from = shaped(dy, output.shape)
      return { input: wantInput ? shaped(kernel(`${name}Grad`, name === 'MaxPool' ? { dy: from, input, output } : { dy: from, input }, attributes), x.shape) : undefined }
    }
  }
}

function globalAveragePooling (x: Tensor): Pass {
  const count = x.shape[0]
  const [height, width, channels] = imageSides(x.shape.slice(1))
  return {
    output: tf.mean(images(x, x.shape.slice(1)), [1, 2]),
    backward: (dy) => ({
      input: shaped(tf.tile(tf.reshape(tf.mul(dy, 1 / (height * width)), [count, 1, 1, channels]), [1, height, width, 1]), x.shape)
    })
  }
}

/** In plain code: no backend finds the places of the largest quickly. The first of equals gets the gradient */
function globalMaxPooling (x: Tensor, backend: Backend): Pass {
  const [count, channels] = [x.shape[0], x.shape.at(-1)!]
  const values = toHost(x, backend)
  const places = largestPlaces(values, count, channels)
  return {
    output: backend.upload(Float32Array.from(places, (place) => values[place]!), [count, channels]),
    backward: (dy) => {
      const gradient = new Float32Array(values.length)
      for (const [i, value] of toHost(dy, backend).entries()) {
        gradient[places[i]!] = value
      }
      return { input: backend.upload(gradient, x.shape) }
    }
  }
}

/** Of each example and channel, where the largest of its values is; a NaN is larger than all */
function largestPlaces (values: Float32Array, count: number, channels: number): Uint32Array {
  const size = values.length / count
  const places = new Uint32Array(count * channels)
  for (let i = 0; i < places.length; i++) {
    const start = Math.floor(i / channels) * size + i % channels
    places[i] = largestPlace(values, start, { end: start - i % channels + size, stride: channels })
  }
  return places
}

function largestPlace (values: Float32Array, start: number, { end, stride }: { end: number, stride: number }): number {
  let best = start
  let largest = values[start]!
  for (let at = start + stride; at < end; at += stride) {
    const value = values[at]!
    // what follows a NaN is not larger
    if (value > largest || (Number.isNaN(value) && !Number.isNaN(largest))) {
      best = at
      largest = value
    }
  }
  return best
}

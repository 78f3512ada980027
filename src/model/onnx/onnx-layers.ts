/**
 * The layers as ONNX operations
 *
 * Grapevine's images are height x width x channels, and its sequences length x channels; ONNX slides windows over
 * channels x height x width, or channels x length: they change sides before the first window and stay so until an
 * operation reads them in their order.
 */
import { addRecurrent } from './onnx-recurrent.ts'
import { ELEMENT_TYPES } from './onnx-messages.ts'
import { imageSides } from '../layer.ts'
import type { Activation, ConvolutionLayer, DenseLayer, EmbeddingLayer, GlobalPoolingLayer, Layer, PoolingLayer, Window } from '../layer.ts'
import type { NamedTensor } from '../named-tensors.ts'
import type { OnnxGraph, Value } from './onnx-graph.ts'
import type { Attribute } from './onnx-messages.ts'

interface Placed extends Value {
  /** Whether the channels of an image or a sequence come first; `shape` is that of the layer in any case */
  channelsFirst: boolean
}

/** By name, such as `kernel` */
export type Weights = ReadonlyMap<string, Float32Array>

/** Adds the layers behind `input`; returns the last one's output, channels last */
export function runLayers (graph: OnnxGraph, layers: readonly Layer[], tensors: readonly NamedTensor[], input: Value): Value {
  let x: Placed = { ...input, channelsFirst: false }
  for (const layer of layers) {
    const own = tensors.filter(({ name }) => name.startsWith(`${layer.name}/`))
    x = addLayer(graph, layer, x, new Map(own.map(({ name, values }) => [name.slice(layer.name.length + 1), values])))
  }
  return channelsLast(graph, x)
}

function addLayer (graph: OnnxGraph, layer: Layer, x: Placed, weights: Weights): Placed {
  switch (layer.kind) {
    case 'dense': return dense(graph, layer, x, weights)
    case 'embedding': return embedding(graph, layer, x, weights)
    case 'lstm':
    case 'gru': return { ...addRecurrent(graph, layer, channelsLast(graph, x), weights), channelsFirst: false }
    case 'reshape': return reshape(graph, layer, x)
    case 'activation': return activate(graph, layer.name, x, layer.activation)
    case 'leaky-relu': return { ...x, name: graph.add(layer.name, { operator: 'LeakyRelu', inputs: [x.name], attributes: { alpha: { float: layer.alpha } } }) }
    // nothing is dropped but in training
    case 'dropout': return x
    default: return addWindow(graph, layer, x, weights)
  }
}

function addWindow (graph: OnnxGraph, layer: ConvolutionLayer | PoolingLayer | GlobalPoolingLayer, x: Placed, weights: Weights): Placed {
  switch (layer.kind) {
    case 'convolution': return convolution(graph, layer, x, weights)
    case 'max-pooling': return pooling(graph, layer, x, 'MaxPool')
    case 'average-pooling': return pooling(graph, layer, x, 'AveragePool')
    case 'global-average-pooling': return globalPooling(graph, layer, x, 'GlobalAveragePool')
    case 'global-max-pooling': return globalPooling(graph, layer, x, 'GlobalMaxPool')
  }
}

function channelsFirst (graph: OnnxGraph, x: Placed): string {
  const perm = x.shape.length === 2 ? [0, 2, 1] : [0, 3, 1, 2]
  return x.channelsFirst ? x.name : graph.add(`${x.name}/channels_first`, { operator: 'Transpose', inputs: [x.name], attributes: { perm } })
}

function channelsLast (graph: OnnxGraph, x: Placed): Placed {
  const perm = x.shape.length === 2 ? [0, 2, 1] : [0, 2, 3, 1]
  return x.channelsFirst
    ? { ...x, name: graph.add(`${x.name}/channels_last`, { operator: 'Transpose', inputs: [x.name], attributes: { perm } }), channelsFirst: false }
    : x
}

const OPERATORS: Readonly<Record<Exclude<Activation, 'linear'>, string>> = { relu: 'Relu', sigmoid: 'Sigmoid', tanh: 'Tanh', elu: 'Elu', softmax: 'Softmax' }

function activate (graph: OnnxGraph, name: string, x: Placed, activation: Activation): Placed {
  if (activation === 'linear') {
    return x
  }
  const from = activation === 'softmax' ? channelsLast(graph, x) : x
  const attributes: Record<string, Attribute> = activation === 'softmax' ? { axis: -1 } : {}
  return { ...from, name: graph.add(`${name}/${activation}`, { operator: OPERATORS[activation], inputs: [from.name], attributes }) }
}

function dense (graph: OnnxGraph, layer: DenseLayer, x: Placed, weights: Weights): Placed {
  const from = channelsLast(graph, x)
  const bias = weights.get('bias')
  const matrix = graph.constant(`${layer.name}/kernel`, [layer.input.at(-1)!, layer.units], { type: 'float', values: weights.get('kernel')! })
  const product = graph.add(`${layer.name}/product`, { operator: 'MatMul', inputs: [from.name, matrix] })
  const sum = bias === undefined
    ? product
    : graph.add(layer.name, { operator: 'Add', inputs: [product, graph.constant(`${layer.name}/bias`, [layer.units], { type: 'float', values: bias })] })
  return activate(graph, layer.name, { name: sum, shape: layer.output, channelsFirst: false }, layer.activation)
}

/** The runtime refuses ids beyond the table; negative ones, which ONNX counts from its end, it does not */
function embedding (graph: OnnxGraph, { name, vocabulary, width, output }: EmbeddingLayer, x: Placed, weights: Weights): Placed {
  const table = graph.constant(`${name}/embeddings`, [vocabulary, width], { type: 'float', values: weights.get('embeddings')! })
  const ids = graph.add(`${name}/ids`, { operator: 'Cast', inputs: [x.name], attributes: { to: ELEMENT_TYPES.int64 } })
  return { name: graph.add(name, { operator: 'Gather', inputs: [table, ids], attributes: { axis: 0 } }), shape: output, channelsFirst: false }
}

function convolution (graph: OnnxGraph, layer: ConvolutionLayer, x: Placed, weights: Weights): Placed {
  const { filters, window, input, output } = layer
  const channels = input.at(-1)!
  const bias = weights.get('bias')
  const values = filtersFirst(weights.get('kernel')!, window, channels, filters)
  const inputs = [channelsFirst(graph, x), graph.constant(`${layer.name}/kernel`, [filters, channels, ...window.size.slice(3 - input.length)], { type: 'float', values })]
  if (bias !== undefined) {
    inputs.push(graph.constant(`${layer.name}/bias`, [filters], { type: 'float', values: bias }))
  }
  const name = graph.add(layer.name, { operator: 'Conv', inputs, attributes: sliding(layer) })
  return activate(graph, layer.name, { name, shape: output, channelsFirst: true }, layer.activation)
}

/** height, width, channels, filters -> filters, channels, height, width */
function filtersFirst (kernel: Float32Array, { size: [height, width] }: Window, channels: number, filters: number): Float32Array {
  const out = new Float32Array(kernel.length)
  const places = height * width
  for (let place = 0; place < places; place++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let filter = 0; filter < filters; filter++) {
        out[(filter * channels + channel) * places + place] = kernel[(place * channels + channel) * filters + filter]!
      }
    }
  }
  return out
}

function pooling (graph: OnnxGraph, layer: PoolingLayer, x: Placed, operator: 'MaxPool' | 'AveragePool'): Placed {
  const name = graph.add(layer.name, { operator, inputs: [channelsFirst(graph, x)], attributes: sliding(layer) })
  return { name, shape: layer.output, channelsFirst: true }
}

/** Of TensorFlow's `same`, the odd row or column of the border comes last. A sequence has no height */
function sliding ({ input, output, window: { size, strides, padding } }: ConvolutionLayer | PoolingLayer): Record<string, Attribute> {
  const [from, to] = [imageSides(input), imageSides(output)]
  const axes = ([0, 1] as const).slice(3 - input.length)
  const borders = axes.map((axis) => padding === 'valid' ? 0 : Math.max(0, (to[axis] - 1) * strides[axis] + size[axis] - from[axis]))
  const before = borders.map((border) => Math.floor(border / 2))
  return {
    kernel_shape: axes.map((axis) => size[axis]),
    strides: axes.map((axis) => strides[axis]),
    pads: [...before, ...borders.map((border, i) => border - before[i]!)]
  }
}

function globalPooling (graph: OnnxGraph, layer: GlobalPoolingLayer, x: Placed, operator: 'GlobalAveragePool' | 'GlobalMaxPool'): Placed {
  const pooled = graph.add(`${layer.name}/pooled`, { operator, inputs: [channelsFirst(graph, x)] })
  return { name: graph.add(layer.name, { operator: 'Flatten', inputs: [pooled], attributes: { axis: 1 } }), shape: layer.output, channelsFirst: false }
}

function reshape (graph: OnnxGraph, { name, output }: Layer, x: Placed): Placed {
  const from = channelsLast(graph, x)
  // 0: as many examples as before
  return { name: graph.add(name, { operator: 'Reshape', inputs: [from.name, graph.integers(`${name}/shape`, [0, ...output])] }), shape: output, channelsFirst: false }
}

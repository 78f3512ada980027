/**
 * The layers as ONNX operations
 *
 * Grapevine's images are height x width x channels, ONNX slides windows over channels x height x width: images change
 * sides before the first window and stay so until an operation reads them in their order.
 */
import type { Activation, ConvolutionLayer, DenseLayer, GlobalPoolingLayer, Layer, PoolingLayer, Window } from '../layer.ts'
import type { NamedTensor } from '../tensor-bytes.ts'
import type { OnnxGraph, Value } from './onnx-graph.ts'
import type { Attribute } from './onnx-messages.ts'

interface Placed extends Value {
  /** Whether the channels of an image come first; `shape` is that of the layer in any case */
  channelsFirst: boolean
}

interface Weights {
  kernel: Float32Array
  bias: Float32Array | undefined
}

/** Adds the layers behind `input`; returns the last one's output, channels last */
export function runLayers (graph: OnnxGraph, layers: readonly Layer[], tensors: readonly NamedTensor[], input: Value): Value {
  const values = new Map(tensors.map((tensor) => [tensor.name, tensor.values]))
  let x: Placed = { ...input, channelsFirst: false }
  for (const layer of layers) {
    const kernel = values.get(`${layer.name}/kernel`)
    x = addLayer(graph, layer, x, kernel === undefined ? undefined : { kernel, bias: values.get(`${layer.name}/bias`) })
  }
  return channelsLast(graph, x)
}

function addLayer (graph: OnnxGraph, layer: Layer, x: Placed, weights: Weights | undefined): Placed {
  switch (layer.kind) {
    case 'dense': return dense(graph, layer, x, weights!)
    case 'convolution': return convolution(graph, layer, x, weights!)
    case 'max-pooling': return pooling(graph, layer, x, 'MaxPool')
    case 'average-pooling': return pooling(graph, layer, x, 'AveragePool')
    case 'global-average-pooling': return globalPooling(graph, layer, x)
    case 'reshape': return reshape(graph, layer, x)
    case 'activation': return activate(graph, layer.name, x, layer.activation)
    case 'leaky-relu': return { ...x, name: graph.add(layer.name, { operator: 'LeakyRelu', inputs: [x.name], attributes: { alpha: { float: layer.alpha } } }) }
    // nothing is dropped but in training
    case 'dropout': return x
  }
}

function channelsFirst (graph: OnnxGraph, x: Placed): string {
  return x.channelsFirst ? x.name : graph.add(`${x.name}/channels_first`, { operator: 'Transpose', inputs: [x.name], attributes: { perm: [0, 3, 1, 2] } })
}

function channelsLast (graph: OnnxGraph, x: Placed): Placed {
  return x.channelsFirst
    ? { ...x, name: graph.add(`${x.name}/channels_last`, { operator: 'Transpose', inputs: [x.name], attributes: { perm: [0, 2, 3, 1] } }), channelsFirst: false }
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

function dense (graph: OnnxGraph, layer: DenseLayer, x: Placed, { kernel, bias }: Weights): Placed {
  const from = channelsLast(graph, x)
  const matrix = graph.constant(`${layer.name}/kernel`, [layer.input.at(-1)!, layer.units], { type: 'float', values: kernel })
  const product = graph.add(`${layer.name}/product`, { operator: 'MatMul', inputs: [from.name, matrix] })
  const sum = bias === undefined
    ? product
    : graph.add(layer.name, { operator: 'Add', inputs: [product, graph.constant(`${layer.name}/bias`, [layer.units], { type: 'float', values: bias })] })
  return activate(graph, layer.name, { name: sum, shape: layer.output, channelsFirst: false }, layer.activation)
}

function convolution (graph: OnnxGraph, layer: ConvolutionLayer, x: Placed, { kernel, bias }: Weights): Placed {
  const { filters, window } = layer
  const channels = layer.input[2]!
  const inputs = [channelsFirst(graph, x), graph.constant(`${layer.name}/kernel`, [filters, channels, ...window.size], { type: 'float', values: filtersFirst(kernel, window, channels, filters) })]
  if (bias !== undefined) {
    inputs.push(graph.constant(`${layer.name}/bias`, [filters], { type: 'float', values: bias }))
  }
  const name = graph.add(layer.name, { operator: 'Conv', inputs, attributes: sliding(layer) })
  return activate(graph, layer.name, { name, shape: layer.output, channelsFirst: true }, layer.activation)
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

/** Of TensorFlow's `same`, the odd row or column of the border comes last */
function sliding ({ input, output, window: { size, strides, padding } }: ConvolutionLayer | PoolingLayer): Record<string, Attribute> {
  const borders = [0, 1].map((axis) => padding === 'valid' ? 0 : Math.max(0, (output[axis]! - 1) * strides[axis as 0 | 1] + size[axis as 0 | 1] - input[axis]!))
  const before = borders.map((border) => Math.floor(border / 2))
  return { kernel_shape: size, strides, pads: [...before, ...borders.map((border, axis) => border - before[axis]!)] }
}

function globalPooling (graph: OnnxGraph, layer: GlobalPoolingLayer, x: Placed): Placed {
  const means = graph.add(`${layer.name}/means`, { operator: 'GlobalAveragePool', inputs: [channelsFirst(graph, x)] })
  return { name: graph.add(layer.name, { operator: 'Flatten', inputs: [means], attributes: { axis: 1 } }), shape: layer.output, channelsFirst: false }
}

function reshape (graph: OnnxGraph, { name, output }: Layer, x: Placed): Placed {
  const from = channelsLast(graph, x)
  // 0: as many examples as before
  return { name: graph.add(name, { operator: 'Reshape', inputs: [from.name, graph.integers(`${name}/shape`, [0, ...output])] }), shape: output, channelsFirst: false }
}

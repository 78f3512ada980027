/**
 * LSTM and GRU as the operators of ONNX (https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html)
 *
 * They take steps x examples x width, matrices with the columns of Keras as rows, and gates of their own order.
 */
import { gateColumns } from '../layer.ts'
import type { RecurrentLayer } from '../layer.ts'
import type { OnnxGraph, Value } from './onnx-graph.ts'
import type { Weights } from './onnx-layers.ts'

/** Which of Keras' gates stands at each place: of i, f, c, o, ONNX has i, o, f, c; of z, r, h the same */
const GATES = { lstm: [0, 3, 1, 2], gru: [0, 1, 2] } as const

export function addRecurrent (graph: OnnxGraph, layer: RecurrentLayer, x: Value, weights: Weights): Value {
  const { name, units, kind } = layer
  const [steps, width] = x.shape as [number, number]
  const columns = gateColumns(layer)
  const constant = (of: string, shape: number[], values: Float32Array): string => graph.constant(`${name}/${of}`, shape, { type: 'float', values })
  const matrix = (of: string, rows: number): string => constant(of, [1, columns, rows], turned(weights.get(of)!, rows, layer))
  const inputs = [
    graph.add(`${name}/steps_first`, { operator: 'Transpose', inputs: [x.name], attributes: { perm: [1, 0, 2] } }),
    matrix('kernel', width),
    matrix('recurrent_kernel', units),
    constant('bias', [1, 2 * columns], biases(weights.get('bias'), layer))
  ]
  const attributes = { hidden_size: units, ...layer.kind === 'gru' ? { linear_before_reset: layer.resetAfter } : {} }
  // steps x directions x examples x units
  const states = graph.add(`${name}/states`, { operator: kind.toUpperCase(), inputs, attributes })
  if (!layer.returnSequences) {
    const last = graph.add(`${name}/last`, { operator: 'Gather', inputs: [states, graph.constant(`${name}/last_step`, [], { type: 'int64', values: [steps - 1] })], attributes: { axis: 0 } })
    return { name: graph.add(name, { operator: 'Squeeze', inputs: [last, graph.integers(`${name}/direction`, [0])] }), shape: [units] }
  }
  const one = graph.add(`${name}/one_direction`, { operator: 'Squeeze', inputs: [states, graph.integers(`${name}/direction`, [1])] })
  return { name: graph.add(name, { operator: 'Transpose', inputs: [one], attributes: { perm: [1, 0, 2] } }), shape: [steps, units] }
}

/** rows x columns -> columns x rows, gates in the order of ONNX */
function turned (kernel: Float32Array, rows: number, layer: RecurrentLayer): Float32Array {
  const columns = gateColumns(layer)
  const out = new Float32Array(kernel.length)
  for (const [to, from] of columnOrder(layer).entries()) {
    for (let row = 0; row < rows; row++) {
      out[to * rows + row] = kernel[row * columns + from]!
    }
  }
  return out
}

/** Of the input's product, then of the state's, which is zero where Keras has one bias */
function biases (bias: Float32Array | undefined, layer: RecurrentLayer): Float32Array {
  const columns = gateColumns(layer)
  const out = new Float32Array(2 * columns)
  for (const [to, from] of columnOrder(layer).entries()) {
    out[to] = bias?.[from] ?? 0
    out[columns + to] = bias?.[columns + from] ?? 0
  }
  return out
}

function columnOrder ({ kind, units }: RecurrentLayer): number[] {
  return GATES[kind].flatMap((gate) => Array.from({ length: units }, (_, unit) => gate * units + unit))
}

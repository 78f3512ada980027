/**
 * The kernels of a layer, each with the bias that goes with it: what gradients are computed for, one by one
 *
 * A recurrent layer has two. Each is a dense layer on every step of the sequence: of what comes in, and of the state
 * before (its factors come from the backward pass through time, recurrent.ts). So the norms and sums of dense layers on
 * many positions are theirs as well.
 */
import { gateColumns } from './layer.ts'
import type { ParameterSlot } from '../interface.ts'
import type { DenseLayer, FactoredLayer, GruLayer, LstmLayer, ParameterisedLayer, TrainableActivation } from './layer.ts'

/** A part of the flat vector */
export type Span = Pick<ParameterSlot, 'offset' | 'size'>

export interface KernelPart {
  layer: FactoredLayer
  kernel: Span
  bias: Span | undefined
}

/** In the order of the factors of Pass.backward. `slots` are those of the layer, in the order of parameterShapes */
export function kernelParts (layer: ParameterisedLayer, slots: readonly ParameterSlot[]): KernelPart[] {
  switch (layer.kind) {
    case 'lstm':
    case 'gru': return recurrentParts(layer, slots)
    case 'dense':
    case 'convolution':
    case 'embedding': return [{ layer, kernel: slots[0]!, bias: slots[1] }]
  }
}

function recurrentParts (layer: LstmLayer | GruLayer, [kernel, recurrentKernel, bias]: readonly ParameterSlot[]): KernelPart[] {
  const steps = layer.input[0]!
  const columns = gateColumns(layer)
  const product = (positions: number, inputs: number, useBias: boolean): DenseLayer<TrainableActivation> => ({
    kind: 'dense', name: layer.name, input: [positions, inputs], output: [positions, columns], units: columns, useBias, frozen: false, activation: 'linear'
  })
  const biases = bias === undefined ? [] : [{ offset: bias.offset, size: columns }, { offset: bias.offset + columns, size: columns }]
  const twoBiases = layer.kind === 'gru' && layer.resetAfter
  // where the reset gate comes first, its product has other inputs than those of the gates
  const products = layer.kind === 'gru' && !layer.resetAfter ? 2 : 1
  return [
    { layer: product(steps, layer.input[1]!, bias !== undefined), kernel: kernel!, bias: biases[0] },
    { layer: product(products * steps, layer.units, twoBiases && bias !== undefined), kernel: recurrentKernel!, bias: twoBiases ? biases[1] : undefined }
  ]
}

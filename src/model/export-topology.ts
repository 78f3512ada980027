/**
 * The topology that an export carries: written anew, in the words of tfjs, from the layers as they are trained
 *
 * A document's own JSON may say the same in words that tfjs does not know: Keras 3's `batch_shape` and
 * `negative_slope`, no input shape at all, a Flatten of what is flat. tfjs refuses some of these and passes over
 * others.
 */
import { inputShape } from '../federation/input-shape.ts'
import { entry, modelLayers, sequential } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { ConvolutionLayer, DenseLayer, GlobalPoolingLayer, GruLayer, Layer, LstmLayer, PoolingLayer, Window } from './layer.ts'
import type { LayerEntry } from './topology.ts'

/** LayersModel JSON that @tensorflow/tfjs-layers loads. Throws InvalidFederationError as planModel does */
export function exportTopology (model: FederationDocument['model']): Record<string, unknown> {
  return sequential(inputShape(model.input), modelLayers(model).map(layerEntry))
}

function layerEntry (layer: Layer): LayerEntry {
  const [className, config] = described(layer)
  return entry(className, layer.name, config)
}

function described (layer: Layer): [className: string, config: Record<string, unknown>] {
  switch (layer.kind) {
    case 'dense':
      return ['Dense', { units: layer.units, ...weightedConfig(layer) }]
    case 'embedding':
      return ['Embedding', { input_dim: layer.vocabulary, output_dim: layer.width, mask_zero: false, trainable: !layer.frozen }]
    case 'lstm':
      return ['LSTM', { ...recurrentConfig(layer), unit_forget_bias: layer.unitForgetBias }]
    case 'gru':
      return ['GRU', { ...recurrentConfig(layer), reset_after: layer.resetAfter }]
    case 'reshape':
      return reshaped(layer)
    case 'activation':
      return ['Activation', { activation: layer.activation }]
    case 'leaky-relu':
      return ['LeakyReLU', { alpha: layer.alpha }]
    case 'dropout':
      return ['Dropout', { rate: layer.rate }]
    default:
      return describedWindow(layer)
  }
}

function describedWindow (layer: ConvolutionLayer | PoolingLayer | GlobalPoolingLayer): [className: string, config: Record<string, unknown>] {
  switch (layer.kind) {
    case 'convolution':
      return [windowed('Conv', layer), { filters: layer.filters, kernel_size: sides(layer, layer.window.size), ...slidingConfig(layer), ...weightedConfig(layer) }]
    case 'max-pooling':
      return [windowed('MaxPooling', layer), { pool_size: sides(layer, layer.window.size), ...slidingConfig(layer) }]
    case 'average-pooling':
      return [windowed('AveragePooling', layer), { pool_size: sides(layer, layer.window.size), ...slidingConfig(layer) }]
    case 'global-average-pooling':
      return [windowed('GlobalAveragePooling', layer), { data_format: 'channels_last' }]
    case 'global-max-pooling':
      return [windowed('GlobalMaxPooling', layer), { data_format: 'channels_last' }]
  }
}

/** tfjs flattens nothing that is flat already */
function reshaped ({ input, output }: Layer): [className: string, config: Record<string, unknown>] {
  return output.length === 1 && input.length > 1 ? ['Flatten', {}] : ['Reshape', { target_shape: [...output] }]
}

function weightedConfig ({ activation, useBias, frozen }: DenseLayer | ConvolutionLayer): Record<string, unknown> {
  return { activation, use_bias: useBias, trainable: !frozen }
}

/** tfjs computes an initial matrix before it reads the weights, and an orthogonal one, its default, takes it long */
const INITIALIZER = { class_name: 'GlorotUniform', config: {} }

function recurrentConfig ({ units, returnSequences, useBias, frozen }: LstmLayer | GruLayer): Record<string, unknown> {
  return { units, activation: 'tanh', recurrent_activation: 'sigmoid', recurrent_initializer: INITIALIZER, return_sequences: returnSequences, use_bias: useBias, trainable: !frozen }
}

/** Conv1D of sequences, Conv2D of images, and so on */
function windowed (name: string, { input }: Layer): string {
  return `${name}${input.length - 1}D`
}

/** Without the height where there is none */
function sides ({ input }: Layer, [height, width]: Window['size']): number[] {
  return input.length === 2 ? [width] : [height, width]
}

function slidingConfig (layer: ConvolutionLayer | PoolingLayer): Record<string, unknown> {
  return { strides: sides(layer, layer.window.strides), padding: layer.window.padding, data_format: 'channels_last' }
}

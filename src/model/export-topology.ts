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
import type { ConvolutionLayer, DenseLayer, Layer, Window } from './layer.ts'
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
    case 'convolution':
      return ['Conv2D', { filters: layer.filters, kernel_size: [...layer.window.size], ...slidingConfig(layer.window), ...weightedConfig(layer) }]
    case 'max-pooling':
      return ['MaxPooling2D', { pool_size: [...layer.window.size], ...slidingConfig(layer.window) }]
    case 'average-pooling':
      return ['AveragePooling2D', { pool_size: [...layer.window.size], ...slidingConfig(layer.window) }]
    case 'global-average-pooling':
      return ['GlobalAveragePooling2D', { data_format: 'channels_last' }]
    case 'reshape':
      return reshaped(layer)
    case 'activation':
      return ['Activation', { activation: layer.activation }]
    case 'leaky-relu':
      return ['LeakyReLU', { alpha: layer.alpha }]
    case 'dropout':
      return ['Dropout', { rate: layer.rate }]
  }
}

/** tfjs flattens nothing that is flat already */
function reshaped ({ input, output }: Layer): [className: string, config: Record<string, unknown>] {
  return output.length === 1 && input.length > 1 ? ['Flatten', {}] : ['Reshape', { target_shape: [...output] }]
}

function weightedConfig ({ activation, useBias, frozen }: DenseLayer | ConvolutionLayer): Record<string, unknown> {
  return { activation, use_bias: useBias, trainable: !frozen }
}

function slidingConfig ({ strides, padding }: Window): Record<string, unknown> {
  return { strides: [...strides], padding, data_format: 'channels_last' }
}

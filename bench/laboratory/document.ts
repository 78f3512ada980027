/**
 * The model and the training of a laboratory
 */
import { presetDocument } from '../../src/presets.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { Cell } from './cell.ts'

type JsonObject = Record<string, unknown>

function entry (className: string, name: string, config: JsonObject): JsonObject {
  return { class_name: className, config: { name, trainable: true, ...config } }
}

function convolution (name: string, filters: number, config: JsonObject): JsonObject {
  return entry('Conv2D', name, { filters, kernel_size: [3, 3], strides: [1, 1], padding: 'valid', data_format: 'channels_last', use_bias: true, ...config })
}

/**
 * The network of the ClippedGossip experiments on MNIST, 1,199,882 parameters: no activation after the second
 * convolution
 *
 * Theirs drops whole channels after the pooling, this one single activations
 */
function publishedNetwork (): JsonObject {
  const layers = [
    convolution('convolution_1', 32, { activation: 'relu', batch_input_shape: [null, 28, 28, 1], dtype: 'float32' }),
    convolution('convolution_2', 64, { activation: 'linear' }),
    entry('MaxPooling2D', 'pooling', { pool_size: [2, 2], strides: [2, 2], padding: 'valid', data_format: 'channels_last' }),
    entry('Dropout', 'dropout_1', { rate: 0.25 }),
    entry('Flatten', 'flatten', {}),
    entry('Dense', 'dense', { units: 128, activation: 'relu', use_bias: true }),
    entry('Dropout', 'dropout_2', { rate: 0.5 }),
    entry('Dense', 'output', { units: 10, activation: 'softmax', use_bias: true })
  ]
  return { class_name: 'Sequential', config: { name: 'sequential', layers } }
}

/** What the peers of a cell train, and how: batches of 32, SGD with momentum 0.9 */
export function laboratoryDocument ({ model, steps, learningRate }: Pick<Cell, 'model' | 'steps' | 'learningRate'>): FederationDocument {
  const document = presetDocument('mnist-noniid')
  return {
    ...document,
    model: model === 'mlp' ? document.model : { ...document.model, topology: publishedNetwork() },
    training: { steps, batchSize: 32, optimizer: { name: 'sgd', learningRate, momentum: 0.9 } }
  }
}

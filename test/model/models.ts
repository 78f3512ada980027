/**
 * Models, data and the tfjs-layers reference that the tests of this folder share
 */
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { parseFederation } from '../../src/federation/document.ts'
import { BACKEND_NAMES } from '../../src/model/backend-names.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { denseTopology, planModel, textTopology } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { Dataset, Examples } from '../../src/data/examples.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'
import type { BackendName } from '../../src/interface.ts'
import type { Batch } from '../../src/model/layer-graph.ts'

// the native library reads these once, when it is loaded
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
process.env.TF_NUM_INTRAOP_THREADS ??= '1'

export type Model = FederationDocument['model']

export interface DocumentInit {
  /** Of an image; or how many inputs there are, in a table */
  shape: [number, number, number] | [number]
  classes: number
  topology?: Record<string, unknown>
  loss?: Model['loss']
  training?: FederationInit['training']
  constants?: Model['constants']
}

export function federation ({ shape, classes, topology, loss = 'categoricalCrossentropy', training, constants }: DocumentInit): FederationDocument {
  return parseFederation({
    format: 1,
    name: 'test',
    model: {
      topology: topology ?? denseTopology({ inputShape: shape, hidden: [8], classes }),
      ...(constants === undefined ? {} : { constants }),
      seed: 7,
      loss,
      input: shape.length === 1 ? tableOf(shape[0]) : { kind: 'image', shape },
      labels: Array.from({ length: classes }, (_, i) => `class ${i}`)
    },
    training: training ?? { epochs: 1, batchSize: 16, optimizer: { name: 'sgd', learningRate: 0.1 } },
    aggregation: { rule: 'mean', f: 0 },
    codec: { name: 'float32' },
    topology: { degree: 1 },
    round: { deadlineMs: 1000, staleness: 0 },
    privacy: { mechanism: 'none' }
  })
}

/** So many inputs as they are */
export function tableOf (inputs: number): Model['input'] {
  return { kind: 'table', label: 'y', columns: Array.from({ length: inputs }, (_, i) => ({ kind: 'numeric', name: `x${i}`, mean: 0, stdDev: 1 })) }
}

export function entry (className: string, name: string, config: object = {}): { class_name: string, config: object } {
  return { class_name: className, config: { name, trainable: true, ...config } }
}

/** A Sequential whose first layer states the input shape */
export function sequential (shape: readonly number[], layers: ReadonlyArray<{ class_name: string, config: object }>): Record<string, unknown> {
  const [first, ...rest] = layers
  const config = { ...first!.config, batch_input_shape: [null, ...shape], dtype: 'float32' }
  return { class_name: 'Sequential', config: { name: 'sequential', layers: [{ class_name: first!.class_name, config }, ...rest] } }
}

export function randomBatch (model: Model, count: number, seed = 1): Batch {
  const random = seededRandom(seed)
  const { inputShape, layers: [first] } = planModel(model)
  const features = inputShape.reduce((product, size) => product * size, 1)
  return {
    inputs: Float32Array.from({ length: count * features }, () => first?.kind === 'embedding' ? Math.floor(random() * first.vocabulary) : 2 * random() - 1),
    labels: Uint16Array.from({ length: count }, () => random() * model.labels.length),
    count
  }
}

/** Two blobs in a plane, or `classes` of them on a circle: a linear model separates them */
export function blobs (count: number, classes: number, seed = 1): Examples {
  const random = seededRandom(seed)
  const labels = Uint16Array.from({ length: count }, (_, i) => i % classes)
  const inputs = Float32Array.from({ length: count * 2 }, (_, i) => {
    const angle = 2 * Math.PI * labels[i >> 1]! / classes
    return 2 * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle)) + random() - 0.5
  })
  return { count, featureCount: 2, labels, writeInputs: (index, out, offset) => { out.set(inputs.subarray(2 * index, 2 * index + 2), offset) } }
}

export function blobDataset (classes = 3): Dataset {
  return { train: blobs(120, classes, 1), test: blobs(60, classes, 2) }
}

/** The same model in tfjs-layers, with the same weights, on the current backend */
export async function referenceModel (model: Model, parameters = initialParameters(model)): Promise<LayersModel> {
  const weightSpecs = planModel(model).layout.map(({ name, shape }) => ({ name, shape: [...shape], dtype: 'float32' as const }))
  const reference = await loadLayersModel(tf.io.fromMemory({ modelTopology: model.topology, weightSpecs, weightData: parameters.slice().buffer }), { strict: false })
  for (const [name, values] of Object.entries(model.constants ?? {})) {
    const [layer = '', tensor = ''] = name.split('/')
    const weights = reference.getLayer(layer).weights
    const weight = weights.find(({ originalName }) => originalName.endsWith(tensor))!
    weight.write(tf.tensor(values, weight.shape as number[]))
  }
  return reference
}

/** Numbers for a frozen tensor that no symmetry hides */
export function waves (count: number, phase: number): number[] {
  return Array.from({ length: count }, (_, i) => 0.6 * Math.sin(phase + 1.7 * i))
}

/** Features before the first layer that learns, and a frozen layer between two that do */
export const FROZEN: DocumentInit = {
  shape: [8, 8, 2],
  classes: 3,
  topology: sequential([8, 8, 2], [
    entry('Conv2D', 'features', { filters: 4, kernel_size: [3, 3], activation: 'relu', trainable: false }),
    entry('AveragePooling2D', 'pool', { pool_size: [2, 2], strides: [2, 2], padding: 'valid' }),
    entry('Conv2D', 'mixing', { filters: 3, kernel_size: [1, 1], use_bias: false, trainable: false }), entry('Flatten', 'flatten'),
    entry('Dense', 'first', { units: 6, activation: 'tanh' }), entry('Dense', 'between', { units: 5, activation: 'sigmoid', trainable: false }),
    entry('Dense', 'output', { units: 3, activation: 'softmax' })
  ]),
  constants: {
    'features/kernel': waves(72, 1), 'features/bias': waves(4, 2), 'mixing/kernel': waves(12, 3), 'between/kernel': waves(30, 4), 'between/bias': waves(5, 5)
  }
}

const ids = (name = 'ids'): ReturnType<typeof entry> => entry('Embedding', name, { input_dim: 7, output_dim: 5, mask_zero: false })
const softmax = entry('Dense', 'output', { units: 3, activation: 'softmax' })
/** Of Keras and TensorFlow.js alike; their orthogonal start needs more of tfjs than its core */
const GATES = { activation: 'tanh', recurrent_activation: 'sigmoid', recurrent_initializer: { class_name: 'GlorotUniform', config: {} } }
const texts = (layers: ReadonlyArray<ReturnType<typeof entry>>): DocumentInit => ({ shape: [12], classes: 3, topology: sequential([12], [ids(), ...layers, softmax]) })
const sequences = (layers: ReadonlyArray<ReturnType<typeof entry>>): DocumentInit =>
  ({ shape: [24], classes: 3, topology: sequential([24], [entry('Reshape', 'steps', { target_shape: [8, 3] }), ...layers, softmax]) })

/** Of 12 tokens out of 7, so that some come twice, and of 8 steps of 3 numbers; as TensorFlow.js knows them, too */
export const SEQUENCES: Record<string, DocumentInit> = {
  'texts of an embedding, a convolution and the largest': { shape: [12], classes: 3, topology: textTopology({ length: 12, vocabulary: 7, width: 5, filters: 6, classes: 3 }) },
  'a mean of embeddings': texts([entry('GlobalAveragePooling1D', 'mean')]),
  'embeddings side by side': texts([entry('Flatten', 'flatten')]),
  'convolutions and poolings of sequences': sequences([
    entry('Conv1D', 'a', { filters: 6, kernel_size: [3], strides: [1], padding: 'same', activation: 'relu' }), entry('MaxPooling1D', 'b', { pool_size: [3], strides: [2], padding: 'same' }),
    entry('Conv1D', 'c', { filters: 4, kernel_size: [2], strides: [2], padding: 'valid', activation: 'tanh', use_bias: false }), entry('AveragePooling1D', 'd', { pool_size: [2], strides: [1] }),
    entry('Flatten', 'flatten')
  ]),
  'a wide convolution of few positions': sequences([entry('Conv1D', 'a', { filters: 90, kernel_size: [7], activation: 'elu' }), entry('GlobalMaxPooling1D', 'max')]),
  'frozen embeddings': {
    ...texts([]),
    topology: sequential([12], [entry('Embedding', 'ids', { input_dim: 7, output_dim: 5, trainable: false }), entry('Conv1D', 'a', { filters: 4, kernel_size: [3], activation: 'tanh' }), entry('Flatten', 'flatten'), softmax]),
    constants: { 'ids/embeddings': waves(35, 1) }
  },
  'a frozen LSTM between layers that learn': {
    ...sequences([entry('Dense', 'a', { units: 4, activation: 'tanh' }), entry('LSTM', 'b', { units: 3, trainable: false, ...GATES }), entry('Dense', 'c', { units: 5, activation: 'relu' })]),
    constants: { 'b/kernel': waves(48, 2), 'b/recurrent_kernel': waves(36, 3), 'b/bias': waves(12, 4) }
  },
  'an LSTM on embeddings': texts([entry('LSTM', 'lstm', { units: 4, ...GATES })]),
  'an LSTM of all steps, and one without bias': sequences([
    entry('LSTM', 'a', { units: 5, return_sequences: true, unit_forget_bias: false, ...GATES }), entry('LSTM', 'b', { units: 3, use_bias: false, ...GATES })
  ]),
  'a GRU on embeddings': texts([entry('GRU', 'gru', { units: 4, reset_after: false, ...GATES })]),
  'a GRU of all steps, and one without bias': sequences([
    entry('GRU', 'a', { units: 5, return_sequences: true, reset_after: false, ...GATES }), entry('GRU', 'b', { units: 3, use_bias: false, reset_after: false, ...GATES })
  ])
}

/** What TensorFlow.js has not */
export const KERAS_SEQUENCES: Record<string, DocumentInit> = {
  'a GRU that resets after its product': texts([entry('GRU', 'gru', { units: 4, reset_after: true, ...GATES })]),
  'two GRUs that reset after their products': sequences([
    entry('GRU', 'a', { units: 5, return_sequences: true, reset_after: true, ...GATES }), entry('GRU', 'b', { units: 3, use_bias: false, reset_after: true, ...GATES })
  ])
}

/** Loss (sum) and gradients by the tape of tfjs, on plain code */
export async function referenceGradients (model: Model, parameters: Float32Array, batch: Batch): Promise<{ loss: number, gradients: Float32Array }> {
  await loadBackend('cpu')
  const { layout, inputShape, outputs, parameterCount } = planModel(model)
  const reference = await referenceModel(model, parameters)
  const x = tf.tensor(batch.inputs, [batch.count, ...inputShape])
  const target = outputs === 1
    ? tf.tensor2d(Float32Array.from(batch.labels), [batch.count, 1])
    : tf.cast(tf.oneHot(tf.tensor1d(Int32Array.from(batch.labels), 'int32'), outputs), 'float32')
  const { value, grads } = tf.variableGrads(() => tf.tidy(() => {
    const y = tf.clipByValue(reference.apply(x) as tf.Tensor, 1e-7, 1 - 1e-7)
    const cross = tf.mul(target, tf.log(y))
    const losses = model.loss === 'categoricalCrossentropy'
      ? tf.sum(cross, -1)
      : tf.mean(tf.add(cross, tf.mul(tf.sub(1, target), tf.log(tf.sub(1, y)))), -1)
    return tf.neg(tf.mean(losses)) as tf.Scalar
  }))
  const gradients = new Float32Array(parameterCount)
  for (const { name, offset } of layout) {
    const key = Object.keys(grads).find((variable) => variable === name || variable.replace(/_\d+$/, '') === name)
    gradients.set(await grads[key!]!.data<'float32'>(), offset)
  }
  const loss = value.dataSync()[0]! * batch.count
  reference.dispose()
  tf.dispose([x, target, value, grads])
  return { loss, gradients }
}

/** The backends that can be loaded here, and why the others cannot. Says so, because a skipped test is easily missed */
export async function availableBackends (): Promise<BackendName[]> {
  const available: BackendName[] = []
  for (const name of BACKEND_NAMES) {
    try {
      await loadBackend(name)
      available.push(name)
    } catch (err) {
      // eslint-disable-next-line no-console
      console.warn(`tests on the ${name} backend are skipped: ${(err as Error).message}`)
    }
  }
  return available
}

export function largestDifference (a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = Math.abs(a.length - b.length)
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference)
  }
  return largest
}

import * as layers from '@tensorflow/tfjs-layers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_PARAMETERS } from '../../src/limits.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { multiplications } from '../../src/model/layer.ts'
import { convolutionalTopology, denseTopology, inspectTopology, planModel, textTopology } from '../../src/model/topology.ts'
import { entry, federation, KERAS_SEQUENCES, referenceModel, SEQUENCES, sequential } from './models.ts'
import type { Model } from './models.ts'
import type { Layer } from '../../src/model/layer.ts'

function model (topology: unknown, overrides: Partial<Model> = {}): Model {
  const base = federation({ shape: [28, 28, 1], classes: 10, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: 10 }) }).model
  return { ...base, ...overrides, topology: topology as Model['topology'] }
}

const softmax = (units = 10): { class_name: string, config: object } => entry('Dense', 'output', { units, activation: 'softmax' })
const zeros = (count: number): number[] => new Array<number>(count).fill(0)
/** 784 inputs, 4 frozen units, 10 outputs */
const frozen = (constants: Model['constants']): Model => model(sequential([28, 28, 1], [entry('Flatten', 'f'), entry('Dense', 'd', { units: 4, trainable: false }), softmax()]), { constants })
const image = (list: ReadonlyArray<{ class_name: string, config: object }>): Model => model(sequential([28, 28, 1], list))
/** 12 numbers, or ids, and three classes */
const sequence = (list: ReadonlyArray<{ class_name: string, config: object }>): Model => ({ ...federation(SEQUENCES['a mean of embeddings']!).model, topology: { class_name: 'Sequential', config: { layers: list } } })
const ids = entry('Embedding', 'e', { input_dim: 7, output_dim: 5 })
const recurrent = (className: 'LSTM' | 'GRU', config: object): Model =>
  sequence([ids, entry(className, 'r', { units: 3, activation: 'tanh', recurrent_activation: 'sigmoid', ...className === 'GRU' ? { reset_after: true } : {}, ...config }), softmax(3)])
/** A model whose first layer states an input shape that may hold anything */
const stating = (shape: readonly unknown[]): Model => model(sequential(shape as number[], [entry('Flatten', 'f'), softmax()]))
/** Escape, right-to-left override, and the C1 character that begins a sequence */
const STEERING = '\u001b[31m\u202e\u009b'

describe('topology', () => {
  it('counts the parameters of a multi-layer perceptron, tensor by tensor', () => {
    const inspected = inspectTopology(model(denseTopology({ inputShape: [28, 28, 1], hidden: [256, 128], classes: 10 })))
    expect(inspected.parameterCount).toBe(235_146)
    expect(inspected.outputs).toBe(10)
    expect(inspected.layout[0]).toEqual({ name: 'dense_1/kernel', shape: [784, 256], offset: 0, size: 200_704 })
    expect(inspected.layout.map(({ name }) => name)).toEqual(['dense_1/kernel', 'dense_1/bias', 'dense_2/kernel', 'dense_2/bias', 'output/kernel', 'output/bias'])
    for (const [i, { offset, size }] of inspected.layout.entries()) {
      expect(inspected.layout[i + 1]?.offset ?? inspected.parameterCount).toBe(offset + size)
    }
  })

  it('is what tfjs-layers loads, with the same tensors in the same order', async () => {
    await loadBackend('cpu')
    for (const topology of [denseTopology({ inputShape: [28, 28, 1], hidden: [9], classes: 10 }), convolutionalTopology({ inputShape: [28, 28, 1], filters: [4, 6], hidden: [12], classes: 10 })]) {
      const reference = await referenceModel(model(topology))
      expect(reference.trainableWeights.map(({ shape }) => shape)).toEqual(inspectTopology(model(topology)).layout.map(({ shape }) => shape))
    }
  })

  it('reads the JSON that tfjs-layers writes', async () => {
    await loadBackend('cpu')
    const made = layers.sequential({
      layers: [
        layers.layers.conv2d({ inputShape: [28, 28, 1], filters: 4, kernelSize: 5, strides: 2, activation: 'relu', kernelInitializer: 'heNormal' }),
        layers.layers.maxPooling2d({ poolSize: 2 }), layers.layers.averagePooling2d({ poolSize: [2, 3], strides: [1, 2] }), layers.layers.reLU(), layers.layers.leakyReLU({ alpha: 0.1 }),
        layers.layers.flatten(), layers.layers.reshape({ targetShape: [5, 8] }), layers.layers.flatten(), layers.layers.dropout({ rate: 0.2 }),
        layers.layers.dense({ units: 10 }), layers.layers.softmax({})
      ]
    })
    expect(inspectTopology(model(made.toJSON(null, false))).parameterCount).toBe(made.countParams())
  })

  it('reads the JSON that tfjs-layers writes of texts and sequences', async () => {
    await loadBackend('cpu')
    const gates = { recurrentActivation: 'sigmoid', recurrentInitializer: 'glorotUniform' } as const
    const made = [
      layers.layers.embedding({ inputDim: 9, outputDim: 6, inputLength: 12 }), layers.layers.conv1d({ filters: 5, kernelSize: 3, padding: 'same', strides: 2 }),
      layers.layers.maxPooling1d({ poolSize: 2, strides: 1 }), layers.layers.averagePooling1d({ poolSize: 2, strides: 1 }),
      layers.layers.lstm({ units: 4, returnSequences: true, ...gates }), layers.layers.gru({ units: 3, returnSequences: true, ...gates }), layers.layers.globalAveragePooling1d({})
    ]
    const whole = layers.sequential({ layers: [...made, layers.layers.dense({ units: 3, activation: 'softmax' })] })
    const plan = planModel({ ...sequence([]), topology: whole.toJSON(null, false) as unknown as Model['topology'] })
    expect(plan.parameterCount).toBe(whole.countParams())
    expect(plan.layers.slice(0, -1).map(({ kind, output }) => [kind, ...output])).toEqual([
      ['embedding', 12, 6], ['convolution', 6, 5], ['max-pooling', 5, 5], ['average-pooling', 4, 5], ['lstm', 4, 4], ['gru', 4, 3], ['global-average-pooling', 3]
    ])
    expect(plan.layout.map(({ name }) => name.split('/')[1])).toEqual(['embeddings', 'kernel', 'bias', 'kernel', 'recurrent_kernel', 'bias', 'kernel', 'recurrent_kernel', 'bias', 'kernel', 'bias'])
  })

  it('reads texts in the words of Keras 2, of any length and of ids', () => {
    const embedding = entry('Embedding', 'e', { batch_input_shape: [null, 12], dtype: 'float32', input_dim: 7, output_dim: 5, input_length: 12, mask_zero: false })
    const ids = entry('InputLayer', 'i', { batch_input_shape: [null, null], dtype: 'int64' })
    const rest = [entry('GlobalMaxPooling1D', 'm', { data_format: 'channels_last' }), entry('Dense', 'o', { units: 3, activation: 'softmax' })]
    const plain = entry('Embedding', 'e', { input_dim: 7, output_dim: 5 })
    for (const list of [[embedding, ...rest], [ids, plain, ...rest], [plain, ...rest]]) {
      expect(inspectTopology(sequence(list))).toMatchObject({ parameterCount: 35 + 18, outputs: 3 })
    }
  })

  it('makes a model of texts', () => {
    const { layers: list, parameterCount } = planModel({ ...sequence([]), topology: textTopology({ length: 12, vocabulary: 257, classes: 3 }) })
    expect(list.map(({ kind, output }) => [kind, ...output])).toEqual([['embedding', 12, 32], ['convolution', 8, 64], ['global-max-pooling', 64], ['dense', 3]])
    expect(parameterCount).toBe(257 * 32 + 5 * 32 * 64 + 64 + 64 * 3 + 3)
    expect(textTopology({ length: 3, vocabulary: 7, classes: 3 })).toMatchObject({ config: { layers: [{}, { config: { kernel_size: [3] } }, {}, {}] } })
  })

  it('starts an embedding within 0.05, forget gates at 1, and both kernels of a recurrent layer as others', () => {
    const { model: own } = federation(SEQUENCES['an LSTM on embeddings']!)
    const [embeddings, kernel, recurrent, bias] = inspectTopology(own).layout.map(({ offset, size }) => initialParameters(own).subarray(offset, offset + size))
    const largest = (values: Float32Array): number => Math.max(...values.map(Math.abs))
    expect(largest(embeddings!)).toBeLessThanOrEqual(Math.fround(0.05))
    expect(largest(embeddings!)).toBeGreaterThan(0.04)
    expect(largest(kernel!) / Math.sqrt(6 / (5 + 16))).toBeCloseTo(0.95, 1)
    expect(largest(recurrent!) / Math.sqrt(6 / (4 + 16))).toBeCloseTo(0.95, 1)
    expect([...bias!]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, ...zeros(8)])
    for (const init of [SEQUENCES['an LSTM of all steps, and one without bias']!, ...Object.values(KERAS_SEQUENCES)]) {
      const { model: other } = federation(init)
      const biases = inspectTopology(other).layout.filter(({ name }) => name.endsWith('bias'))
      expect(biases.flatMap(({ offset, size }) => [...initialParameters(other).subarray(offset, offset + size)]).every((value) => value === 0)).toBe(true)
    }
  })

  it('gives frozen layers no place in the flat vector, and no part in its start', () => {
    const { layout, parameterCount, frozen: weights } = planModel(frozen({ 'd/kernel': zeros(3136).fill(0.1), 'd/bias': [1, 2, 3, 4] }))
    expect(layout.map(({ name }) => name)).toEqual(['output/kernel', 'output/bias'])
    expect(parameterCount).toBe(50)
    expect([...weights.keys()]).toEqual(['d/kernel', 'd/bias'])
    expect(weights.get('d/kernel')![0]).toBe(Math.fround(0.1))
    expect([...weights.get('d/bias')!]).toEqual([1, 2, 3, 4])
  })

  it('takes trainable false on a layer that has nothing to train', () => {
    expect(inspectTopology(image([entry('Flatten', 'f', { trainable: false }), softmax()])).parameterCount).toBe(7850)
  })

  it('starts from Glorot uniform weights and zero biases, equal for equal seeds', () => {
    const network = model(convolutionalTopology({ inputShape: [28, 28, 1], filters: [8], classes: 10 }))
    const parameters = initialParameters(network)
    const [kernel, bias] = inspectTopology(network).layout
    const limit = Math.sqrt(6 / (9 * (1 + 8)))
    const values = parameters.subarray(kernel!.offset, kernel!.offset + kernel!.size)
    expect(Math.max(...values)).toBeLessThanOrEqual(limit)
    expect(Math.max(...values)).toBeGreaterThan(0.8 * limit)
    expect(Math.min(...values)).toBeLessThan(-0.8 * limit)
    expect(parameters.subarray(bias!.offset, bias!.offset + bias!.size).every((value) => value === 0)).toBe(true)
    expect(initialParameters(network)).toEqual(parameters)
    expect(initialParameters({ ...network, seed: 8 })).not.toEqual(parameters)
    // known values: every machine must start here
    expect([...parameters.subarray(0, 3)]).toMatchInlineSnapshot(`
      [
        0.11945566534996033,
        -0.051617078483104706,
        0.024284202605485916,
      ]
    `)
  })

  it.each<[string, Model, RegExp]>([
    ['a functional model', model({ class_name: 'Model', config: {} }), /"Model" is not supported/],
    ['nothing', model({}), /class_name is missing/],
    ['no layers', model({ class_name: 'Sequential', config: {} }), /config\.layers is not an array/],
    ['an unknown layer', image([entry('Lambda', 'l'), softmax()]), /layer 0 "Lambda" is not supported; known layers are/],
    ['batch normalisation', image([entry('Flatten', 'f'), entry('BatchNormalization', 'norm'), softmax()]), /layer 1 "norm" is a BatchNormalization, which is not supported: it mixes the examples of a batch.*leave it out/],
    ['a layer named like a property of every object', image([entry('constructor', 'l'), softmax()]), /layer 0 "constructor" is not supported/],
    ['too many layers', image([...Array.from({ length: 200 }, (_, i) => entry('ReLU', `r${i}`)), softmax()]), /has 201 layers, more than 128/],
    ['too many parameters', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: 100_000 }), softmax()]), new RegExp(`more than ${MAX_PARAMETERS}`)],
    ['a width beyond counting', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: 1e300 }), softmax()]), /units 1e\+300 is not supported/],
    ['huge activations', image([entry('Conv2D', 'c', { filters: 1 << 20, kernel_size: 1 }), entry('Flatten', 'f'), softmax()]), /activations .* more than 16777216/],
    ['endless work', model(sequential([2048, 2048, 1], [
      entry('Conv2D', 'c', { filters: 1, kernel_size: [1000, 1000], padding: 'same' }), entry('GlobalAveragePooling2D', 'g'), softmax()
    ]), { input: { kind: 'image', shape: [2048, 2048, 1], mean: 0, stdDev: 1 } }), /multiplications for each example/],
    ['a window larger than its input', image([entry('MaxPooling2D', 'p', { pool_size: [29, 2] }), entry('Flatten', 'f'), softmax()]), /a window of 29 does not fit an input of 28/],
    ['an average over padding', image([entry('AveragePooling2D', 'p', { pool_size: [3, 3], strides: [1, 1], padding: 'same' }), entry('Flatten', 'f'), softmax()]), /over the edge/],
    ['a regulariser', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: 4, kernel_regularizer: { class_name: 'L1L2', config: {} } }), softmax()]), /layer 1: kernel_regularizer .* is not supported/],
    ['frozen weights that stand nowhere', frozen({ 'd/kernel': zeros(3136) }), /^model\.constants: "d\/bias" is missing: a layer with trainable false needs its 4 numbers, of shape \[4\]/],
    ['frozen weights of another shape', frozen({ 'd/kernel': zeros(7), 'd/bias': zeros(4) }), /"d\/kernel" has 7 numbers, but the layer takes 3136, of shape \[784, 4\]/],
    ['frozen weights beyond what models carry', frozen({ 'd/kernel': zeros(3136), 'd/bias': [0, 0, 1e30, 0] }), /"d\/bias" has 1e\+30 at index 2, beyond/],
    ['constants of a layer that learns', frozen({ 'd/kernel': zeros(3136), 'd/bias': zeros(4), 'output/bias': zeros(10) }), /"output\/bias" belongs to a layer that learns: give the layer trainable false/],
    ['constants of no layer', frozen({ 'd/kernel': zeros(3136), 'd/bias': zeros(4), [`${STEERING}${'x'.repeat(1000)}`]: [] }), /x{20,}…" is no tensor of a layer with trainable false/],
    ['a model in which nothing learns', model(sequential([28, 28, 1], [entry('Flatten', 'f'), entry('Dense', 'd', { units: 10, activation: 'softmax', trainable: false })]), { constants: { 'd/kernel': zeros(7840), 'd/bias': zeros(10) } }), /no parameters that learn/],
    ['a word for trainable', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: 4, trainable: 'no' }), softmax()]), /trainable "no" is not supported/],
    ['channels first', image([entry('Conv2D', 'c', { filters: 2, kernel_size: 3, data_format: 'channels_first' }), entry('Flatten', 'f'), softmax()]), /data_format/],
    ['dilation', image([entry('Conv2D', 'c', { filters: 2, kernel_size: 3, dilation_rate: [2, 2] }), entry('Flatten', 'f'), softmax()]), /dilation_rate/],
    ['ids behind a layer', sequence([entry('Dense', 'd', { units: 12 }), ids, entry('Flatten', 'f'), softmax(3)]), /layer 1 "e" is an Embedding, which must come first/],
    ['ids of an image', image([ids, entry('Flatten', 'f'), softmax()]), /layer 0 needs token ids \(length\), but its input is \[28, 28, 1\]/],
    ['ids that mask', sequence([entry('Embedding', 'e', { input_dim: 7, output_dim: 5, mask_zero: true }), softmax(3)]), /layer 0: mask_zero true is not supported/],
    ['texts of another length', sequence([entry('Embedding', 'e', { input_dim: 7, output_dim: 5, input_length: 13 }), softmax(3)]), /layer 0: input_length 13 is not supported/],
    ['a table without end', sequence([entry('Embedding', 'e', { input_dim: 1 << 24, output_dim: 1 << 24 }), softmax(3)]), /parameters, more than/],
    ['a convolution of numbers that are no sequence', sequence([entry('Conv1D', 'c', { filters: 2, kernel_size: 3 }), softmax(3)]), /layer 0 needs a sequence \(length, channels\), but its input is \[12\]/],
    ['causal padding', sequence([ids, entry('Conv1D', 'c', { filters: 2, kernel_size: 3, padding: 'causal' }), softmax(3)]), /layer 1: padding "causal" is not supported/],
    ['dilation along a sequence', sequence([ids, entry('Conv1D', 'c', { filters: 2, kernel_size: 3, dilation_rate: [2] }), softmax(3)]), /layer 1: dilation_rate \[2\] is not supported/],
    ['a window of two sides on a sequence', sequence([ids, entry('Conv1D', 'c', { filters: 2, kernel_size: [3, 3] }), softmax(3)]), /layer 1: kernel_size \[3,3\] is not supported/],
    ['a window longer than the sequence', sequence([ids, entry('MaxPooling1D', 'p', { pool_size: [13] }), softmax(3)]), /a window of 13 does not fit an input of 12/],
    ['a state that stays', recurrent('LSTM', { stateful: true }), /layer 1: stateful true is not supported/],
    ['steps from behind', recurrent('GRU', { go_backwards: true }), /layer 1: go_backwards true is not supported/],
    ['states beside the output', recurrent('LSTM', { return_state: true }), /layer 1: return_state true is not supported/],
    ['dropout of what comes in', recurrent('LSTM', { dropout: 0.2 }), /layer 1: dropout 0\.2 is not supported/],
    ['dropout of states', recurrent('GRU', { recurrent_dropout: 0.1 }), /layer 1: recurrent_dropout 0\.1 is not supported/],
    ['other gates', recurrent('LSTM', { recurrent_activation: 'hard_sigmoid' }), /layer 1: recurrent_activation "hard_sigmoid" is not supported/],
    ['gates that libraries differ on', recurrent('LSTM', { recurrent_activation: null }), /layer 1 does not say recurrent_activation, which is "sigmoid" in Keras and "hardSigmoid" in TensorFlow\.js/],
    ['a reset that libraries differ on', recurrent('GRU', { reset_after: null }), /layer 1 does not say reset_after, which is true in Keras and false in TensorFlow\.js/],
    ['another activation of states', recurrent('GRU', { activation: 'relu' }), /layer 1: activation "relu" is not supported/],
    ['both directions', sequence([ids, entry('Bidirectional', 'b', {}), softmax(3)]), /layer 1 "Bidirectional" is not supported; known layers are/],
    ['a regulariser of states', recurrent('LSTM', { recurrent_regularizer: { class_name: 'L2', config: {} } }), /layer 1: recurrent_regularizer .* is not supported/],
    ['a ceiling of a relu', image([entry('Flatten', 'f'), entry('ReLU', 'r', { max_value: 6 }), softmax()]), /layer 1: max_value 6 is not supported/],
    ['a threshold of a relu', image([entry('Flatten', 'f'), entry('ReLU', 'r', { threshold: 1 }), softmax()]), /layer 1: threshold 1 is not supported/],
    ['a slope above 1', image([entry('Flatten', 'f'), entry('ReLU', 'r', { negative_slope: 2 }), softmax()]), /layer 1: negative_slope 2 is not supported/],
    ['two slopes of one layer', image([entry('Flatten', 'f'), entry('LeakyReLU', 'r', { negative_slope: 0.1, alpha: 0.2 }), softmax()]), /layer 1: alpha beside another negative_slope 0\.2 is not supported/],
    ['half precision by a policy of Keras 3', image([entry('Flatten', 'f'), entry('ReLU', 'r', { dtype: { class_name: 'DTypePolicy', config: { name: 'mixed_float16' } } }), softmax()]), /layer 1: dtype .* is not supported/],
    ['another input shape in the words of Keras 3', image([entry('InputLayer', 'i', { batch_shape: [null, 28, 28, 3] }), entry('Flatten', 'f'), softmax()]), /layer 0 takes inputs of shape \[28, 28, 3\], but model\.input gives \[28, 28, 1\]/],
    ['a model that is frozen as a whole', model({ class_name: 'Sequential', config: { trainable: false, layers: [entry('Flatten', 'f'), softmax()] } }), /config\.trainable is false, which freezes every layer/],
    ['a softmax in the middle', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: 4, activation: 'softmax' }), softmax()]), /"d" has the activation "softmax"/],
    ['no softmax at the end', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: 10 })]), /must have the activation "softmax"/],
    ['other outputs than labels', image([entry('Flatten', 'f'), softmax(9)]), /has 9 outputs, but model\.labels has 10 names/],
    ['outputs that are an image', image([softmax()]), /outputs of shape \[28, 28, 10\].*Flatten/],
    ['another input shape', model(sequential([28, 28, 3], [entry('Flatten', 'f'), softmax()])), /takes inputs of shape \[28, 28, 3\], but model\.input gives \[28, 28, 1\]/],
    ['an input shape of text', stating([STEERING.repeat(1000), 28]), /takes inputs of shape \[\?, 28\], but model\.input gives \[28, 28, 1\]/],
    ['an input shape of what has no text', stating([{ toString: 1, valueOf: 1 }]), /takes inputs of shape \[\?\]/],
    ['a class that steers a terminal', model({ class_name: `${STEERING}${'x'.repeat(1000)}` }), /class_name ".*x{20,}…" is not supported/],
    ['a layer that steers a terminal', image([entry(`${STEERING}${'x'.repeat(1000)}`, 'l'), softmax()]), /layer 0 ".*x{20,}…" is not supported/],
    ['a field that steers a terminal', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: 4, activation: `${STEERING}${'x'.repeat(1000)}` }), softmax()]), /activation ".*x{20,}…" is not supported/],
    ['a field of lists that steer a terminal', image([entry('Flatten', 'f'), entry('Dense', 'd', { units: [STEERING, 'x'.repeat(1000)] }), softmax()]), /units .*… is not supported/],
    ['a reshape that does not fit', image([entry('Reshape', 'r', { target_shape: [28, 27] }), entry('Flatten', 'f'), softmax()]), /cannot reshape \[28, 28, 1\] into \[28, 27\]/],
    ['two layers of one name', image([entry('Flatten', 'x'), entry('Dense', 'x', { units: 10, activation: 'softmax' })]), /two layers have the name "x"/],
    ['a name that is a path', image([entry('Flatten', '../x'), softmax()]), /no usable name/],
    ['a late input layer', image([entry('Flatten', 'f'), entry('InputLayer', 'i'), softmax()]), /only come first/],
    ['no parameters', image([entry('Flatten', 'f'), entry('Reshape', 'r', { target_shape: [784] }), entry('Softmax', 's')]), /784 outputs/]
  ])('refuses %s in one line', (_, refused, message) => {
    expect(() => inspectTopology(refused)).toThrow(expect.objectContaining({ name: 'InvalidFederationError', message: expect.stringMatching(message) as string }) as Error)
    try {
      inspectTopology(refused)
    } catch (err) {
      expect((err as Error).message).not.toMatch(/\p{C}/u)
      expect((err as Error).message.length).toBeLessThan(400)
    }
  })

  it('gives a plan within its bounds or an InvalidFederationError for any JSON whatsoever', () => {
    const number = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(0, -1, 1.5, 1e9, 2 ** 53, Infinity, NaN), fc.string({ maxLength: 3 }))
    const pair = fc.oneof(number, fc.tuple(number, number), fc.array(number, { maxLength: 3 }))
    const text = (...values: string[]): fc.Arbitrary<unknown> => fc.oneof(fc.constantFrom<unknown>(...values), fc.jsonValue({ maxDepth: 1 }))
    const config = fc.record({
      name: fc.oneof(fc.integer({ min: 0, max: 1000 }).map((i) => `layer${i}`), fc.jsonValue({ maxDepth: 1 })),
      units: number,
      filters: number,
      kernel_size: pair,
      pool_size: pair,
      strides: pair,
      target_shape: fc.array(number, { maxLength: 6 }),
      rate: number,
      alpha: number,
      padding: text('same', 'valid'),
      activation: text('relu', 'softmax', 'tanh', 'linear'),
      use_bias: text('true'),
      recurrent_activation: text('sigmoid'),
      reset_after: text('true'),
      input_dim: number,
      output_dim: number
    }, { requiredKeys: ['name'] })
    const layer = fc.record({
      class_name: fc.oneof(fc.constantFrom('Embedding', 'Conv1D', 'MaxPooling1D', 'AveragePooling1D', 'GlobalAveragePooling1D', 'GlobalMaxPooling1D', 'LSTM', 'GRU', 'Dense', 'Conv2D', 'MaxPooling2D', 'AveragePooling2D', 'GlobalAveragePooling2D', 'Flatten', 'Reshape', 'Activation', 'ReLU', 'Softmax', 'LeakyReLU', 'Dropout', 'InputLayer'), fc.string()),
      config: fc.oneof({ weight: 9, arbitrary: config }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) })
    })
    const ending = fc.constant([entry('Flatten', 'last'), softmax()])
    const topology = fc.oneof(
      { weight: 8, arbitrary: fc.tuple(fc.array(layer, { maxLength: 5 }), ending).map(([list, end]) => ({ class_name: 'Sequential', config: { layers: [...list, ...end] } })) },
      { weight: 1, arbitrary: fc.jsonValue() },
      { weight: 1, arbitrary: fc.record({ class_name: fc.constant('Sequential'), config: fc.jsonValue() }) }
    )
    let accepted = 0
    fc.assert(fc.property(topology, (value) => {
      try {
        const plan = planModel(model(value))
        expect(plan.parameterCount).toBeLessThanOrEqual(MAX_PARAMETERS)
        expect(plan.layout.reduce((sum, { size }) => sum + size, 0)).toBe(plan.parameterCount)
        expect(plan.layers.every(({ output }) => output.every((dimension) => Number.isInteger(dimension) && dimension > 0))).toBe(true)
        accepted++
      } catch (err) {
        expect((err as Error).name).toBe('InvalidFederationError')
        expect((err as Error).message).not.toContain('\n')
      }
    }), { numRuns: 3000 })
    expect(accepted).toBeGreaterThan(10)
  })
})

describe('the work of a layer', () => {
  const window = { size: [3, 2], strides: [1, 1], padding: 'valid' }
  const image = { input: [8, 8, 4], output: [6, 7, 5] }

  it.each<[string, object, number]>([
    ['dense', { kind: 'dense', input: [12], output: [5], units: 5 }, 12 * 5],
    ['convolution', { kind: 'convolution', ...image, window, filters: 5 }, 6 * 7 * 5 * 3 * 2 * 4],
    ['max-pooling', { kind: 'max-pooling', ...image, window }, 6 * 7 * 5 * 3 * 2],
    ['average-pooling', { kind: 'average-pooling', ...image, window }, 6 * 7 * 5 * 3 * 2],
    ['lstm', { kind: 'lstm', input: [9, 4], output: [5], units: 5 }, 9 * (4 + 5) * 4 * 5],
    ['gru', { kind: 'gru', input: [9, 4], output: [9, 5], units: 5 }, 9 * (4 + 5) * 3 * 5],
    ['activation', { kind: 'activation', ...image }, 6 * 7 * 5]
  ])('%s: one multiplication for each weight and place', (_, layer, expected) => {
    expect(multiplications(layer as Layer)).toBe(expected)
  })
})

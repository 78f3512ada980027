/**
 * Weights that were learnt elsewhere: known answers of Keras, every container the same bytes, everything else refused
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readWeightsFile } from '../../peer/weights-file.ts'
import { encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { exportLayersModel } from '../../src/model/export.ts'
import { importWeights, openWeights, requireWeights } from '../../src/model/initial-weights.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { encodeOnnx } from '../../src/model/onnx/encode-onnx.ts'
import { createPredictor } from '../../src/model/predictor.ts'
import { encodeSafetensors } from '../../src/model/safetensors.ts'
import { decodeTensors, encodeTensors } from '../../src/model/safetensors-file.ts'
import { inspectTopology, planModel } from '../../src/model/topology.ts'
import { createWorkerTrainer } from '../../src/model/worker-trainer.ts'
import { presetDocument } from '../../src/presets.ts'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import type { Dataset, Examples } from '../../src/data/examples.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { NamedTensor } from '../../src/model/tensor-bytes.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/keras-weights')
const TFJS = join(FIXTURES, 'tfjs/model.json')
const { pictures, labels, outputs } = JSON.parse(readFileSync(join(FIXTURES, 'answers.json'), 'utf8')) as { pictures: number[][], labels: number[], outputs: number[][] }
const KERAS = readFileSync(join(FIXTURES, 'keras.safetensors'))
const FROZEN = ['features', 'hidden']

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-imported-'))
  await loadBackend('cpu')
})
afterAll(async () => { await rm(folder, { recursive: true }) })

const inputs = Float32Array.from(pictures.flat(), (pixel) => (pixel / 255 - 0.5) / 0.25)
const examples: Examples = { count: labels.length, featureCount: 64, labels: Uint16Array.from(labels), writeInputs: (index, out, offset) => { out.set(inputs.subarray(index * 64, (index + 1) * 64), offset) } }
const dataset: Dataset = { train: examples, test: examples }

/** The layers that TensorFlow.js wrote */
function layers (frozen: readonly string[]): Record<string, unknown> {
  const { modelTopology } = JSON.parse(readFileSync(TFJS, 'utf8')) as { modelTopology: { config: { layers: Array<{ config: { name: string, trainable?: boolean } }> } } }
  modelTopology.config.layers.forEach(({ config }) => { config.trainable = !frozen.includes(config.name) })
  return modelTopology
}

function documentWith (frozen: readonly string[] = FROZEN, file: Uint8Array = KERAS, privacy?: FederationDocument['privacy']): FederationDocument {
  const { format: _, ...digits } = presetDocument('digits')
  const model = { ...digits.model, topology: layers(frozen), labels: ['0', '1', '2'], input: { kind: 'image' as const, shape: [8, 8, 1], mean: 0.5, stdDev: 0.25 } }
  return parseFederation({ ...digits, format: 2, training: { epochs: 1, batchSize: 4, optimizer: { name: 'sgd', learningRate: 0.1 } }, ...(privacy === undefined ? {} : { privacy }), model: { ...model, weights: importWeights(model, file).description } })
}

describe('weights of Keras', () => {
  it.each(['keras.safetensors', 'tfjs/model.json', 'tfjs'])('predict as in Keras, from %s', async (name) => {
    const weights = await readWeightsFile(join(FIXTURES, name))
    for (const frozen of [FROZEN, []]) {
      const document = documentWith(frozen)
      const parameters = initialParameters(document.model, openWeights(document.model, weights))
      expect(parameters).toHaveLength(frozen.length > 0 ? 18 : 243)
      const { outputs: own } = (await createPredictor({ document, parameters, weights, backend: 'cpu' })).predict(inputs, labels.length)
      outputs.flat().forEach((value, i) => { expect(Math.abs(own[i]! - value)).toBeLessThan(1e-5) })
    }
  })

  it('are the same bytes, whatever they were read from, and as often as they are written', async () => {
    const { model } = documentWith()
    const bytes = requireWeights(model, KERAS)!
    expect(bytes.byteLength).toBe(model.weights!.bytes)
    expect(requireWeights(model, await readWeightsFile(TFJS))).toEqual(bytes)
    expect(requireWeights(model, bytes)).toEqual(bytes)
    // what safetensors' own library wrote comes out by name and value
    const kernel = decodeTensors(KERAS).find(({ name }) => name === 'bars/output/kernel')!
    expect(decodeTensors(bytes).find(({ name }) => name === 'output/kernel')).toEqual({ ...kernel, name: 'output/kernel' })
  })

  it('of recurrent layers are found where Keras puts them: in their cells', () => {
    const topology = {
      class_name: 'Sequential',
      config: {
        layers: [
          { class_name: 'Embedding', config: { name: 'words', input_dim: 257, output_dim: 3 } },
          { class_name: 'LSTM', config: { name: 'lstm', units: 2, return_sequences: true, recurrent_activation: 'sigmoid' } },
          { class_name: 'GRU', config: { name: 'gru_1', units: 2, recurrent_activation: 'sigmoid', reset_after: true } },
          { class_name: 'Dense', config: { name: 'out', units: 2, activation: 'softmax' } }
        ]
      }
    }
    const { model } = presetDocument('digits')
    const texts = { ...model, topology, labels: ['a', 'b'], input: { kind: 'text' as const, length: 4, tokens: 'bytes' as const } }
    // names and shapes of Keras 3.15: [(w.path, w.shape) for w in model.weights]
    const shapes: Array<[name: string, shape: number[]]> = [
      ['words/embeddings', [257, 3]], ['lstm/lstm_cell/kernel', [3, 8]], ['lstm/lstm_cell/recurrent_kernel', [2, 8]], ['lstm/lstm_cell/bias', [8]],
      ['gru_1/gru_cell/kernel', [2, 6]], ['gru_1/gru_cell/recurrent_kernel', [2, 6]], ['gru_1/gru_cell/bias', [2, 6]], ['out/kernel', [2, 2]], ['out/bias', [2]]
    ]
    for (const rename of [(name: string) => name, (name: string) => `sequential/${name}`, (name: string) => `${name.replace('gru_cell', 'gru_cell_1')}:0`]) {
      const tensors = shapes.map(([name, shape], i) => ({ name: rename(name), shape, values: new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(i + 1) }))
      const file = encodeTensors(tensors)
      const weights = openWeights({ ...texts, weights: importWeights(texts, file).description }, file)!
      expect([...weights].map(([name, values]) => [name, values[0]])).toEqual(shapes.map(([name], i) => [name.replace(/\w+_cell\//, ''), i + 1]))
    }
  })

  it('of an own export begin a federation', async () => {
    const document = documentWith()
    const parameters = initialParameters(document.model, openWeights(document.model, KERAS)).map((value) => value + 1)
    const exported = encodeSafetensors({ document, parameters, weights: KERAS })
    const next = documentWith([], exported)
    expect(initialParameters(next.model, openWeights(next.model, exported)).subarray(-18)).toEqual(parameters)
  })

  it('of half and double precision are float32 from then on', () => {
    const { model } = documentWith()
    const values = [0.5, -2, 1, 0.25]
    const parts: Record<string, Uint8Array> = {
      F16: new Uint8Array(Uint16Array.of(0x3800, 0xc000, 0x3c00, 0x3400).buffer),
      BF16: new Uint8Array(Uint16Array.of(0x3f00, 0xc000, 0x3f80, 0x3e80).buffer),
      F64: new Uint8Array(Float64Array.from(values).buffer)
    }
    for (const [dtype, bytes] of Object.entries(parts)) {
      const file = withTensor('bars/features/bias', { dtype, bytes })
      expect([...openWeights({ ...model, weights: importWeights(model, file).description }, file)!.get('features/bias')!]).toEqual(values)
    }
  })
})

describe('frozen layers', () => {
  it.each<[name: string, privacy: FederationDocument['privacy'] | undefined]>([
    ['without privacy', undefined],
    ['with noise', { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5, accountant: 'pld' }]
  ])('are the same to the bit after rounds, %s, in every export; the others learn', async (_, privacy) => {
    const document = documentWith(FROZEN, KERAS, privacy)
    const weights = openWeights(document.model, KERAS)!
    const training = new LocalTraining({ document, dataset, backend: await loadBackend('cpu'), seed: 1, weights, ...(privacy === undefined ? {} : { noise: seededNoise('frozen') }) })
    const start = initialParameters(document.model, weights)
    let parameters = start
    for (let round = 1; round <= 3; round++) {
      parameters = training.train(parameters, { round }).parameters
    }
    expect(parameters).not.toEqual(start)
    const exported = new Map(decodeTensors(encodeSafetensors({ document, parameters, weights: KERAS })).map(({ name, values }) => [name, values]))
    for (const name of FROZEN) {
      expect(exported.get(`${name}/kernel`)).toEqual(weights.get(`${name}/kernel`))
    }
    const directory = join(folder, privacy === undefined ? 'plain' : 'noisy')
    await exportLayersModel({ document, parameters, weights: KERAS, directory })
    const values = new Float32Array(new Uint8Array(await readFile(join(directory, 'weights.bin'))).buffer)
    expect(values.subarray(0, 36)).toEqual(weights.get('features/kernel'))
    const kernel = Buffer.from(weights.get('hidden/kernel')!.slice().buffer)
    expect(Buffer.from(encodeOnnx({ document, parameters, weights: KERAS })).includes(kernel.subarray(0, 16))).toBe(true)
  })

  it('reach the training thread, or are missing there', async () => {
    const { model, ...rest } = presetDocument('digits')
    const file = encodeTensors(inspectTopology(model).layout.map(({ name, shape, size }) => ({ name, shape: [...shape], values: new Float32Array(size).fill(0.125) })))
    const document = parseFederation({ ...rest, format: 2, model: { ...model, weights: importWeights(model, file).description } })
    const data = { kind: 'digits', seed: 1, trainExamples: 40, testExamples: 10 } as const
    const trainer = createWorkerTrainer({ document, data, backend: 'cpu', weights: file })
    const lacking = createWorkerTrainer({ document, data, backend: 'cpu' })
    try {
      await trainer.start()
      expect(new Set(await trainer.initialParameters())).toEqual(new Set([0.125]))
      await expect(lacking.start()).rejects.toMatchObject({ name: 'WeightsError', reason: 'missing' })
    } finally {
      await Promise.all([trainer.stop(), lacking.stop()])
    }
  })
})

/** Keras' file with one tensor replaced, or left out */
function withTensor (name: string, replacement: { dtype?: string, shape?: number[], bytes: Uint8Array } | undefined, as = name): Uint8Array {
  const length = Number(KERAS.readBigUInt64LE())
  const body = KERAS.subarray(8 + length)
  const header = JSON.parse(KERAS.subarray(8, 8 + length).toString()) as Record<string, object>
  const { [name]: old, ...rest } = header as Record<string, { dtype: string, shape: number[] }>
  const json = Buffer.from(JSON.stringify(replacement === undefined
    ? rest
    : { ...rest, [as]: { dtype: replacement.dtype ?? 'F32', shape: replacement.shape ?? old!.shape, data_offsets: [body.length, body.length + replacement.bytes.length] } }))
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([head, json, body, replacement?.bytes ?? new Uint8Array(0)])
}

/** Twice the same bytes */
function overlapping (): Uint8Array {
  const place = { dtype: 'F32', shape: [100], data_offsets: [0, 400] }
  const json = Buffer.from(JSON.stringify({ a: place, b: place }))
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([head, json, new Uint8Array(400)])
}

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)

describe('a file that is not what a model needs is refused in one line', () => {
  const bias = 'bars/features/bias'
  it.each<[name: string, file: Uint8Array, message: RegExp]>([
    ['tensors that lie in each other\'s place', overlapping(), /^its tensors have 800 bytes, and the file 400 for them: some lie in each other's place$/],
    ['a tensor is missing', withTensor(bias, undefined), /^"features\/bias", of shape \[4\], is missing: the file has "bars\/features\/kernel", /],
    ['a tensor too many', withTensor('none', { bytes: floats(1), shape: [1] }, 'bars/more/kernel'), /^tensor "bars\/more\/kernel" belongs to no layer of the model, which takes "features\/kernel", /],
    ['two of one name', withTensor('none', { bytes: floats(1, 2, 3, 4), shape: [4] }, 'other/features/bias'), /^tensors "bars\/features\/bias", "other\/features\/bias" could all be "features\/bias"/],
    ['another shape', withTensor(bias, { bytes: floats(1, 2, 3), shape: [3] }), /^"features\/bias" has shape \[3\], but the layer takes \[4\]$/],
    ['a transposed shape', withTensor('bars/output/kernel', { bytes: floats(...new Array<number>(15).fill(0)), shape: [3, 5] }), /^"output\/kernel" has shape \[3, 5\], but the layer takes \[5, 3\]$/],
    ['not a number', withTensor(bias, { bytes: floats(1, 2, NaN, 4) }), /^"features\/bias" has NaN at index 2: weights are finite numbers of at most /],
    ['infinite', withTensor(bias, { bytes: floats(1, 2, 3, -Infinity) }), /^"features\/bias" has -Infinity at index 3/],
    ['infinite as a half', withTensor(bias, { dtype: 'F16', bytes: new Uint8Array(Uint16Array.of(0, 0x7c00, 0, 0).buffer) }), /^"features\/bias" has Infinity at index 1/],
    ['a double beyond float32', withTensor(bias, { dtype: 'F64', bytes: new Uint8Array(Float64Array.of(1e300, 0, 0, 0).buffer) }), /^"features\/bias" has Infinity at index 0/],
    ['too large', withTensor(bias, { bytes: floats(1, 2e38, 3, 4) }), /^"features\/bias" has 1\.\d+e\+38 at index 1/],
    ['whole numbers', withTensor(bias, { dtype: 'I32', bytes: new Uint8Array(16) }), /^tensor "bars\/features\/bias" is of dtype "I32": weights must be F32, F64, F16, BF16$/],
    ['a prototype\'s name for a dtype', withTensor(bias, { dtype: 'toString', bytes: new Uint8Array(16) }), /is of dtype "toString"/],
    ['too few bytes for its shape', withTensor(bias, { bytes: floats(1, 2, 3) }), /^tensor "bars\/features\/bias" has 12 bytes, but shape \[4\] of F32 takes 16$/],
    ['cut off in a tensor', KERAS.subarray(0, KERAS.length - 1), /^tensor "bars\/\w+\/\w+" ends at byte \d+ of \d+: the file was cut off$/],
    ['cut off in the header', KERAS.subarray(0, 100), /^no safetensors file, or one that was cut off/],
    ['empty', new Uint8Array(0), /^no safetensors file/],
    ['text', Buffer.from('weights, weights and more weights'), /^no safetensors file/],
    ['a header that is no JSON', Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{]} ')]), /^no safetensors file: its header is not JSON/],
    ['a header that is a list', Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('[]')]), /^no safetensors file: its header is no object/],
    ['offsets that are no numbers', Buffer.concat([Buffer.from([57, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}'.padEnd(57).slice(0, 57))]), /^(tensor "a" has no dtype|no safetensors file: its header is not JSON)/]
  ])('%s', (_, file, message) => {
    const { weights: __, ...model } = documentWith().model
    expect(() => importWeights(model, file)).toThrow(expect.objectContaining({ name: 'WeightsError', reason: 'unfit', message: expect.stringMatching(message) as string }) as Error)
  })

  it('other weights than the document\'s, with both hashes; none at all', () => {
    const { model } = documentWith()
    const other = withTensor(bias, { bytes: floats(1, 2, 3, 4) })
    const { sha256 } = importWeights(model, other).description
    expect(() => openWeights(model, other)).toThrow(`their SHA-256 is ${sha256}, and the document says ${model.weights!.sha256}`)
    expect(() => openWeights(model, undefined)).toThrow(expect.objectContaining({ reason: 'missing' }) as Error)
    expect(() => planModel(model)).toThrow(expect.objectContaining({ reason: 'missing' }) as Error)
    expect(() => initialParameters(model)).toThrow(expect.objectContaining({ reason: 'missing' }) as Error)
    expect(inspectTopology(model).parameterCount).toBe(18)
  })
})

describe('a document that starts from weights', () => {
  const document = documentWith()
  const { model } = document

  it('is of format 2, and its hash decides on its id', () => {
    expect(() => parseFederation({ ...document, format: 1 })).toThrow('format: must be 2 with the field "model.weights"')
    const other = { ...document, model: { ...model, weights: { ...model.weights!, sha256: 'ab'.repeat(32) } } }
    expect(encodeFederation(other)).not.toEqual(encodeFederation(document))
  })

  it.each<[weights: unknown, message: string]>([
    [{ sha256: 'AB'.repeat(32), bytes: 1100 }, 'model.weights.sha256: must be 64 hexadecimal digits in lower case'],
    [{ sha256: 'ab'.repeat(32), bytes: 1e12 }, 'model.weights.bytes: must be at most 536870912'],
    [{ sha256: 'ab'.repeat(32), bytes: 0 }, 'model.weights.bytes: must be at least 1'],
    [{ sha256: 'ab'.repeat(32) }, 'model.weights.bytes: must be a number, and is missing'],
    [{ sha256: 'ab'.repeat(32), bytes: 4, url: 'x' }, 'unknown field "model.weights.url"']
  ])('%j is refused', (weights, message) => {
    expect(() => parseFederation({ ...document, model: { ...model, weights } })).toThrow(message)
  })

  it('has no constants beside them, and the size that its layers need', () => {
    expect(() => parseFederation({ ...document, model: { ...model, constants: { 'features/bias': [1, 2, 3, 4] } } })).toThrow('model.constants: must be left out beside model.weights')
    expect(() => inspectTopology({ ...model, weights: { ...model.weights!, bytes: 20 } })).toThrow(`model.weights.bytes: is 20, but the weights of these layers have ${model.weights!.bytes} bytes`)
  })
})

describe('names of tensors', () => {
  const { weights: _, ...model } = documentWith().model
  const tensors = decodeTensors(KERAS)
  const renamed = (name: (old: string) => string): NamedTensor[] => tensors.map((tensor) => ({ ...tensor, name: name(tensor.name.replace(/^bars\//, '')) }))

  it.each<[example: string, name: (old: string) => string]>([
    ['features/kernel', (old) => old],
    ['features/kernel:0', (old) => `${old}:0`],
    ['model/bars/features/kernel:0', (old) => `model/bars/${old}:0`],
    ['features.kernel', (old) => old.replace('/', '.')]
  ])('%s', (_example, name) => {
    expect(importWeights(model, encodeTensors(renamed(name)))).toEqual(importWeights(model, KERAS))
  })

  it.each(['myfeatures/kernel', 'features/kernel/other', 'features_kernel'])('not %s', (name) => {
    expect(() => importWeights(model, encodeTensors(renamed((old) => old === 'features/kernel' ? name : old)))).toThrow(/^"features\/kernel", of shape/)
  })
})

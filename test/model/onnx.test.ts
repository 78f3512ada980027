/**
 * ONNX files, run by onnxruntime: from text, numbers and pixels as they are to the probabilities that evaluate sees
 */
import fc from 'fast-check'
import * as ort from 'onnxruntime-web'
import { beforeAll, describe, expect, it } from 'vitest'
import { imageExamples } from '../../src/data/examples.ts'
import { readInputs } from '../../src/data/input-formats.ts'
import { InvalidFederationError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { LAYER_READERS } from '../../src/model/layer-config.ts'
import { encodeOnnx } from '../../src/model/onnx/encode-onnx.ts'
import { createPredictor } from '../../src/model/predictor.ts'
import { denseTopology, planModel } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { anyLayers } from './any-layers.ts'
import { entry, federation, FROZEN, KERAS_SEQUENCES, largestDifference, randomBatch, SEQUENCES, sequential, waves } from './models.ts'
import { Readable } from 'node:stream'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'

const TOLERANCE = 1e-5
const COUNT = 5

beforeAll(() => {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
})

interface Answer { labels: string[], probabilities: Float32Array }

async function open (document: FederationDocument): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(encodeOnnx({ document, parameters: parametersOf(document) }))
}

async function answered (session: ort.InferenceSession, feeds: Record<string, ort.Tensor>): Promise<Answer> {
  const results = await session.run(feeds)
  const [label, probabilities] = session.outputNames.map((name) => results[name]!)
  return { labels: [...label!.data as unknown as string[]], probabilities: probabilities!.data as Float32Array }
}

/** Weights that no symmetry hides */
function parametersOf ({ model }: FederationDocument): Float32Array {
  return Float32Array.from(waves(planModel(model).parameterCount, 1))
}

async function expected (document: FederationDocument, inputs: Float32Array, count: number): Promise<Answer> {
  const predictor = await createPredictor({ document, parameters: parametersOf(document), backend: 'cpu' })
  const { outputs, labels } = predictor.predict(inputs, count)
  return { labels: [...labels].map((label) => predictor.labels[label]!), probabilities: outputs }
}

/** From pixels, by both */
async function expectSameOnImages (document: FederationDocument): Promise<void> {
  const { input } = document.model
  if (input.kind !== 'image') {
    throw new TypeError('not a model of images')
  }
  const random = seededRandom(3)
  const size = input.shape.reduce((a, b) => a * b, 1)
  const pixels = Uint8Array.from({ length: COUNT * size }, () => random() * 256)
  const examples = imageExamples(pixels, new Uint16Array(COUNT), input)
  const inputs = new Float32Array(pixels.length)
  for (let i = 0; i < COUNT; i++) {
    examples.writeInputs(i, inputs, i * size)
  }
  const session = await open(document)
  expect(session.inputNames).toEqual(['image'])
  expectSame(await answered(session, { image: new ort.Tensor('uint8', pixels, [COUNT, ...input.shape]) }), await expected(document, inputs, COUNT))
  await session.release()
}

function expectSame (found: Answer, { labels, probabilities }: Answer): void {
  expect(largestDifference(found.probabilities, probabilities)).toBeLessThan(TOLERANCE)
  expect(found.labels).toEqual(labels)
}

function imagesOf (shape: [number, number, number], layers: Array<ReturnType<typeof entry>>, classes = 3): FederationDocument {
  const { model, ...rest } = federation({ shape, classes, topology: sequential(shape, layers) })
  return parseFederation({ ...rest, model: { ...model, input: { kind: 'image', shape, mean: 0.13, stdDev: 0.31 } } })
}

/** From ids or numbers, as a table of one column for each */
async function expectSameOnColumns (document: FederationDocument): Promise<void> {
  const { inputs } = randomBatch(document.model, COUNT)
  const width = inputs.length / COUNT
  const session = await open(document)
  const feeds = Object.fromEntries(session.inputNames.map((name, i) => [name, new ort.Tensor('float64', Float64Array.from({ length: COUNT }, (_, row) => inputs[row * width + i]!), [COUNT, 1])]))
  expectSame(await answered(session, feeds), await expected(document, inputs, COUNT))
  await session.release()
}

const SOFTMAX = entry('Dense', 'output', { units: 3, activation: 'softmax' })
const ENDING = [entry('Flatten', 'flatten'), SOFTMAX]

/** Every class of layer, and each of its options, on images of 7 x 6 x 2 */
const LAYERS: Readonly<Record<string, Array<ReturnType<typeof entry>>>> = {
  Dense: [entry('Dense', 'd', { units: 4, activation: 'elu', use_bias: false }), ...ENDING],
  Conv2D: [entry('Conv2D', 'c', { filters: 3, kernel_size: [3, 2], activation: 'tanh' }), entry('Conv2D', 'c2', { filters: 2, kernel_size: 2, strides: [2, 1], padding: 'same', use_bias: false }), ...ENDING],
  MaxPooling2D: [entry('MaxPooling2D', 'p', { pool_size: [3, 2], strides: [2, 2], padding: 'same' }), ...ENDING],
  AveragePooling2D: [entry('Conv2D', 'c', { filters: 3, kernel_size: 1 }), entry('AveragePooling2D', 'p', { pool_size: [2, 3], strides: [1, 2] }), ...ENDING],
  GlobalAveragePooling2D: [entry('Conv2D', 'c', { filters: 5, kernel_size: 2 }), entry('GlobalAveragePooling2D', 'g'), SOFTMAX],
  Flatten: ENDING,
  Reshape: [entry('Conv2D', 'c', { filters: 4, kernel_size: 1 }), entry('Reshape', 'r', { target_shape: [4, 6, 7] }), entry('Conv2D', 'c2', { filters: 2, kernel_size: 2 }), ...ENDING],
  Activation: [...['relu', 'sigmoid', 'tanh', 'elu', 'linear'].flatMap((activation, i) => [entry('Conv2D', `c${i}`, { filters: 3, kernel_size: 1 }), entry('Activation', `a${i}`, { activation })]), ...ENDING],
  ReLU: [entry('Conv2D', 'c', { filters: 3, kernel_size: 1 }), entry('ReLU', 'r', { negative_slope: 0.2 }), entry('ReLU', 'r2', {}), ...ENDING],
  Softmax: [entry('Flatten', 'f'), entry('Dense', 'output', { units: 3 }), entry('Softmax', 's', { axis: -1 })],
  LeakyReLU: [entry('Conv2D', 'c', { filters: 3, kernel_size: 1 }), entry('LeakyReLU', 'l', { alpha: 0.15 }), ...ENDING],
  Dropout: [entry('Dropout', 'd', { rate: 0.5 }), ...ENDING]
}

describe('a model of images in onnxruntime', () => {
  it('has a case for every class of layer', () => {
    const sequences = Object.values({ ...SEQUENCES, ...KERAS_SEQUENCES }).flatMap(({ topology }) => (topology as { config: { layers: Array<{ class_name: string }> } }).config.layers)
    expect(new Set([...Object.keys(LAYERS), ...sequences.map(({ class_name: name }) => name)])).toEqual(new Set(LAYER_READERS.keys()))
  })

  it.each(Object.entries({ ...SEQUENCES, ...KERAS_SEQUENCES }))('gives what Grapevine gives: %s', async (_, init) => {
    await expectSameOnColumns(federation(init))
  })

  it.each(Object.entries(LAYERS))('gives what Grapevine gives, from pixels: %s', async (_, layers) => {
    await expectSameOnImages(imagesOf([7, 6, 2], layers))
  })

  it('carries the frozen weights', async () => {
    await expectSameOnImages(federation(FROZEN))
  })

  it.each([[1], [2]])('gives shares of both classes where a sigmoid ends it, with %d outputs', async (units) => {
    await expectSameOnImages(federation({ shape: [3, 3, 1], classes: 2, loss: 'binaryCrossentropy', topology: sequential([3, 3, 1], [entry('Flatten', 'f'), entry('Dense', 'output', { units, activation: 'sigmoid' })]) }))
  })

  it('gives the same whatever topology was accepted', async () => {
    let accepted = 0
    await fc.assert(fc.asyncProperty(anyLayers(3), async (layers) => {
      const document = imagesOf([4, 4, 1], [entry('Dropout', 'first', { rate: 0 })])
      const model = { ...document.model, topology: { class_name: 'Sequential', config: { layers } } }
      try {
        planModel(model)
      } catch (err) {
        expect(err).toBeInstanceOf(InvalidFederationError)
        return
      }
      accepted++
      await expectSameOnImages({ ...document, model })
    }), { numRuns: 150, seed: 5 })
    expect(accepted).toBeGreaterThan(20)
  })
})

describe('a model of a table in onnxruntime', () => {
  type Columns = Extract<FederationInit['model']['input'], { kind: 'table' }>['columns']
  const COLUMNS: Columns = [
    { kind: 'numeric', name: 'label', mean: 40, stdDev: 10 },
    // of a float, a second of such a date is nothing
    { kind: 'numeric', name: 'admitted', mean: 1_700_000_000, stdDev: 3 },
    { kind: 'categorical', name: 'probabilities', values: ['a', 'rød', ''], other: true },
    { kind: 'numeric', name: 'dose (mg)', mean: 0, stdDev: 2 },
    { kind: 'categorical', name: 'ward', values: ['x', 'y'] }
  ]
  const width = 8
  const document = parseFederation({
    ...federation({ shape: [1, 1, 1], classes: 2 }),
    model: {
      topology: denseTopology({ inputShape: [width], hidden: [6], classes: 2 }),
      seed: 1,
      loss: 'categoricalCrossentropy',
      input: { kind: 'table', label: 'ill', columns: COLUMNS },
      labels: ['no', 'yes, "very"']
    }
  })
  const ROWS = [['50', '1700000001', 'a', '1', 'x'], ['?', '1700000007.25', 'rød', '-2.5', 'y'], ['-3e1', 'NaN', 'never seen', '', 'x'], ['40', '1699999990', '', '0', 'y']]

  function feeds (rows: readonly string[][]): Record<string, ort.Tensor> {
    return Object.fromEntries(COLUMNS.map(({ kind, name }, i) => {
      const cells = rows.map((row) => row[i]!)
      const shape = [rows.length, 1]
      return [name, kind === 'numeric' ? new ort.Tensor('float64', Float64Array.from(cells, (cell) => cell === '' ? NaN : Number(cell)), shape) : new ort.Tensor('string', cells, shape)]
    }))
  }

  it('takes texts and numbers as they are, missing and unknown ones among them', async () => {
    const text = [COLUMNS.map(({ name }) => `"${name}"`), ...ROWS].map((row) => row.join(',')).join('\n')
    let wanted: Answer | undefined
    await readInputs({ path: 'rows', bytes: Readable.from([Buffer.from(text)]) }, document.model, async ({ inputs, count }) => {
      wanted = await expected(document, inputs.slice(), count)
    })
    const session = await open(document)
    expect(session.inputNames).toEqual(COLUMNS.map(({ name }) => name))
    // a column has the other name already
    expect(session.outputNames).toEqual(['label_2', 'probabilities_2'])
    expectSame(await answered(session, feeds(ROWS)), wanted!)
  })

  it('imputes, says what is missing, keeps to declared ranges, and answers with a value', async () => {
    const columns: Columns = [
      { kind: 'numeric', name: 'age', mean: 50, stdDev: 20, min: 0, max: 100 },
      { kind: 'numeric', name: 'dose', mean: 5, stdDev: 2, missing: { constant: 1, indicator: true } },
      { kind: 'numeric', name: 'pulse', mean: 70, stdDev: 10, missing: { indicator: true } },
      { kind: 'categorical', name: 'ward', values: ['x', 'y'], other: true, missing: true }
    ]
    const model = parseFederation({
      ...federation({ shape: [1, 1, 1], classes: 2 }),
      format: 2,
      model: {
        topology: denseTopology({ inputShape: [8], hidden: [6], classes: 1, activation: 'linear' }),
        seed: 1,
        loss: 'meanSquaredError',
        input: { kind: 'table', label: 'cost', columns },
        labels: [],
        target: { mean: 300, stdDev: 75 }
      }
    })
    const rows = [['130', '2', '70', 'x'], ['-4', '', '', 'z'], ['33', '', '91', ''], ['50', '4.5', '', 'y']]
    const text = [columns.map(({ name }) => name), ...rows].map((row) => row.join(',')).join('\n')
    const wanted: number[] = []
    await readInputs({ path: 'rows', bytes: Readable.from([Buffer.from(text)]) }, model.model, async ({ inputs, count }) => {
      const predictor = await createPredictor({ document: model, parameters: parametersOf(model), backend: 'cpu' })
      wanted.push(...predictor.predict(inputs.slice(), count).outputs)
    })
    const session = await open(model)
    const feeds = Object.fromEntries(columns.map(({ kind, name }, i) => {
      const cells = rows.map((row) => row[i]!)
      return [name, kind === 'numeric' ? new ort.Tensor('float64', Float64Array.from(cells, (cell) => cell === '' ? NaN : Number(cell)), [4, 1]) : new ort.Tensor('string', cells, [4, 1])]
    }))
    expect(session.outputNames).toEqual(['value'])
    const { value } = await session.run(feeds)
    const values = [...value!.data as Float64Array]
    expect(new Set(wanted).size).toBe(4)
    values.forEach((found, i) => { expect(found).toBeCloseTo(wanted[i]!, 3) })
  })

  it('refuses an unknown value where the document has no place for one', async () => {
    const session = await open(document)
    await expect(session.run(feeds([['50', '1', 'a', '1', 'z']]))).rejects.toThrow(/category/i)
  })
})

describe('an ONNX file', () => {
  /** Fields of a message's top level: number, and bytes or a number */
  function fields (message: Uint8Array): Array<[number, Uint8Array | number]> {
    const found: Array<[number, Uint8Array | number]> = []
    let at = 0
    const varint = (): number => {
      let value = 0
      for (let shift = 1; ; shift *= 128) {
        const byte = message[at++]!
        value += (byte & 127) * shift
        if (byte < 128) {
          return value
        }
      }
    }
    while (at < message.length) {
      const tag = varint()
      const value = varint()
      found.push([tag >> 3, tag % 8 === 0 ? value : message.subarray(at, at += value)])
    }
    return found
  }

  it('says which version of ONNX it needs, and what it is', () => {
    const document = federation({ shape: [3, 3, 1], classes: 2 })
    const file = encodeOnnx({ document, parameters: parametersOf(document), metadata: { round: '4' } })
    const top = fields(file)
    const texts = (field: number): string[][] => top.filter(([number]) => number === field).map(([, value]) => fields(value as Uint8Array).map(([, part]) => typeof part === 'number' ? String(part) : Buffer.from(part).toString()))
    expect(top.find(([number]) => number === 1)![1]).toBe(8)
    expect(texts(8)).toEqual([['', '17'], ['ai.onnx.ml', '3']])
    expect(Object.fromEntries(texts(14))).toMatchObject({ federation: 'test', round: '4', labels: '["class 0","class 1"]', input: expect.stringContaining('"kind":"image"') as string })
  })

  it('is refused for parameters of another model', () => {
    const document = federation({ shape: [3, 3, 1], classes: 2 })
    expect(() => encodeOnnx({ document, parameters: new Float32Array(3) })).toThrow(RangeError)
  })
})

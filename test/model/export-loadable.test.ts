/**
 * Whatever a document's topology says and is accepted, its export loads in tfjs-layers and predicts what was trained
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InvalidFederationError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { exportLayersModel } from '../../src/model/export.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { planModel } from '../../src/model/topology.ts'
import { anyLayers } from './any-layers.ts'
import { entry, federation, KERAS_SEQUENCES, largestDifference, randomBatch, SEQUENCES, waves } from './models.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { Batch } from '../../src/model/layer-graph.ts'

interface KerasModel { topology: Record<string, unknown>, shape: number[], parameters: number[], inputs: number[], outputs: number[] }

/** Topologies, weights and outputs of Keras 3 itself */
const { models: KERAS } = JSON.parse(await readFile(join(import.meta.dirname, '../fixtures/keras3_models.json'), 'utf8')) as { models: Record<string, KerasModel> }
const CLASSES = 3

let folder: string
let exports = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-loadable-'))
  await loadBackend('cpu')
})
afterAll(async () => { await rm(folder, { recursive: true }) })

function documentOf (topology: Record<string, unknown>, shape: readonly number[]): FederationDocument {
  if (shape.length === 3) {
    return federation({ shape: shape as [number, number, number], classes: CLASSES, topology })
  }
  const { model, ...rest } = federation({ shape: [1, 1, 1], classes: CLASSES })
  const columns = Array.from({ length: shape[0]! }, (_, i) => ({ kind: 'numeric', name: `x${i}`, mean: 0, stdDev: 1 }))
  return parseFederation({ ...rest, model: { ...model, topology, input: { kind: 'table', label: 'y', columns } } })
}

/** By the code that trains: softmax of its logits */
async function trainedOutputs ({ model }: FederationDocument, parameters: Float32Array, batch: Batch): Promise<number[]> {
  const graph = new LayerGraph(planModel(model), model.loss, await loadBackend('cpu'))
  const outputs: number[] = []
  graph.evaluate(parameters, [batch], ({ logits }) => {
    for (let row = 0; row < batch.count; row++) {
      const scores = [...logits.subarray(row * CLASSES, (row + 1) * CLASSES)]
      const largest = Math.max(...scores)
      const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0)
      outputs.push(...scores.map((score) => Math.exp(score - largest) / sum))
    }
  })
  return outputs
}

/** By tfjs-layers, from the exported folder alone */
async function loadedOutputs (document: FederationDocument, parameters: Float32Array, batch: Batch): Promise<Float32Array> {
  const directory = join(folder, String(exports++))
  await exportLayersModel({ document, parameters, directory })
  const { modelTopology, weightsManifest: [{ weights }] } = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8')) as { modelTopology: object, weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }] }
  const weightData = new Uint8Array(await readFile(join(directory, 'weights.bin'))).buffer
  await rm(directory, { recursive: true })
  const loaded = await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: weights, weightData }), { strict: true })
  const outputs = tf.tidy(() => (loaded.predict(tf.tensor(batch.inputs, [batch.count, ...planModel(document.model).inputShape])) as tf.Tensor).dataSync<'float32'>())
  loaded.dispose()
  return outputs
}

/** Weights that no symmetry hides */
function parametersOf (document: FederationDocument): Float32Array {
  return Float32Array.from(waves(planModel(document.model).parameterCount, 1))
}

type LayerJson = ReturnType<typeof entry>

/** All the ways to state the input's shape, none among them */
const STATED: Readonly<Record<string, (shape: readonly number[], layers: readonly LayerJson[]) => LayerJson[]>> = {
  nowhere: (_shape, layers) => [...layers],
  'in the first layer': (shape, [first, ...rest]) => [{ ...first!, config: { ...first!.config, batch_input_shape: [null, ...shape] } }, ...rest],
  'in an InputLayer': (shape, layers) => [entry('InputLayer', 'input', { batch_input_shape: [null, ...shape], sparse: false, dtype: 'float32' }), ...layers],
  'in an InputLayer of Keras 3': (shape, layers) => [entry('InputLayer', 'input', { batch_shape: [null, ...shape], sparse: false, ragged: false, optional: false }), ...layers],
  'with a fixed batch': (shape, layers) => [entry('InputLayer', 'input', { batch_shape: [32, ...shape] }), ...layers]
}

const output = entry('Dense', 'output', { units: CLASSES, activation: 'softmax' })

describe('a topology of Keras 3', () => {
  it.each(Object.keys(KERAS))('computes what Keras computes, trained and exported: %s', async (name) => {
    const { topology, shape, parameters: values, inputs, outputs } = KERAS[name]!
    const document = documentOf(topology, shape)
    const parameters = Float32Array.from(values)
    const batch = { inputs: Float32Array.from(inputs), labels: new Uint16Array(3), count: 3 }
    expect(largestDifference(await trainedOutputs(document, parameters, batch), outputs)).toBeLessThan(1e-5)
    expect(largestDifference(await loadedOutputs(document, parameters, batch), outputs)).toBeLessThan(1e-5)
  })
})

describe('an exported model', () => {
  it.each(Object.entries(STATED))('loads when the document states its input %s', async (_, state) => {
    for (const [shape, layers] of [[[4, 4, 1], [entry('Flatten', 'f'), output]], [[4], [output]]] as Array<[number[], LayerJson[]]>) {
      const document = documentOf({ class_name: 'Sequential', config: { layers: state(shape, layers) } }, shape)
      const parameters = parametersOf(document)
      const batch = randomBatch(document.model, 4)
      expect(largestDifference(await loadedOutputs(document, parameters, batch), await trainedOutputs(document, parameters, batch))).toBeLessThan(1e-5)
    }
  })

  it.each(Object.entries(SEQUENCES))('loads and predicts what was trained: %s', async (_, init) => {
    const document = federation(init)
    const parameters = parametersOf(document)
    const batch = randomBatch(document.model, 4)
    expect(largestDifference(await loadedOutputs(document, parameters, batch), await trainedOutputs(document, parameters, batch))).toBeLessThan(1e-5)
  })

  it.each(Object.entries(KERAS_SEQUENCES))('is refused by the name of the layer that TensorFlow.js has not, and nothing is written: %s', async (_, init) => {
    const document = federation(init)
    const directory = join(folder, String(exports++))
    await expect(exportLayersModel({ document, parameters: parametersOf(document), directory })).rejects.toMatchObject({
      name: 'StoreWriteError', reason: 'format', message: expect.stringMatching(/^layer "(gru|a)" is a GRU with reset_after true, which TensorFlow\.js cannot load; export the model as onnx/) as string
    })
    await expect(readFile(join(directory, 'model.json'))).rejects.toThrow(/ENOENT/)
  })

  it('loads and predicts what was trained, whatever topology was accepted', async () => {
    let accepted = 0
    await fc.assert(fc.asyncProperty(anyLayers(CLASSES, [false]), fc.constantFrom(...Object.values(STATED)), fc.constantFrom([4, 4, 1], [16]), async (layers, state, shape) => {
      const document = documentOf({ class_name: 'Sequential', config: { layers: state(shape, layers) } }, shape)
      try {
        planModel(document.model)
      } catch (err) {
        expect(err).toBeInstanceOf(InvalidFederationError)
        return
      }
      accepted++
      const parameters = parametersOf(document)
      const batch = randomBatch(document.model, 3)
      expect(largestDifference(await loadedOutputs(document, parameters, batch), await trainedOutputs(document, parameters, batch))).toBeLessThan(1e-4)
    }), { numRuns: 400 })
    expect(accepted).toBeGreaterThan(40)
  }, 120_000)
})

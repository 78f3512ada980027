import { createRequire } from 'node:module'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { exportLayersModel } from '../../src/model/export.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { convolutionalTopology, planModel } from '../../src/model/topology.ts'
import { availableBackends, federation, FROZEN, largestDifference, randomBatch, referenceModel } from './models.ts'

const document = federation({ shape: [10, 10, 1], classes: 3, topology: convolutionalTopology({ inputShape: [10, 10, 1], filters: [4], hidden: [6], classes: 3 }) })
const parameters = initialParameters(document.model)
const { inputShape } = planModel(document.model)
const batch = randomBatch(document.model, 5)
const backends = await availableBackends()

type Predictor = Pick<tf.InferenceModel, 'predict'>

function predictions (model: Predictor): Float32Array {
  return tf.tidy(() => (model.predict(tf.tensor(batch.inputs, [5, ...inputShape]), {}) as tf.Tensor).dataSync<'float32'>())
}

interface ModelJson { modelTopology: object, format: string, weightsManifest: [{ paths: [string], weights: tf.io.WeightsManifestEntry[] }] }

/** What a loader of folders does */
function folderHandler (folder: string): tf.io.IOHandler {
  return {
    load: async () => {
      const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as ModelJson
      const [{ paths: [path], weights }] = json.weightsManifest
      const bytes = await readFile(join(folder, path))
      return { modelTopology: json.modelTopology, format: json.format, weightSpecs: weights, weightData: new Uint8Array(bytes).buffer }
    }
  }
}

describe('export', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'grapevine-export-'))
    await loadBackend('cpu')
  })
  afterAll(async () => { await rm(folder, { recursive: true }) })

  it('writes a folder that loads back to the same predictions', async () => {
    const directory = join(folder, 'deep', 'model')
    await exportLayersModel({ document, parameters, directory })
    expect((await readdir(directory)).sort()).toEqual(['model.json', 'weights.bin'])
    expect(await readdir(join(folder, 'deep'))).toEqual(['model'])
    const loaded = await loadLayersModel(folderHandler(directory))
    const expected = await referenceModel(document.model, parameters)
    expect(predictions(loaded as unknown as Predictor)).toEqual(predictions(expected))
  })

  it('writes the frozen weights too: the model is complete without the document', async () => {
    const { model, ...rest } = federation(FROZEN)
    const own = initialParameters(model).map((value, i) => value + 0.05 * Math.sin(i))
    const directory = join(folder, 'frozen')
    await exportLayersModel({ document: { model, ...rest }, parameters: own, directory })
    const loaded = await loadLayersModel(folderHandler(directory), { strict: true })
    const frozenBatch = randomBatch(model, 5)
    const shape = [5, ...planModel(model).inputShape]
    const predict = (predictor: Predictor): Float32Array => tf.tidy(() => (predictor.predict(tf.tensor(frozenBatch.inputs, shape), {}) as tf.Tensor).dataSync<'float32'>())
    expect(predict(loaded as unknown as Predictor)).toEqual(predict(await referenceModel(model, own)))
    expect(loaded.trainableWeights.map(({ originalName }) => originalName)).toEqual(['first/kernel', 'first/bias', 'output/kernel', 'output/bias'])
    expect((await readFile(join(directory, 'weights.bin'))).byteLength).toBe(4 * loaded.countParams())
  })

  it.skipIf(!backends.includes('tensorflow'))('writes a folder that tfjs-node loads from its path', async () => {
    const directory = join(folder, 'native')
    await exportLayersModel({ document, parameters, directory })
    await loadBackend('cpu')
    const expected = predictions(await referenceModel(document.model, parameters))
    await loadBackend('tensorflow')
    const native = createRequire(import.meta.url)('@tensorflow/tfjs-node') as { loadLayersModel: (url: string) => Promise<Predictor> }
    expect(largestDifference(predictions(await native.loadLayersModel(`file://${join(directory, 'model.json')}`)), expected)).toBeLessThan(1e-5)
    await loadBackend('cpu')
  })

  it('replaces an empty directory and refuses one that is not', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    await exportLayersModel({ document, parameters, directory: empty })
    expect((await readdir(empty)).length).toBe(2)
    await expect(exportLayersModel({ document, parameters, directory: empty })).rejects.toMatchObject({ name: 'StoreWriteError', message: expect.stringMatching(/is not empty.*model\.json/) as string })
  })

  it('leaves nothing behind when it cannot write', async () => {
    const file = join(folder, 'file')
    await writeFile(file, 'x')
    await expect(exportLayersModel({ document, parameters, directory: file })).rejects.toMatchObject({ name: 'StoreWriteError' })
    await expect(exportLayersModel({ document, parameters, directory: join(file, 'below') })).rejects.toMatchObject({ name: 'StoreWriteError' })
    await expect(exportLayersModel({ document, parameters: parameters.subarray(1), directory: join(folder, 'short') })).rejects.toThrow(RangeError)
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
    expect(await readdir(folder)).not.toContain('short')
  })
})

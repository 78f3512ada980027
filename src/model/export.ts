/**
 * Writes a model as a tfjs LayersModel folder, which browsers, tfjs-node and the Keras converter read
 *
 * https://www.tensorflow.org/js/guide/save_load: `model.json` names the tensors in their order in `weights.bin`.
 */
import { mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { StoreWriteError } from '../errors.ts'
import { exportTopology } from './export-topology.ts'
import { firstLine } from './first-line.ts'
import { openWeights } from './initial-weights.ts'
import { tensorsOf } from './named-tensors.ts'
import { littleEndian } from './tensor-bytes.ts'
import { planModel } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { ModelPlan } from './topology.ts'

export interface ExportLayersModelInit {
  document: FederationDocument
  /** d elements, in the layout of the document's topology */
  parameters: Float32Array
  /** A safetensors file, where the document has `model.weights`: its layers may be frozen */
  weights?: Uint8Array | undefined
  /** Made when missing; must be empty when it exists */
  directory: string
}

/**
 * Writes the folder completely or not at all
 *
 * Throws WeightsError, StoreWriteError when the directory is not empty or cannot be written, or when TensorFlow.js
 * lacks a layer, RangeError when the parameters have another length than the model
 */
export async function exportLayersModel ({ document, parameters, weights: file, directory }: ExportLayersModelInit): Promise<void> {
  const plan = planModel(document.model, openWeights(document.model, file))
  const tensors = tensorsOf(plan, parameters)
  requireKnown(plan)
  const folder = resolve(directory)
  await requireEmpty(folder)
  const weights = tensors.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }))
  const { labels, target, input } = document.model
  const model = {
    format: 'layers-model',
    generatedBy: 'grapevine',
    convertedBy: null,
    modelTopology: exportTopology(document.model),
    weightsManifest: [{ paths: ['weights.bin'], weights }],
    userDefinedMetadata: { labels, ...(target === undefined ? {} : { target }), input, federation: document.name }
  }
  let staging: string | undefined
  try {
    await makeFolder(dirname(folder))
    staging = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`))
    await writeFile(join(staging, 'weights.bin'), littleEndian(tensors.map(({ values }) => values)))
    await writeFile(join(staging, 'model.json'), JSON.stringify(model, null, 1) + '\n')
    // the old directory is empty, and only an empty one can be replaced
    await rmdir(folder).catch(absent)
    await rename(staging, folder)
  } catch (err) {
    if (staging !== undefined) {
      await rm(staging, { recursive: true, force: true })
    }
    throw new StoreWriteError(`cannot write the model to ${folder}: ${firstLine(err)}`, { cause: err, reason: 'export' })
  }
}

/** Whatever else there is in the layer graph, TensorFlow.js has as well */
function requireKnown ({ layers }: ModelPlan): void {
  const unknown = layers.find((layer) => layer.kind === 'gru' && layer.resetAfter)
  if (unknown !== undefined) {
    throw new StoreWriteError(`layer "${unknown.name}" is a GRU with reset_after true, which TensorFlow.js cannot load; export the model as onnx or safetensors`, { reason: 'format' })
  }
}

async function requireEmpty (directory: string): Promise<void> {
  let files: string[]
  try {
    files = await readdir(directory)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return
    }
    throw new StoreWriteError(`cannot write the model to ${directory}: ${firstLine(err)}`, { cause: err, reason: 'export' })
  }
  if (files.length > 0) {
    throw new StoreWriteError(`${directory} is not empty (it holds ${files.slice(0, 3).join(', ')}${files.length > 3 ? ', …' : ''}); name a new directory`, { reason: 'folder-taken' })
  }
}

function absent (err: NodeJS.ErrnoException): void {
  if (err.code !== 'ENOENT') {
    throw err
  }
}

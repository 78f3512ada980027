/**
 * A model's layers from a file: LayersModel JSON of TensorFlow.js, or `model.to_json()` of Keras 2 or 3
 *
 * Weights, optimisers and whatever else stands beside the layers are left alone. What is taken is written anew, in the
 * words of TensorFlow.js, so that a document says what is computed and nothing else.
 */
import { readFile } from 'node:fs/promises'
import { ConfigurationError } from './errors.ts'
import { asSequential, GraphError, isGraph } from './linear-graph.ts'
import type { Chain } from './linear-graph.ts'
import type { FederationDocument, FederationInit } from '../src/federation/document.ts'

type Model = FederationDocument['model']

/** A topology of 128 layers with all defaults written out has some 100 kB */
const MAX_FILE_BYTES = 8_388_608

/** Where the layers are: in a file of TensorFlow.js, in an H5 file's configuration, or at the top */
const PLACES: ReadonlyArray<readonly string[]> = [['modelTopology', 'model_config'], ['modelTopology'], ['model_config'], []]

/**
 * Layers and the loss that their last activation is for
 *
 * Throws ConfigurationError (missing, not JSON, no model), and for what is not supported or does not fit the data, with
 * its path in the file
 *
 * @param model - Without layers and loss; of a number to predict the loss is one of those
 * @param weights - A safetensors file: where its layers are frozen, what they hold
 */
export async function readModelFile (file: string, model: Omit<Model, 'topology' | 'loss'>, weights?: Uint8Array): Promise<Pick<FederationInit['model'], 'topology' | 'loss'>> {
  const { place, topology: found } = topologyIn(file, await readJson(file))
  const { topology, places } = chainOf(file, place, found)
  const { exportTopology } = await import('../src/model/export-topology.ts')
  const { importWeights } = await import('../src/model/initial-weights.ts')
  const { inspectTopology, modelLayers } = await import('../src/model/topology.ts')
  try {
    const last = modelLayers({ ...model, topology, loss: 'categoricalCrossentropy' }).at(-1)
    const isSigmoid = last !== undefined && 'activation' in last && last.activation === 'sigmoid'
    const loss = model.target !== undefined ? 'meanSquaredError' : isSigmoid ? 'binaryCrossentropy' : 'categoricalCrossentropy'
    const complete = { ...model, topology, loss } as const
    inspectTopology(weights === undefined ? complete : { ...complete, weights: importWeights(complete, weights).description })
    return { topology: exportTopology(complete), loss }
  } catch (err) {
    throw (err as Error).name === 'InvalidFederationError' ? new ConfigurationError(`${file}: ${withPath((err as Error).message, place, places)}`, { cause: err }) : err
  }
}

/** `model.topology: layer 3: …` is told by its place in the file */
function withPath (message: string, place: readonly string[], places: readonly number[] | undefined): string {
  const inFile = (rest: string): string => [...place, rest].join('.')
  return message
    .replace(/^model\.topology: layer (\d+)/, (_, index: string) => inFile(`config.layers[${places?.[Number(index)] ?? index}]`))
    .replace(/^model\.topology: (class_name|config)/, (_, field: string) => inFile(field))
    .replace(/^model\.topology: /, '')
    .replace(/^model\.constants: ("[^"]*" is missing: a layer with trainable false needs its \d+ numbers).*/, '$1: give them with --weights FILE')
}

/** What is not Sequential already, as such */
function chainOf (file: string, place: readonly string[], topology: Record<string, unknown>): Pick<Chain, 'topology'> & Partial<Chain> {
  if (!isGraph(topology)) {
    return { topology }
  }
  try {
    return asSequential(topology)
  } catch (err) {
    throw err instanceof GraphError ? new ConfigurationError(`${file}: ${[...place, err.message].join('.')}`, { cause: err }) : err
  }
}

function topologyIn (file: string, value: unknown): { place: readonly string[], topology: Record<string, unknown> } {
  for (const place of PLACES) {
    const found = place.reduce<unknown>((inner, name) => property(inner, name), value)
    if (property(found, 'class_name') !== undefined) {
      return { place, topology: found as Record<string, unknown> }
    }
  }
  throw new ConfigurationError(`${file} holds no model: neither class_name, nor modelTopology with one; write it with model.to_json() of Keras, or model.save() of TensorFlow.js`)
}

function property (value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}

async function readJson (file: string): Promise<unknown> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw new ConfigurationError(`cannot read the model ${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`, { cause: err })
  }
  if (bytes.byteLength > MAX_FILE_BYTES) {
    throw new ConfigurationError(`${file} has ${bytes.byteLength} bytes: it is no description of a model's layers`)
  }
  try {
    // json.dumps of to_json() puts the text into quotes once more
    const value: unknown = JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''))
    return typeof value === 'string' ? JSON.parse(value) : value
  } catch (err) {
    throw new ConfigurationError(`${file} is not JSON: ${(err as Error).message}`, { cause: err })
  }
}

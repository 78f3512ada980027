/**
 * Weights that a federation starts from in place of a seed: learnt elsewhere, brought along by every member, never sent
 *
 * The document has their hash only, so that a file is the right one or is refused. A frozen layer keeps them for good,
 * one that learns starts from them.
 */
import { createHash } from 'node:crypto'
import { WeightsError } from '../errors.ts'
import { namedAsLayers } from './canonical-weights.ts'
import { decodeTensors, encodeTensors } from './safetensors-file.ts'
import { modelLayers } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { ModelWeights } from './canonical-weights.ts'

type Model = FederationDocument['model']

export interface ImportedWeights {
  /** For the document: `model.weights` */
  description: NonNullable<Model['weights']>
  /** The canonical file, which every member needs */
  bytes: Uint8Array
}

/**
 * What a document says of weights, and their canonical bytes
 *
 * Throws WeightsError, with one line, for a file that is none or does not fit the layers, and InvalidFederationError
 * for layers that cannot be read
 *
 * @param file - A safetensors file
 */
export function importWeights (model: Model, file: Uint8Array): ImportedWeights {
  const bytes = encodeTensors(namedAsLayers(modelLayers(model), decodeTensors(file)))
  return { description: { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.byteLength }, bytes }
}

/**
 * The canonical bytes of what a document asks for; undefined for a document without `model.weights`, whatever the file
 *
 * Throws WeightsError: `missing` without a file, `other` when it holds other weights, `unfit` as `importWeights` does
 */
export function requireWeights (model: Model, file: Uint8Array | undefined): Uint8Array | undefined {
  if (model.weights === undefined) {
    return undefined
  }
  const { sha256, bytes: size } = model.weights
  if (file === undefined) {
    throw new WeightsError(`this federation starts from weights that no peer sends, of SHA-256 ${sha256} (${size} bytes): ask the founder for the file weights.safetensors of the founder's home`, 'missing')
  }
  const { description, bytes } = importWeights(model, file)
  if (description.sha256 !== sha256) {
    throw new WeightsError(`these are other weights than the federation starts from: their SHA-256 is ${description.sha256}, and the document says ${sha256}`, 'other')
  }
  return bytes
}

/** The same, by name. Throws as `requireWeights` */
export function openWeights (model: Model, file: Uint8Array | undefined): ModelWeights | undefined {
  const bytes = requireWeights(model, file)
  return bytes === undefined ? undefined : new Map(decodeTensors(bytes).map(({ name, values }) => [name, values]))
}

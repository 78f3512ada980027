/**
 * A model's weights as a safetensors file, whose header says what they are
 */
import { encodeTensors } from './safetensors-file.ts'
import { openWeights } from './initial-weights.ts'
import { tensorsOf } from './named-tensors.ts'
import { planModel } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'

export interface EncodeModelInit {
  document: FederationDocument
  /** d elements, in the layout of the document's topology */
  parameters: Float32Array
  /** As a safetensors file, where the document has `model.weights`: its layers may be frozen */
  weights?: Uint8Array | undefined
  /** Goes into the file beside what the document says, such as the round */
  metadata?: Readonly<Record<string, string>>
}

/** What the weights alone do not say: whoever loads them must prepare inputs alike */
export function modelMetadata ({ name, model }: FederationDocument): Record<string, string> {
  return { federation: name, labels: JSON.stringify(model.labels), input: JSON.stringify(model.input), loss: model.loss, ...(model.target === undefined ? {} : { target: JSON.stringify(model.target) }) }
}

/**
 * The bytes of the file, tensors named as in the layout (`dense_1/kernel`), frozen ones among them
 *
 * Throws InvalidFederationError, WeightsError, RangeError when the parameters have another length than the model
 */
export function encodeSafetensors ({ document, parameters, weights, metadata = {} }: EncodeModelInit): Uint8Array {
  const { model } = document
  const tensors = tensorsOf(planModel(model, openWeights(model, weights)), parameters)
  return encodeTensors(tensors, { format: 'grapevine', ...modelMetadata(document), topology: JSON.stringify(model.topology), ...metadata })
}

/**
 * A model's weights as a safetensors file: a header of JSON and the bytes of the tensors
 *
 * https://github.com/huggingface/safetensors#format: the length of the header as uint64, the header, padded with
 * blanks, and the tensors without gaps, all little-endian.
 */
import { littleEndian, tensorsOf } from './named-tensors.ts'
import { planModel } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'

/** Tensors begin where readers that map the file into memory want them */
const ALIGNMENT = 8

export interface EncodeModelInit {
  document: FederationDocument
  /** d elements, in the layout of the document's topology */
  parameters: Float32Array
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
 * Throws InvalidFederationError, RangeError when the parameters have another length than the model
 */
export function encodeSafetensors ({ document, parameters, metadata = {} }: EncodeModelInit): Uint8Array {
  const plan = planModel(document.model)
  const tensors = tensorsOf(plan, parameters)
  const header: Record<string, object> = {
    __metadata__: { format: 'grapevine', ...modelMetadata(document), topology: JSON.stringify(document.model.topology), ...metadata }
  }
  let offset = 0
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset += values.byteLength] }
  }
  const json = Buffer.from(JSON.stringify(header))
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT
  const head = Buffer.alloc(8 + padded, ' ')
  head.writeBigUInt64LE(BigInt(padded))
  json.copy(head, 8)
  return Buffer.concat([head, littleEndian(tensors.map(({ values }) => values))])
}

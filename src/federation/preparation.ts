/**
 * The name of a document's preparation: how examples become numbers, and what the outputs mean
 *
 * A version was trained on inputs that were prepared so; the same parameters behind another preparation are no model.
 */
import { createHash } from 'node:crypto'
import { decode, encode } from '@ipld/dag-cbor'

/**
 * sha-256, hex, of the canonical encoding of `model.input`, `model.labels` and, where there is one, `model.target`,
 * from the bytes of a document. Undefined where they are no document
 */
export function preparationOf (document: Uint8Array): string | undefined {
  try {
    const { model: { input, labels, target } } = decode<{ model: { input: object, labels: string[], target?: object } }>(document)
    return createHash('sha256').update(encode({ input, labels, ...(target === undefined ? {} : { target }) })).digest('hex')
  } catch {
    // whoever reads the document says what is wrong with it
    return undefined
  }
}

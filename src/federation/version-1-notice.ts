/**
 * What a program of version 0.1 is told when it asks for the document of a federation that speaks protocol 2
 *
 * Such a program prints why it cannot use a document, with the names of the fields that it does not know, and nothing
 * else that another peer could say to it. So it gets the document with one field more, whose name is the reason.
 */
import * as dagCbor from '@ipld/dag-cbor'

/** Printed by version 0.1 as an unknown field of the document */
export const VERSION_1_NOTICE = 'this peer speaks protocol 2, not 1: update Grapevine to join'

/** Throws what dag-cbor throws on bytes that are not its own */
export function version1Notice (document: Uint8Array): Uint8Array {
  return dagCbor.encode({ ...dagCbor.decode<object>(document), [VERSION_1_NOTICE]: true })
}

/**
 * The name of a federation, apart from the document's schema, so that a network and a store do not load that
 */
import { createHash } from 'node:crypto'
import { code as DAG_CBOR } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'

const SHA2_256 = 0x12

/** CID (version 1, dag-cbor, sha-256, base32) of the canonical bytes */
export function federationId (bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest()
  return CID.createV1(DAG_CBOR, createDigest(SHA2_256, digest)).toString()
}

/**
 * The names of a federation and of its documents, apart from the schema, so that a network and a store do not load that
 */
import { createHash } from 'node:crypto'
import { code as DAG_CBOR, decode } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'

const SHA2_256 = 0x12

/** CID (version 1, dag-cbor, sha-256, base32) of the canonical bytes */
export function documentId (bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest()
  return CID.createV1(DAG_CBOR, createDigest(SHA2_256, digest)).toString()
}

/** Which document of which federation */
export interface DocumentNames {
  /** Id of the federation's first document, for ever: in topics, stores and ledgers */
  federation: string
  /** Id of this document */
  document: string
  /** How often the members changed the document before: 0 for the first */
  epoch: number
}

/** Where a document says that it follows on another one. Undefined for a first one, and for what is no document */
function epochOf (bytes: Uint8Array): { number: number, federation: string } | undefined {
  try {
    const { epoch } = decode<{ epoch?: { number?: unknown, federation?: unknown } }>(bytes)
    const { number, federation } = epoch ?? {}
    return typeof number === 'number' && typeof federation === 'string' ? { number, federation } : undefined
  } catch {
    // whoever reads the document says what is wrong with it
    return undefined
  }
}

/** What the bytes say of themselves: of a later document nobody has checked here that the members decided on it */
export function documentNames (bytes: Uint8Array): DocumentNames {
  const document = documentId(bytes)
  const epoch = epochOf(bytes)
  return epoch === undefined ? { federation: document, document, epoch: 0 } : { federation: epoch.federation, document, epoch: epoch.number }
}

/** Why this version does not begin with a document that says that it is a changed one */
export function changedMessage ({ epoch, federation }: Pick<DocumentNames, 'epoch' | 'federation'>): string {
  return `the document says that it is change ${epoch} of federation ${federation}, and this version of Grapevine cannot check who decided on it: update it`
}

/** Id of the federation that a document belongs to */
export function federationId (bytes: Uint8Array): string {
  return documentNames(bytes).federation
}

/**
 * Signed update headers: making, reading and checking them. Schema: wire/update.proto
 *
 * The author signs the exact bytes of the header, so that the signature holds wherever they come from and however
 * another implementation would encode them.
 */
import '../../promise-with-resolvers.ts'
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { KEYFRAME } from '../../update-kind.ts'
import { authorBytes, authorKey } from './author-key.ts'
import { isUnderstood, isWellFormed, PROTOCOL_VERSION } from './header-fields.ts'
import { SignedUpdate, UpdateHeader } from '../wire/update.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { PeerName, RejectionReason } from '../../interface.ts'
import type { Understanding } from './header-fields.ts'

/** More than any header with its longest fields */
export const MAX_HEADER_BYTES = 1_024

const SIGNATURE_BYTES = 64

/** Some milliseconds of work */
const HASHED_AT_ONCE = 4_194_304

/** Separates these signatures from everything else that the same key signs (Noise handshakes, peer records) */
const SIGNING_DOMAIN = new TextEncoder().encode('grapevine update header 2\n')

/** A header together with the bytes that were signed */
export interface SignedHeader {
  /** sha-256 of `bytes`, hex */
  id: string
  author: PeerName
  header: UpdateHeader
  bytes: Uint8Array
  signature: Uint8Array
}

/** What an author decides about an update */
export interface HeaderFields {
  federation: string
  round: number
  sequence: number
  codec: string
  degree: number
  /** @default a keyframe */
  kind?: number | undefined
  /** Of the replica after it, 32 bytes; left out for a keyframe */
  replicaHash?: Uint8Array | undefined
  /** How often the document has changed. @default 0 */
  epoch?: number
  /** @default 0 */
  incarnation?: number
  /** How many vectors the payload carries, the model included. @default 1 */
  vectors?: number | undefined
  /** The own update before it. Without one it begins a stream: what came before is not known, or not to be built on */
  follows?: SignedHeader | undefined
}

export function sha256 (bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** The same of a payload that may be large: others get their turn in between */
async function slicedSha256 (bytes: Uint8Array): Promise<Buffer> {
  const hash = createHash('sha256')
  for (let start = 0; start < bytes.byteLength; start += HASHED_AT_ONCE) {
    if (start > 0) {
      await nextTurn()
    }
    hash.update(bytes.subarray(start, start + HASHED_AT_ONCE))
  }
  return hash.digest()
}

function equalBytes (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(b)
}

function signedBytes (header: Uint8Array): Uint8Array {
  return Buffer.concat([SIGNING_DOMAIN, header])
}

/** Where an update stands among those of its author: after `before`, or at the beginning of a stream */
function placeOf (sequence: number, before: SignedHeader | undefined): Pick<UpdateHeader, 'stream' | 'streamVersion' | 'previousHash'> {
  if (before === undefined) {
    return { stream: sequence, streamVersion: 1, previousHash: new Uint8Array(0) }
  }
  const { stream, streamVersion } = before.header
  return { stream, streamVersion: streamVersion + 1, previousHash: Uint8Array.from(Buffer.from(before.id, 'hex')) }
}

/** Makes and signs the header of `payload` */
export async function signHeader (privateKey: PrivateKey, fields: HeaderFields, payload: Uint8Array): Promise<SignedHeader> {
  const { federation, round, sequence, codec, degree, kind = KEYFRAME, replicaHash = new Uint8Array(0), epoch = 0, incarnation = 0, vectors = 1, follows } = fields
  const header: UpdateHeader = {
    version: PROTOCOL_VERSION,
    ...{ federation, round, sequence, codec, degree, epoch, incarnation },
    author: authorBytes(privateKey.publicKey),
    ...placeOf(sequence, follows),
    payloadHash: Uint8Array.from(await slicedSha256(payload)),
    payloadBytes: payload.byteLength,
    kind,
    replicaHash: Uint8Array.from(replicaHash),
    step: 0,
    receiver: new Uint8Array(0),
    vector: vectors - 1
  }
  return signFields(privateKey, header)
}

/** Signs a header whose fields are all decided */
export async function signFields (privateKey: PrivateKey, header: UpdateHeader): Promise<SignedHeader> {
  const bytes = UpdateHeader.encode(header)
  return {
    id: sha256(bytes).toString('hex'),
    author: peerIdFromPublicKey(privateKey.publicKey).toString(),
    header,
    bytes,
    signature: await privateKey.sign(signedBytes(bytes))
  }
}

/** The message that carries a header, and the payload when it is given */
export function encodeSigned (signed: SignedHeader, payload?: Uint8Array): Uint8Array {
  return SignedUpdate.encode({
    header: signed.bytes as Uint8Array<ArrayBuffer>,
    signature: signed.signature as Uint8Array<ArrayBuffer>,
    ...(payload === undefined ? {} : { payload: payload as Uint8Array<ArrayBuffer> })
  })
}

/**
 * Undefined when `bytes` are not a well-formed header with a signature of the right length. The signature is not
 * verified
 */
export function readHeader (bytes: Uint8Array, signature: Uint8Array): SignedHeader | undefined {
  if (bytes.byteLength > MAX_HEADER_BYTES || signature.byteLength !== SIGNATURE_BYTES) {
    return undefined
  }
  // headers are kept for long, and a view would keep the whole frame that it came in
  const own = bytes.slice()
  let header: UpdateHeader
  try {
    header = UpdateHeader.decode(own)
  } catch {
    // whatever the decoder stumbled over, the sender is told nothing and the caller counts one malformed message
    return undefined
  }
  const key = authorKey(header.author)
  if (key === undefined || !isWellFormed(header)) {
    return undefined
  }
  return { id: sha256(own).toString('hex'), author: peerIdFromPublicKey(key).toString(), header, bytes: own, signature: signature.slice() }
}

export interface ReadUpdate {
  signed: SignedHeader
  /** Left out when it must be pulled. Of an update that is understood its length is the header's; no hash is checked */
  payload: Uint8Array | undefined
}

/** Reads a gossip message: size and schema, nothing that needs a key */
export function readUpdate (data: Uint8Array, limits: { maxMessageBytes: number, maxPayloadBytes: number } & Omit<Understanding, 'epoch'>): ReadUpdate | RejectionReason {
  if (data.byteLength > limits.maxMessageBytes) {
    return 'oversized'
  }
  let message: SignedUpdate
  try {
    message = SignedUpdate.decode(data)
  } catch {
    return 'malformed'
  }
  const signed = readHeader(message.header, message.signature)
  if (signed === undefined) {
    return 'malformed'
  }
  const { payload } = message
  // another kind than this version's may be larger, or travel in another way: nobody is to blame for that
  if (!isUnderstood(signed.header, limits)) {
    return { signed, payload }
  }
  if (signed.header.payloadBytes > limits.maxPayloadBytes) {
    return 'oversized'
  }
  return payload !== undefined && payload.byteLength !== signed.header.payloadBytes ? 'malformed' : { signed, payload }
}

/** `verifyHeader` at once, for keys that verify at once, as Ed25519 does on Node */
export function isSigned (signed: SignedHeader): boolean {
  try {
    return authorKey(signed.header.author)?.verify(signedBytes(signed.bytes), signed.signature) === true
  } catch {
    // as below
    return false
  }
}

/** True when the author named in the header signed its bytes */
export async function verifyHeader (signed: SignedHeader): Promise<boolean> {
  const key = authorKey(signed.header.author)
  if (key === undefined) {
    return false
  }
  try {
    return await key.verify(signedBytes(signed.bytes), signed.signature)
  } catch {
    // a point that is not on the curve
    return false
  }
}

/** True when `payload` is what the header announces */
export function matchesPayload (signed: Pick<SignedHeader, 'header'>, payload: Uint8Array): boolean {
  return payload.byteLength === signed.header.payloadBytes && equalBytes(sha256(payload), signed.header.payloadHash)
}

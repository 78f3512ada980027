/**
 * Signed update headers: making, reading and checking them. Schema: wire/update.proto
 *
 * The author signs the exact bytes of the header, so that the signature holds wherever they come from and however
 * another implementation would encode them.
 */
import '../promise-with-resolvers.ts'
import { createHash } from 'node:crypto'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { SignedUpdate, UpdateHeader } from './wire/update.ts'
import type { PrivateKey, PublicKey } from '@libp2p/interface'
import type { PeerName, RejectionReason } from '../interface.ts'

const HEADER_VERSION = 1
/** A whole model: the only kind there is, so that no other is averaged as one */
const KEYFRAME = 1

/** More than any header with its longest fields */
export const MAX_HEADER_BYTES = 1_024
const MAX_ROUND = 0x7fffffff

const MAX_CODEC_LENGTH = 32
const MAX_FEDERATION_LENGTH = 128
const MAX_DEGREE = 1_024
const HASH_BYTES = 32
const SIGNATURE_BYTES = 64

/** Separates these signatures from everything else that the same key signs (Noise handshakes, peer records) */
const SIGNING_DOMAIN = new TextEncoder().encode('grapevine update header 1\n')

/** Identity multihash of a protobuf-encoded Ed25519 public key, up to the 32 bytes of the key itself */
const ED25519_PEER_ID = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

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
  previousHash: Uint8Array
  codec: string
  degree: number
}

export function sha256 (bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function equalBytes (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(b)
}

/** Binary form of an Ed25519 peer id */
function authorBytes (publicKey: PublicKey): Uint8Array {
  return Buffer.concat([ED25519_PEER_ID, publicKey.raw])
}

/** Undefined when `bytes` are not the peer id of an Ed25519 key */
export function authorKey (bytes: Uint8Array): PublicKey | undefined {
  if (bytes.byteLength !== ED25519_PEER_ID.byteLength + 32 || !equalBytes(bytes.subarray(0, ED25519_PEER_ID.byteLength), ED25519_PEER_ID)) {
    return undefined
  }
  return publicKeyFromRaw(bytes.slice(ED25519_PEER_ID.byteLength))
}

function signedBytes (header: Uint8Array): Uint8Array {
  return Buffer.concat([SIGNING_DOMAIN, header])
}

/** Makes and signs the header of `payload` */
export async function signHeader (privateKey: PrivateKey, fields: HeaderFields, payload: Uint8Array): Promise<SignedHeader> {
  const header: UpdateHeader = {
    version: HEADER_VERSION,
    federation: fields.federation,
    author: Uint8Array.from(authorBytes(privateKey.publicKey)),
    round: fields.round,
    sequence: fields.sequence,
    previousHash: Uint8Array.from(fields.previousHash),
    payloadHash: Uint8Array.from(sha256(payload)),
    payloadBytes: payload.byteLength,
    kind: KEYFRAME,
    codec: fields.codec,
    replicaHash: new Uint8Array(0),
    degree: fields.degree
  }
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

function isInteger (value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}

function isHash (bytes: Uint8Array, optional: boolean): boolean {
  return bytes.byteLength === HASH_BYTES || (optional && bytes.byteLength === 0)
}

function isText (text: string, maxLength: number): boolean {
  return text.length > 0 && text.length <= maxLength
}

function isWellFormed (header: UpdateHeader): boolean {
  const numbers = header.version === HEADER_VERSION &&
    isInteger(header.round, 1, MAX_ROUND) &&
    isInteger(header.sequence, 1, Number.MAX_SAFE_INTEGER) &&
    isInteger(header.payloadBytes, 1, Number.MAX_SAFE_INTEGER) &&
    isInteger(header.degree, 0, MAX_DEGREE) &&
    header.kind === KEYFRAME
  return numbers &&
    isText(header.codec, MAX_CODEC_LENGTH) &&
    isText(header.federation, MAX_FEDERATION_LENGTH) &&
    isHash(header.payloadHash, false) && isHash(header.previousHash, true) && isHash(header.replicaHash, true)
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
  /** Left out when it must be pulled. Its length is the header's, its hash is not checked */
  payload: Uint8Array | undefined
}

/** Reads a gossip message: size and schema, nothing that needs a key */
export function readUpdate (data: Uint8Array, limits: { maxMessageBytes: number, maxPayloadBytes: number }): ReadUpdate | RejectionReason {
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
  if (signed.header.payloadBytes > limits.maxPayloadBytes) {
    return 'oversized'
  }
  if (payload !== undefined && payload.byteLength !== signed.header.payloadBytes) {
    return 'malformed'
  }
  return { signed, payload }
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
export function matchesPayload (signed: SignedHeader, payload: Uint8Array): boolean {
  return payload.byteLength === signed.header.payloadBytes && equalBytes(sha256(payload), signed.header.payloadHash)
}

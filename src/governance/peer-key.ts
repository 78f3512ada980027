/**
 * The Ed25519 key inside a peer id, and signatures by it
 *
 * A peer id of an Ed25519 key is the identity multihash of its 32 bytes, so that whoever knows the id can verify. The
 * signatures are plain Ed25519 (RFC 8032), equal to those that libp2p makes of the same key.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import type { KeyObject } from 'node:crypto'
import type { PeerName } from '../interface.ts'

export const KEY_BYTES = 32
export const SIGNATURE_BYTES = 64

/** Identity multihash of 36 bytes: a protocol buffer of the key's type, Ed25519, and 32 bytes */
const PEER_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)
/** SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) up to the 32 bytes */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const PEER_NAME = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/

/** Keys that were read lately. Reading one takes as long as a tenth of a verification */
const MAX_CACHED = 8_192
const cachedKeys = new Map<PeerName, KeyObject>()

export function isPeerName (value: unknown): value is PeerName {
  return typeof value === 'string' && PEER_NAME.test(value)
}

/** Throws RangeError for what is no id of an Ed25519 key */
export function peerKey (peer: PeerName): Uint8Array {
  if (!isPeerName(peer)) {
    throw new RangeError('not the peer id of an Ed25519 key')
  }
  const bytes = base58btc.baseDecode(peer)
  if (bytes.byteLength !== PEER_PREFIX.byteLength + KEY_BYTES || PEER_PREFIX.some((byte, index) => bytes[index] !== byte)) {
    throw new RangeError('not the peer id of an Ed25519 key')
  }
  return bytes.slice(PEER_PREFIX.byteLength)
}

/** Throws RangeError unless there are 32 bytes */
export function peerName (key: Uint8Array): PeerName {
  if (key.byteLength !== KEY_BYTES) {
    throw new RangeError(`an Ed25519 key has ${KEY_BYTES} bytes, not ${key.byteLength}`)
  }
  return base58btc.baseEncode(Buffer.concat([PEER_PREFIX, key]))
}

function publicKey (peer: PeerName): KeyObject {
  const cached = cachedKeys.get(peer)
  if (cached !== undefined) {
    return cached
  }
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, peerKey(peer)]), format: 'der', type: 'spki' })
  if (cachedKeys.size >= MAX_CACHED) {
    cachedKeys.delete(cachedKeys.keys().next().value!)
  }
  cachedKeys.set(peer, key)
  return key
}

/** Whether the key inside `peer` signed the message. Never throws */
export function signedBy (peer: PeerName, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return signature.byteLength === SIGNATURE_BYTES && verify(null, message, publicKey(peer), signature)
  } catch {
    // no point on the curve, or no peer id: nobody signed this
    return false
  }
}

/** Signs with the identity key of `peer`: where the key lies is the caller's affair */
export interface Signer {
  peer: PeerName
  sign: (message: Uint8Array) => Promise<Uint8Array> | Uint8Array
}

/** sha-256 of a domain and bytes */
export function hashOf (domain: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(domain).update(bytes).digest())
}

export function toHex (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

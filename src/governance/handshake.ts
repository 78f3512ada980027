/**
 * Proof by both sides of an invitation that they know its secret, which never travels
 *
 * libp2p gives no binding to its encrypted channel, so that the proof names all that makes this meeting the only one
 * of its kind: who meets whom, a fresh number of each, the federation, the invitation, and who proves to whom. A proof
 * that somebody recorded or passes on fits no other meeting.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { encode } from '@ipld/dag-cbor'
import { peerKey } from './peer-key.ts'
import type { PeerName } from '../interface.ts'

export const NONCE_BYTES = 32
export const SECRET_BYTES = 32
export const JTI_BYTES = 16
export const PROOF_BYTES = 32

const DOMAIN = 'grapevine/invitation-proof/2'
const MAX_FEDERATION_CHARACTERS = 128

export interface Transcript {
  federation: string
  /** Of the invitation, 16 bytes */
  jti: Uint8Array
  inviter: PeerName
  guest: PeerName
  /** 32 fresh bytes of each */
  inviterNonce: Uint8Array
  guestNonce: Uint8Array
}

function requireBytes (what: string, value: Uint8Array, count: number): void {
  if (value.byteLength !== count) {
    throw new RangeError(`${what} has ${count} bytes, not ${value.byteLength}`)
  }
}

function prove (direction: 'inviter' | 'guest', secret: Uint8Array, transcript: Transcript): Uint8Array {
  const { federation, jti, inviter, guest, inviterNonce, guestNonce } = transcript
  requireBytes('a secret', secret, SECRET_BYTES)
  requireBytes('the id of an invitation', jti, JTI_BYTES)
  requireBytes('a nonce', inviterNonce, NONCE_BYTES)
  requireBytes('a nonce', guestNonce, NONCE_BYTES)
  if (federation.length > MAX_FEDERATION_CHARACTERS) {
    throw new RangeError(`the id of a federation has at most ${MAX_FEDERATION_CHARACTERS} characters`)
  }
  const key = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), DOMAIN, 32))
  // a list whose parts say how long they are: no two meetings have the same bytes
  const message = encode([DOMAIN, direction, federation, jti, peerKey(inviter), peerKey(guest), inviterNonce, guestNonce])
  return new Uint8Array(createHmac('sha256', key).update(message).digest())
}

/** What the inviter shows the guest. Throws RangeError for parts of a wrong length */
export function inviterProof (secret: Uint8Array, transcript: Transcript): Uint8Array {
  return prove('inviter', secret, transcript)
}

/** What the guest shows the inviter. Throws RangeError for parts of a wrong length */
export function guestProof (secret: Uint8Array, transcript: Transcript): Uint8Array {
  return prove('guest', secret, transcript)
}

/** In a time that does not tell how much of it is right */
export function sameProof (one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === PROOF_BYTES && other.byteLength === PROOF_BYTES && timingSafeEqual(one, other)
}

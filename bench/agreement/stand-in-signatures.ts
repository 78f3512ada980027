/**
 * Signatures that cost nearly nothing, for simulations whose liars do not forge: a hash with the voter's number as key
 */
import { SIGNATURE_BYTES } from '../../src/consensus/voting-key.ts'
import type { Signatures } from '../../src/consensus/voting-key.ts'

/** FNV-1a over the message, from a state that the key sets */
function hash (key: number, message: Uint8Array): number {
  let state = (0x811c9dc5 ^ Math.imul(key + 1, 0x9e3779b1)) >>> 0
  for (let i = 0; i < message.length; i++) {
    state = Math.imul(state ^ message[i]!, 0x01000193)
  }
  return (state ^ (state >>> 15)) >>> 0
}

export function standInPrivateKey (voter: number): Uint8Array {
  return Uint8Array.of(voter)
}

export function standInVotingKey (voter: number): string {
  return voter.toString(16).padStart(64, '0')
}

export const standInSignatures: Signatures = {
  signer: ([key]) => (message) => {
    const signature = new Uint8Array(SIGNATURE_BYTES)
    new DataView(signature.buffer).setUint32(0, hash(key!, message))
    return signature
  },
  verifier: (votingKey) => {
    const key = Number.parseInt(votingKey, 16)
    return (message, signature) => ((signature[0]! << 24) | (signature[1]! << 16) | (signature[2]! << 8) | signature[3]!) >>> 0 === hash(key, message)
  }
}

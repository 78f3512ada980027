/**
 * The keys that sign ballots: Ed25519, one for each voter and epoch
 *
 * Behind a small port, because simulations of a million schedules cannot afford real signatures.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'

/** Bytes of a signature */
export const SIGNATURE_BYTES = 64

/** What a raw key lacks to be one that node:crypto reads: PKCS 8 and SubjectPublicKeyInfo of Ed25519 (RFC 8410) */
const PRIVATE_KEY_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_KEY_HEAD = Buffer.from('302a300506032b6570032100', 'hex')
const RAW_KEY = /^[0-9a-f]{64}$/

export type Sign = (message: Uint8Array) => Uint8Array
export type Verify = (message: Uint8Array, signature: Uint8Array) => boolean

/** How ballots are signed and checked. Keys are prepared once for many messages */
export interface Signatures {
  /** With a raw private key of 32 bytes. Throws on another one: it is this node's own */
  signer: (privateKey: Uint8Array) => Sign
  /** For a voter's key as the roster has it. Never throws: nothing is signed with a key that is none */
  verifier: (votingKey: string) => Verify
}

export interface VotingKeyPair {
  /** Raw public key as 64 lower-case hex digits */
  votingKey: string
  /** Raw private key, 32 bytes. A secret of one epoch */
  privateKey: Uint8Array
}

/** A fresh key from the system's random numbers */
export function generateVotingKey (): VotingKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    votingKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(PUBLIC_KEY_HEAD.length).toString('hex'),
    privateKey: Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(PRIVATE_KEY_HEAD.length))
  }
}

export const ed25519: Signatures = {
  signer: (privateKey) => {
    const key = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_HEAD, privateKey]), format: 'der', type: 'pkcs8' })
    return (message) => sign(null, message, key)
  },
  verifier: (votingKey) => {
    if (!RAW_KEY.test(votingKey)) {
      return () => false
    }
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_KEY_HEAD, Buffer.from(votingKey, 'hex')]), format: 'der', type: 'spki' })
    return (message, signature) => verify(null, message, key, signature)
  }
}

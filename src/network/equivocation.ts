/**
 * Proofs that an author signed two updates for one round: they verify for anyone, whoever passes them on
 */
import { readHeader, isSigned } from './update-header.ts'
import { EquivocationProof as WireProof } from './wire/membership.ts'
import type { PeerName } from '../interface.ts'
import type { SignedHeader } from './update-header.ts'

type SignedBytes = Pick<SignedHeader, 'bytes' | 'signature'>

/** Two headers of one author for one round, each signed: anyone can verify that the author lied */
export interface EquivocationProof {
  author: PeerName
  round: number
  first: SignedBytes
  second: SignedBytes
}

export function proofOf (first: SignedHeader, second: SignedHeader): EquivocationProof {
  const part = ({ bytes, signature }: SignedHeader): SignedBytes => ({ bytes: bytes.slice(), signature: signature.slice() })
  return { author: first.author, round: first.header.round, first: part(first), second: part(second) }
}

export function toWire ({ first, second }: EquivocationProof): WireProof {
  const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
  return { first: own(first.bytes), firstSignature: own(first.signature), second: own(second.bytes), secondSignature: own(second.signature) }
}

/** What is kept of a proof: hex of its wire form */
export function encodeProof (proof: EquivocationProof): string {
  return Buffer.from(WireProof.encode(toWire(proof))).toString('hex')
}

/**
 * Undefined when these are not two different headers of one author for one round of this federation. Signatures are
 * checked on demand. Never throws
 */
export function readProof (wire: WireProof, federation: string): { proof: EquivocationProof, verify: () => boolean } | undefined {
  const first = readHeader(wire.first, wire.firstSignature)
  const second = readHeader(wire.second, wire.secondSignature)
  if (first === undefined || second === undefined || first.id === second.id || first.author !== second.author) {
    return undefined
  }
  if (first.header.round !== second.header.round || first.header.federation !== federation || second.header.federation !== federation) {
    return undefined
  }
  return { proof: proofOf(first, second), verify: () => isSigned(first) && isSigned(second) }
}

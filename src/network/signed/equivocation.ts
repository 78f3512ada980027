/**
 * Proofs that an author signed two updates that contradict each other: they verify for anyone, whoever passes them on
 */
import { PROTOCOL_VERSION } from './header-fields.ts'
import { readHeader, isSigned } from './update-header.ts'
import { EquivocationProof as WireProof } from '../wire/membership.ts'
import type { PeerName } from '../../interface.ts'
import type { SignedHeader } from './update-header.ts'
import type { UpdateHeader } from '../wire/update.ts'

type SignedBytes = Pick<SignedHeader, 'bytes' | 'signature'>

/** Two headers of one author that contradict each other, each signed: anyone can verify that the author lied */
export interface EquivocationProof {
  author: PeerName
  /** Of the older one */
  round: number
  first: SignedBytes
  second: SignedBytes
}

function isSamePlace (a: UpdateHeader, b: UpdateHeader): boolean {
  return a.round === b.round && a.step === b.step && Buffer.from(a.receiver).equals(b.receiver)
}

/** In a stream each update has one predecessor, and whatever counts grows from one to the next */
function breaksStream (first: SignedHeader, second: SignedHeader): boolean {
  const [a, b] = first.header.streamVersion <= second.header.streamVersion ? [first, second] : [second, first]
  const versions = b.header.streamVersion - a.header.streamVersion
  if (versions === 0 || b.header.sequence <= a.header.sequence || b.header.round < a.header.round) {
    return true
  }
  return versions === 1 && !Buffer.from(b.header.previousHash).equals(Buffer.from(a.id, 'hex'))
}

/**
 * True when no honest author signs both: two updates for one round, step and receiver, or a stream that forks. Headers
 * of one incarnation only: a new one counts anew
 */
export function contradict (first: SignedHeader, second: SignedHeader): boolean {
  const [a, b] = [first.header, second.header]
  if (first.author !== second.author || first.id === second.id || a.incarnation !== b.incarnation || a.federation !== b.federation) {
    return false
  }
  return isSamePlace(a, b) || (a.stream === b.stream && breaksStream(first, second))
}

export function proofOf (first: SignedHeader, second: SignedHeader): EquivocationProof {
  const part = ({ bytes, signature }: SignedHeader): SignedBytes => ({ bytes: bytes.slice(), signature: signature.slice() })
  const round = Math.min(first.header.round, second.header.round)
  return { author: first.author, round, first: part(first), second: part(second) }
}

export function toWire ({ first, second }: EquivocationProof): WireProof {
  const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
  return { first: own(first.bytes), firstSignature: own(first.signature), second: own(second.bytes), secondSignature: own(second.signature) }
}

/** What is kept of a proof: hex of its wire form */
export function encodeProof (proof: EquivocationProof): string {
  return Buffer.from(WireProof.encode(toWire(proof))).toString('hex')
}

/** A proof of another version: this one cannot tell whether it proves anything */
export const UNKNOWN_PROOF = 'unknown'

/**
 * Undefined when these are not two headers of one author in this federation that contradict each other. Signatures are
 * checked on demand. Never throws
 */
export function readProof (wire: WireProof, federation: string): { proof: EquivocationProof, verify: () => boolean } | typeof UNKNOWN_PROOF | undefined {
  const first = readHeader(wire.first, wire.firstSignature)
  const second = readHeader(wire.second, wire.secondSignature)
  if (first === undefined || second === undefined || first.header.federation !== federation) {
    return undefined
  }
  if (first.header.version > PROTOCOL_VERSION || second.header.version > PROTOCOL_VERSION) {
    return UNKNOWN_PROOF
  }
  return contradict(first, second) ? { proof: proofOf(first, second), verify: () => isSigned(first) && isSigned(second) } : undefined
}

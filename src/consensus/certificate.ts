/**
 * Signatures of a quorum on one statement: the proof that an iteration is over, or that a value is chosen
 *
 * It says all that is needed to check it, but for the epoch's voters: by whoever saw no ballot at all. Layout: kind (1
 * byte), iteration (4), value (32, skips have none), signatures (voter 2, signature 64), voters ascending.
 */
import { asBuffer, isValue, MAX_VOTERS, signaturePrefix, VALUE_BYTES, verifyBallot } from './ballot.ts'
import type { Ballot, BallotKind, SlotName } from './ballot.ts'
import { quorum } from './quorum.ts'
import { ed25519, SIGNATURE_BYTES } from './voting-key.ts'
import type { Signatures, Verify } from './voting-key.ts'

/** What a quorum of votes notarizes, of skips ends, of finalizes decides */
export type ProvenKind = Exclude<BallotKind, 'propose'>

/** What is proven */
export interface Statement {
  kind: ProvenKind
  iteration: number
  /** Empty for a skip */
  value: string
}

export interface Proof extends Statement {
  /** One for each signature, all of this kind, iteration and value, voters ascending */
  ballots: Ballot[]
}

const KINDS: readonly ProvenKind[] = ['vote', 'skip', 'finalize']
/** Above all kinds of ballots, so that the first byte tells what it is */
const FIRST_KIND = 0x11
const HEAD_BYTES = 5
const ENTRY_BYTES = 2 + SIGNATURE_BYTES

function headBytes (kind: ProvenKind): number {
  return HEAD_BYTES + (kind === 'skip' ? 0 : VALUE_BYTES)
}

/** As it travels. Of ballots with one kind, iteration and value */
export function encodeProof ({ kind, iteration, value }: Statement, ballots: readonly Ballot[]): Uint8Array {
  const head = headBytes(kind)
  const bytes = Buffer.alloc(head + ballots.length * ENTRY_BYTES)
  bytes[0] = FIRST_KIND + KINDS.indexOf(kind)
  bytes.writeUInt32BE(iteration, 1)
  bytes.write(value, HEAD_BYTES, 'hex')
  ballots.toSorted((a, b) => a.voter - b.voter).forEach(({ voter, signature }, i) => {
    bytes.writeUInt16BE(voter, head + i * ENTRY_BYTES)
    bytes.set(signature, head + i * ENTRY_BYTES + 2)
  })
  return bytes
}

/** What these bytes claim to prove; undefined: they are no proof. Cheap: before anything is checked */
export function readStatement (bytes: Uint8Array): Statement | undefined {
  const kind = KINDS[bytes[0]! - FIRST_KIND]
  if (kind === undefined) {
    return undefined
  }
  const head = headBytes(kind)
  const entries = (bytes.length - head) / ENTRY_BYTES
  if (!Number.isInteger(entries) || entries < 1 || entries > MAX_VOTERS) {
    return undefined
  }
  const buffer = asBuffer(bytes)
  const iteration = buffer.readUInt32BE(1)
  return iteration === 0 ? undefined : { kind, iteration, value: buffer.toString('hex', HEAD_BYTES, head) }
}

/** With its signatures, unchecked; undefined: these bytes are no proof, or its voters do not ascend. Never throws */
export function readProof (bytes: Uint8Array): Proof | undefined {
  const statement = readStatement(bytes)
  if (statement === undefined) {
    return undefined
  }
  const buffer = asBuffer(bytes)
  const ballots: Ballot[] = []
  for (let at = headBytes(statement.kind); at < bytes.length; at += ENTRY_BYTES) {
    const voter = buffer.readUInt16BE(at)
    if (voter <= (ballots.at(-1)?.voter ?? -1)) {
      return undefined
    }
    ballots.push({ ...statement, voter, signature: Uint8Array.prototype.slice.call(bytes, at + 2, at + ENTRY_BYTES) })
  }
  return { ...statement, ballots }
}

/** Signatures are many enough, of voters, and right. `isKnown`: this one was checked before */
export function verifyProof (proof: Proof, prefix: Buffer, { quorum: needed, verifiers, isKnown = () => false }: {
  quorum: number
  verifiers: readonly Verify[]
  isKnown?: (ballot: Ballot) => boolean
}): boolean {
  return proof.ballots.length >= needed && proof.ballots.length <= verifiers.length &&
    proof.ballots.every((ballot) => ballot.voter < verifiers.length && (isKnown(ballot) || verifyBallot(prefix, ballot, verifiers[ballot.voter]!)))
}

/**
 * A quorum of the epoch's voters chose this value (64 hex digits) for the slot. For anyone who knows the voters, long
 * after: needs no ballots and no state. Never throws on what others sent
 */
export function verifyCertificate (bytes: Uint8Array, { value, voters, signatures = ed25519, ...slot }: SlotName & {
  value: string
  voters: ReadonlyArray<{ votingKey: string }>
  signatures?: Signatures
}): boolean {
  const statement = readStatement(bytes)
  if (voters.length === 0 || !isValue(value) || statement?.kind !== 'finalize' || statement.value !== value) {
    return false
  }
  const proof = readProof(bytes)
  const verifiers = voters.map(({ votingKey }) => signatures.verifier(votingKey))
  return proof !== undefined && verifyProof(proof, signaturePrefix(slot), { quorum: quorum(voters.length), verifiers })
}

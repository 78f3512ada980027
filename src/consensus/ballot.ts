/**
 * What voters say to each other in the agreement of one slot, as bytes
 *
 * A fixed layout, so that equal ballots are equal bytes: kind (1 byte), iteration (4), voter (2), value (32, a skip has
 * none), signature (64). The signature covers the federation, epoch and slot, too, which do not travel with each
 * ballot: one from another epoch is simply wrong here.
 */
import { SIGNATURE_BYTES } from './voting-key.ts'
import type { Sign, Verify } from './voting-key.ts'

/**
 * `propose`: this value, by the iteration's leader. `vote`: for its value. `skip`: the iteration should end without
 * one. `finalize`: I saw the value notarized and never asked to skip
 */
export type BallotKind = 'propose' | 'vote' | 'skip' | 'finalize'

/** The agreement that a ballot belongs to */
export interface SlotName {
  federation: string
  epoch: number
  slot: number
}

export interface Ballot {
  kind: BallotKind
  /** From 1 */
  iteration: number
  /** Place in the epoch's list of voters */
  voter: number
  /** 64 lower-case hex digits; empty for a skip */
  value: string
  signature: Uint8Array
}

export type UnsignedBallot = Omit<Ballot, 'signature'>

/** Voters of one epoch, at most */
export const MAX_VOTERS = 1_024
/** Bytes of a value */
export const VALUE_BYTES = 32

const DOMAIN = 'grapevine/ballot/2\n'
const KINDS: readonly BallotKind[] = ['propose', 'vote', 'skip', 'finalize']
const HEAD_BYTES = 7
const VALUE = /^[0-9a-f]{64}$/

/** 64 lower-case hex digits */
export function isValue (value: string): boolean {
  return VALUE.test(value)
}

/** What every signature in an agreement begins with */
export function signaturePrefix ({ federation, epoch, slot }: SlotName): Buffer {
  const name = Buffer.from(federation, 'utf8')
  const numbers = Buffer.alloc(18)
  numbers.writeBigUInt64BE(BigInt(epoch), 0)
  numbers.writeBigUInt64BE(BigInt(slot), 8)
  numbers.writeUInt16BE(name.length, 16)
  return Buffer.concat([Buffer.from(DOMAIN, 'utf8'), numbers, name])
}

function writeBody (out: Buffer, at: number, { kind, iteration, voter, value }: UnsignedBallot): void {
  out[at] = KINDS.indexOf(kind) + 1
  out.writeUInt32BE(iteration, at + 1)
  out.writeUInt16BE(voter, at + 5)
  if (value !== '') {
    out.write(value, at + HEAD_BYTES, VALUE_BYTES, 'hex')
  }
}

/** The bytes that a signature of this ballot covers */
export function signedBytes (prefix: Buffer, ballot: UnsignedBallot): Uint8Array {
  const message = Buffer.allocUnsafe(prefix.length + HEAD_BYTES + ballot.value.length / 2)
  prefix.copy(message)
  writeBody(message, prefix.length, ballot)
  return message
}

export function signBallot (prefix: Buffer, ballot: UnsignedBallot, sign: Sign): Ballot {
  return { ...ballot, signature: sign(signedBytes(prefix, ballot)) }
}

export function verifyBallot (prefix: Buffer, ballot: Ballot, verify: Verify): boolean {
  return verify(signedBytes(prefix, ballot), ballot.signature)
}

/** As it travels */
export function encodeBallot (ballot: Ballot): Uint8Array {
  const bodyBytes = HEAD_BYTES + ballot.value.length / 2
  const bytes = Buffer.alloc(bodyBytes + SIGNATURE_BYTES)
  writeBody(bytes, 0, ballot)
  bytes.set(ballot.signature, bodyBytes)
  return bytes
}

/** The same memory */
export function asBuffer (bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Undefined: these bytes are none. Never throws. Whether the signature is right is another question */
export function readBallot (bytes: Uint8Array): Ballot | undefined {
  const kind = KINDS[bytes[0]! - 1]
  const bodyBytes = HEAD_BYTES + (kind === 'skip' ? 0 : VALUE_BYTES)
  if (kind === undefined || bytes.length !== bodyBytes + SIGNATURE_BYTES) {
    return undefined
  }
  const buffer = asBuffer(bytes)
  const iteration = buffer.readUInt32BE(1)
  const voter = buffer.readUInt16BE(5)
  if (iteration === 0 || voter >= MAX_VOTERS) {
    return undefined
  }
  return { kind, iteration, voter, value: buffer.toString('hex', HEAD_BYTES, bodyBytes), signature: Uint8Array.prototype.slice.call(bytes, bodyBytes) }
}

/**
 * No honest voter signs both: two values of one kind in one iteration, or a skip and a finalize in one. A vote for a
 * value and a skip, or a finalize of what others voted for, are no contradiction
 */
export function isContradiction (a: UnsignedBallot, b: UnsignedBallot): boolean {
  if (a.voter !== b.voter || a.iteration !== b.iteration) {
    return false
  }
  return a.kind === b.kind
    ? a.value !== b.value
    : (a.kind === 'skip' && b.kind === 'finalize') || (a.kind === 'finalize' && b.kind === 'skip')
}

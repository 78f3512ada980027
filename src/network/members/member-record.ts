/**
 * What a member says about itself, signed so that it verifies for anyone, whoever passed it on
 *
 * Addresses in a record are hints: they decide what is dialled, never who is believed. Noise proves who answers.
 */
import '../../promise-with-resolvers.ts'
import { peerIdFromMultihash, peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import { isTcpAddress } from '../host/address.ts'
import { MAX_ADDRESSES } from '../host/own-addresses.ts'
import { decodeMarks, encodeMarks } from './vouching.ts'
import { MemberRecord, Suspicion } from '../wire/membership.ts'
import type { Ed25519PublicKey, PrivateKey } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'
import type { Mark } from './vouching.ts'
import type { SignedRecord, SignedSuspicion } from '../wire/membership.ts'

/** One binary multiaddr */
const MAX_ADDRESS_BYTES = 128

/** A record or suspicion, without its signature */
export const MAX_RECORD_BYTES = 1_536

const MAX_FEDERATION_CHARACTERS = 128
const SIGNATURE_BYTES = 64

/** Tag and length of the list of vouchers */
const VOUCHES_FRAMING_BYTES = 4

const MAX_PEER_BYTES = 64

const RECORD_DOMAIN = new TextEncoder().encode('grapevine/member-record/2\n')
const SUSPICION_DOMAIN = new TextEncoder().encode('grapevine/suspicion/2\n')

/** A record whose shape is right. Its signature is checked on demand, because most records that arrive are not news */
export interface MemberClaim {
  peer: PeerName
  /** Text multiaddrs, without `/p2p` */
  addresses: string[]
  /** Milliseconds of the member's clock, strictly increasing */
  sequence: number
  leaving: boolean
  /** Publishes nothing, only listens */
  observing: boolean
  /** Begins a round when enough of its neighbours say the same */
  ready: boolean
  /** With whom it holds a connection, see vouching.ts. Absent: it vouches for nobody */
  vouches?: readonly Mark[]
  /** What travels on: unchanged */
  signed: SignedRecord
  verify: () => boolean
}

/** "I lost this member and cannot reach it" */
export interface SuspicionClaim {
  peer: PeerName
  sequence: number
  reporter: PeerName
  verify: () => boolean
}

function join (domain: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(domain.byteLength + body.byteLength)
  bytes.set(domain)
  bytes.set(body, domain.byteLength)
  return bytes
}

/** Binary form of a peer id, as in records */
function peerBytes (peer: PeerName): Uint8Array<ArrayBuffer> {
  return new Uint8Array(peerIdFromString(peer).toMultihash().bytes)
}

/** Throws when the bytes are no Ed25519 peer id */
function parsePeer (bytes: Uint8Array): { name: PeerName, key: Ed25519PublicKey } {
  if (bytes.byteLength > MAX_PEER_BYTES) {
    throw new RangeError(`a peer id has at most ${MAX_PEER_BYTES} bytes, not ${bytes.byteLength}`)
  }
  const peer = peerIdFromMultihash(Digest.decode(bytes))
  if (peer.type !== 'Ed25519') {
    throw new TypeError(`a member has an Ed25519 key, not ${peer.type}`)
  }
  return { name: peer.toString(), key: peer.publicKey }
}

function parseSequence (sequence: number): number {
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    throw new RangeError(`a sequence is a positive integer, not ${sequence}`)
  }
  return sequence
}

/**
 * The transport would also connect to unix sockets, and resolve lists of addresses: neither is a stranger's to choose
 */
function parseAddresses (addresses: readonly Uint8Array[]): string[] {
  const parsed = addresses.map((bytes) => {
    if (bytes.byteLength < 1 || bytes.byteLength > MAX_ADDRESS_BYTES) {
      throw new RangeError(`an address has 1 to ${MAX_ADDRESS_BYTES} bytes, not ${bytes.byteLength}`)
    }
    return multiaddr(bytes)
  })
  return parsed.filter(isTcpAddress).map(String)
}

function checkSizes (body: Uint8Array, signature: Uint8Array): void {
  if (body.byteLength > MAX_RECORD_BYTES || signature.byteLength !== SIGNATURE_BYTES) {
    throw new RangeError('a record or signature of an impossible size')
  }
}

/** Ed25519 verifies at once in Node; a promise here would be a bug, and is no signature */
function signedBy (key: Ed25519PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return key.verify(message, signature) === true
  } catch {
    // not a point on the curve: nobody signed this
    return false
  }
}

/** Undefined when the bytes are not a record for this federation with everything within bounds. Never throws */
export function parseRecord (signed: SignedRecord | undefined, federation: string): MemberClaim | undefined {
  try {
    const { record, signature } = signed ?? { record: new Uint8Array(), signature: new Uint8Array() }
    checkSizes(record, signature)
    const decoded = MemberRecord.decode(record, { limits: { addresses: MAX_ADDRESSES } })
    if (decoded.federation.length > MAX_FEDERATION_CHARACTERS || decoded.federation !== federation) {
      return undefined
    }
    const { name, key } = parsePeer(decoded.peer)
    return {
      peer: name,
      addresses: parseAddresses(decoded.addresses),
      sequence: parseSequence(decoded.sequence),
      leaving: decoded.leaving,
      observing: decoded.observing,
      ready: decoded.ready,
      vouches: decodeMarks(decoded.vouches ?? new Uint8Array()),
      signed: { record, signature },
      verify: () => signedBy(key, join(RECORD_DOMAIN, record), signature)
    }
  } catch {
    // whatever a stranger sent, it is no record
    return undefined
  }
}

/** Undefined when the bytes are not a suspicion for this federation. Never throws */
export function parseSuspicion (signed: SignedSuspicion | undefined, federation: string): SuspicionClaim | undefined {
  try {
    const { suspicion, signature } = signed ?? { suspicion: new Uint8Array(), signature: new Uint8Array() }
    checkSizes(suspicion, signature)
    const decoded = Suspicion.decode(suspicion)
    if (decoded.federation !== federation) {
      return undefined
    }
    const { name, key } = parsePeer(decoded.reporter)
    return {
      peer: parsePeer(decoded.peer).name,
      sequence: parseSequence(decoded.sequence),
      reporter: name,
      verify: () => signedBy(key, join(SUSPICION_DOMAIN, suspicion), signature)
    }
  } catch {
    // as above
    return undefined
  }
}

export interface RecordContent {
  federation: string
  peer: PeerName
  /** Text multiaddrs; what does not fit into a record is left out */
  addresses: readonly string[]
  sequence: number
  leaving: boolean
  /** @default false */
  observing?: boolean
  /** @default false */
  ready?: boolean
  /** With whom this node holds a connection; what does not fit into a record is left out. @default none */
  vouches?: readonly Mark[]
}

/** Signs what this node says about itself */
export async function signRecord (key: PrivateKey, content: RecordContent): Promise<SignedRecord> {
  const addresses = content.addresses
    .map((address) => new Uint8Array(multiaddr(address).decapsulateCode(CODE_P2P).bytes))
    .filter((bytes) => bytes.byteLength > 0 && bytes.byteLength <= MAX_ADDRESS_BYTES)
    .slice(0, MAX_ADDRESSES)
  const { vouches: marks = [], observing = false, ready = false, ...said } = content
  const fields: MemberRecord = { ...said, observing, ready, peer: peerBytes(content.peer), addresses }
  const vouches = encodeMarks(marks, MAX_RECORD_BYTES - MemberRecord.encode(fields).byteLength - VOUCHES_FRAMING_BYTES)
  const record = new Uint8Array(MemberRecord.encode({ ...fields, ...(vouches.byteLength === 0 ? {} : { vouches }) }))
  return { record, signature: new Uint8Array(await key.sign(join(RECORD_DOMAIN, record))) }
}

/** Signs the report that `peer` does not answer */
export async function signSuspicion (key: PrivateKey, content: { federation: string, peer: PeerName, sequence: number, reporter: PeerName }): Promise<SignedSuspicion> {
  const suspicion = new Uint8Array(Suspicion.encode({ ...content, peer: peerBytes(content.peer), reporter: peerBytes(content.reporter) }))
  return { suspicion, signature: new Uint8Array(await key.sign(join(SUSPICION_DOMAIN, suspicion))) }
}

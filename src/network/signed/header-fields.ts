/**
 * What the fields of an update header may hold, and which of them this version understands
 *
 * A field out of its bounds is a fault of whoever passed it on. What only a later version understands is nobody's: it
 * is left alone, with a reason, and never taken for something else.
 */
import { KEYFRAME } from '../../update-kind.ts'
import { authorKey } from './author-key.ts'
import type { RejectionReason } from '../../interface.ts'
import type { UpdateHeader } from '../wire/update.ts'

/** Of the protocol that this version speaks */
export const PROTOCOL_VERSION = 2

/** What every version understands: a whole model. Others only where somebody makes replicas of them */
export const KEYFRAMES_ONLY: ReadonlySet<number> = new Set([KEYFRAME])

const MAX_ROUND = 0x7fffffff
const MAX_CODEC_LENGTH = 32
const MAX_FEDERATION_LENGTH = 128
const MAX_DEGREE = 1_024
const HASH_BYTES = 32

function isInteger (value: number, min: number, max = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}

function isHash (bytes: Uint8Array, optional: boolean): boolean {
  return bytes.byteLength === HASH_BYTES || (optional && bytes.byteLength === 0)
}

function isText (text: string, maxLength: number): boolean {
  return text.length > 0 && text.length <= maxLength
}

/** What a header of any version has */
function hasCommonFields (header: UpdateHeader): boolean {
  return isInteger(header.version, PROTOCOL_VERSION) &&
    isText(header.federation, MAX_FEDERATION_LENGTH) &&
    isInteger(header.round, 1, MAX_ROUND) &&
    isInteger(header.sequence, 1) &&
    isInteger(header.payloadBytes, 1) &&
    isHash(header.payloadHash, false)
}

/** A stream begins with the update whose sequence is its number, and that follows on none */
function hasPlace ({ stream, streamVersion, sequence, previousHash }: UpdateHeader): boolean {
  const isFirst = stream === sequence
  return isInteger(stream, 1, sequence) &&
    isInteger(streamVersion, isFirst ? 1 : 2, isFirst ? 1 : undefined) &&
    previousHash.byteLength === (isFirst ? 0 : HASH_BYTES)
}

function hasOwnFields (header: UpdateHeader): boolean {
  return isInteger(header.degree, 0, MAX_DEGREE) &&
    isInteger(header.kind, 1) &&
    isText(header.codec, MAX_CODEC_LENGTH) &&
    isHash(header.replicaHash, true) &&
    (header.receiver.byteLength === 0 || authorKey(header.receiver) !== undefined) &&
    hasPlace(header)
}

/** False for what no honest peer signs or passes on. A later version's header is held to what all versions share */
export function isWellFormed (header: UpdateHeader): boolean {
  return hasCommonFields(header) && (header.version > PROTOCOL_VERSION || hasOwnFields(header))
}

/** What a node makes of headers */
export interface Understanding {
  /** Of the document in force: how often it has changed */
  epoch: number
  /** Kinds of updates that are understood. @default keyframes */
  kinds?: ReadonlySet<number> | undefined
  /** How many vectors an update carries, the model included. @default 1 */
  vectors?: number | undefined
}

/**
 * A model for everybody, with as many vectors as this node's updates have, in the first step of its round and the first
 * incarnation of its author; anything else comes from a later version or another algorithm, or is a message of a later
 * step (step-header.ts), which no topic carries. Who may count anew in a next incarnation, and how the two are bound to
 * each other, is open: until then it would be a way to sign two models for one round
 */
export function isUnderstood ({ version, kind, incarnation, step, vector, receiver }: UpdateHeader, { kinds = KEYFRAMES_ONLY, vectors = 1 }: Omit<Understanding, 'epoch'> = {}): boolean {
  const isOwnKind = version === PROTOCOL_VERSION && kinds.has(kind) && vector === vectors - 1
  return isOwnKind && incarnation === 0 && step === 0 && receiver.byteLength === 0
}

/** Why a well-formed header is left alone; undefined where it is a model under the document in force */
export function strangeness (header: UpdateHeader, { epoch, ...understood }: Understanding): Extract<RejectionReason, 'unsupported' | 'wrong-epoch'> | undefined {
  if (!isUnderstood(header, understood)) {
    return 'unsupported'
  }
  return header.epoch === epoch ? undefined : 'wrong-epoch'
}

/**
 * A replica, and the one format that gives any replica exactly: float32, whatever the codec of the updates rounds
 *
 * A replica is named by its content. The header of a delta, which its author signed, says the hash of the replica after
 * it: bytes that decode to that need no other signature, whoever hands them over.
 */
import { createHash } from 'node:crypto'
import { InvalidUpdateError } from '../errors.ts'
import { float32 } from './float32.ts'
import { littleEndian } from './frame.ts'
import type { Codec, Keyframe, RejectionReason, Replica } from '../interface.ts'

export class SharedReplica implements Replica {
  readonly parameters: Float32Array
  #hash: Uint8Array | undefined

  constructor (parameters: Float32Array) {
    this.parameters = parameters
  }

  /** Taken when it is first asked for */
  get hash (): Uint8Array {
    this.#hash ??= replicaHash(this.parameters)
    return this.#hash
  }
}

function replicaHash (parameters: Float32Array): Uint8Array {
  const bytes = new Uint8Array(parameters.slice().buffer)
  littleEndian(bytes, 4)
  return Uint8Array.from(createHash('sha256').update(bytes).digest())
}

export function equalHashes (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(b)
}

/** What `decode` gives, or the reason why it refuses what came from another peer */
export function decoded (decode: () => Float32Array): Float32Array | RejectionReason {
  try {
    return decode()
  } catch (err) {
    return err instanceof InvalidUpdateError ? err.reason : 'codec'
  }
}

/** The replica of a payload that stands on nothing */
export function absoluteReplica (codec: Codec, payload: Uint8Array, parameterCount: number): Replica | RejectionReason {
  const parameters = decoded(() => codec.decode(payload, parameterCount))
  return typeof parameters === 'string' ? parameters : new SharedReplica(parameters)
}

/** Bytes */
export function maxKeyframeBytes (parameterCount: number): number {
  return float32.maxEncodedBytes(parameterCount)
}

export function keyframeOf ({ parameters }: Replica): Keyframe {
  return { byteLength: maxKeyframeBytes(parameters.length), encode: () => float32.encode(parameters) }
}

/** The replica in a keyframe; undefined when the bytes are not the one with this hash */
export function replicaIn (keyframe: Uint8Array, parameterCount: number, hash: Uint8Array): Replica | undefined {
  const replica = absoluteReplica(float32, keyframe, parameterCount)
  return typeof replica !== 'string' && equalHashes(replica.hash, hash) ? replica : undefined
}

/**
 * Replicas of streams of deltas: each update stands on the replica of the one before it, and a keyframe now and then on
 * nothing
 *
 * The deltas' arithmetic is a DeltaCodec, pure; the memory is here. A delta names the update that it follows by its
 * hash, so that a gap, another branch and the stream of another run all look alike: its base is not held, and it needs
 * a keyframe. The author signed payload, base and the hash of the replica after it; a delta that does not lead
 * there proves the author's fault, whoever brought it.
 */
import { DELTA, KEYFRAME } from '../update-kind.ts'
import { checkParameters, firstUnacceptable } from './frame.ts'
import { absoluteReplica, decoded, equalHashes, keyframeOf, maxKeyframeBytes, replicaIn, SharedReplica } from './replica.ts'
import type { Codec, Keyframe, OwnReplica, PeerName, ReceivedUpdate, RejectionReason, Replica, Replicas } from '../interface.ts'

/** Differences <-> bytes. Pure: what it gives depends on nothing but its arguments, on every machine alike */
export interface DeltaCodec {
  /** Both have d elements and are not mutated. Of any length: what is no shorter than a keyframe is not sent */
  encode: (parameters: Float32Array, base: Float32Array) => Uint8Array
  /**
   * d elements, freshly allocated. Throws InvalidUpdateError for bytes that `encode` does not make. Never allocates
   * more than a few times d elements, whatever the bytes claim
   */
  decode: (bytes: Uint8Array, base: Float32Array) => Float32Array
}

export interface DeltaReplicasInit {
  /** Of the federation: makes the payloads of keyframes */
  codec: Codec
  delta: DeltaCodec
  parameterCount: number
  /** Every so many own updates one is a keyframe. @default 50 */
  keyframeEvery?: number
}

const DEFAULT_KEYFRAME_EVERY = 50
/** Authors whose newest replica is kept, at most: those that were not heard of for longest go first */
const MAX_AUTHORS = 256

interface Held {
  replica: Replica
  /** As the delta that it came with names it */
  replicaHash: Uint8Array | undefined
}

interface Base extends Held {
  updateId: string
  sequence: number
}

class DeltaReplicas implements Replicas {
  readonly codec: string
  readonly kinds: ReadonlySet<number> = new Set([KEYFRAME, DELTA])
  readonly keepsMemory = true
  readonly maxPayloadBytes: number
  readonly maxKeyframeBytes: number
  readonly #init: DeltaReplicasInit
  readonly #keyframeEvery: number
  /** By author, the one heard of last at the end */
  readonly #bases = new Map<PeerName, Base>()
  /** Own ones that were published, the newest first; two, because who asks for one may ask a moment too late */
  #published: Held[] = []
  /** Deltas since the own last keyframe */
  #deltas = 0
  /** Made, and perhaps sent or not: nothing may stand on it */
  #inDoubt = false

  constructor (init: DeltaReplicasInit) {
    this.#init = init
    this.#keyframeEvery = init.keyframeEvery ?? DEFAULT_KEYFRAME_EVERY
    this.codec = init.codec.name
    this.maxPayloadBytes = init.codec.maxEncodedBytes(init.parameterCount)
    this.maxKeyframeBytes = maxKeyframeBytes(init.parameterCount)
  }

  // ---------------------------------------------------------------------------------------- others

  apply (update: ReceivedUpdate): Replica | 'needs-keyframe' | RejectionReason {
    const { author, updateId, codec, kind = KEYFRAME, payload } = update
    const base = this.#bases.get(author)
    if (codec !== this.codec) {
      return 'wrong-codec'
    }
    if (!this.kinds.has(kind)) {
      return 'unsupported'
    }
    if (base?.updateId === updateId) {
      return base.replica
    }
    const replica = kind === DELTA ? this.#advance(update, base) : absoluteReplica(this.#init.codec, payload, this.#init.parameterCount)
    typeof replica === 'string' || this.#keep(update, replica, kind === DELTA ? update.replicaHash : undefined)
    return replica
  }

  #advance ({ follows, replicaHash, payload }: ReceivedUpdate, base: Base | undefined): Replica | 'needs-keyframe' | RejectionReason {
    if (follows === undefined || replicaHash === undefined) {
      return 'codec'
    }
    if (base?.updateId !== follows) {
      return 'needs-keyframe'
    }
    const parameters = decoded(() => this.#init.delta.decode(payload, base.replica.parameters))
    if (typeof parameters === 'string') {
      return parameters
    }
    if (parameters.length !== this.#init.parameterCount) {
      return 'shape'
    }
    if (firstUnacceptable(parameters) !== -1) {
      return 'not-finite'
    }
    const replica = new SharedReplica(parameters)
    return equalHashes(replica.hash, replicaHash) ? replica : 'codec'
  }

  restore (update: ReceivedUpdate, keyframe: Uint8Array): boolean {
    const { replicaHash } = update
    const replica = replicaHash === undefined ? undefined : replicaIn(keyframe, this.#init.parameterCount, replicaHash)
    if (replica === undefined) {
      return false
    }
    this.#keep(update, replica, replicaHash)
    return true
  }

  /** What is older than the base of its author is of no more use */
  #keep ({ author, updateId, sequence }: ReceivedUpdate, replica: Replica, replicaHash: Uint8Array | undefined): void {
    if (sequence < (this.#bases.get(author)?.sequence ?? 0)) {
      return
    }
    this.#bases.delete(author)
    this.#bases.set(author, { updateId, sequence, replica, replicaHash })
    if (this.#bases.size > MAX_AUTHORS) {
      this.#bases.delete(this.#bases.keys().next().value!)
    }
  }

  retain (authors: ReadonlySet<PeerName>): void {
    for (const author of this.#bases.keys()) {
      authors.has(author) || this.#bases.delete(author)
    }
  }

  keyframe (replicaHash: Uint8Array): Keyframe | undefined {
    // only deltas name replicas. The others are never hashed for this: strangers ask
    const held = [...this.#published, ...this.#bases.values()].find((one) => one.replicaHash !== undefined && equalHashes(one.replicaHash, replicaHash))
    return held === undefined ? undefined : keyframeOf(held.replica)
  }

  // ---------------------------------------------------------------------------------------- own

  own (parameters: Float32Array): OwnReplica {
    checkParameters(parameters)
    const base = this.#published[0]?.replica
    const isDue = this.#inDoubt || this.#deltas + 1 >= this.#keyframeEvery
    this.#inDoubt = true
    return (base === undefined || isDue ? undefined : this.#delta(parameters, base)) ?? this.#absolute(parameters)
  }

  #absolute (parameters: Float32Array): OwnReplica {
    const { codec, parameterCount } = this.#init
    const payload = codec.encode(parameters)
    return { payload, replica: new SharedReplica(codec.decode(payload, parameterCount)) }
  }

  /** Undefined where a keyframe is as short, or what rounding makes of it cannot be a replica */
  #delta (parameters: Float32Array, base: Replica): OwnReplica | undefined {
    const { delta } = this.#init
    const payload = delta.encode(parameters, base.parameters)
    if (payload.byteLength === 0 || payload.byteLength >= this.maxPayloadBytes) {
      return undefined
    }
    const replica = new SharedReplica(delta.decode(payload, base.parameters))
    return firstUnacceptable(replica.parameters) === -1 ? { payload, replica, kind: DELTA, replicaHash: replica.hash } : undefined
  }

  published ({ replica, replicaHash, kind }: OwnReplica): void {
    this.#inDoubt = false
    this.#deltas = kind === DELTA ? this.#deltas + 1 : 0
    this.#published = [{ replica, replicaHash }, ...this.#published].slice(0, 2)
  }

  seen (parameters: Float32Array): Float32Array {
    return (this.#published[0] ?? this.#absolute(parameters)).replica.parameters
  }
}

export function deltaReplicas (init: DeltaReplicasInit): Replicas {
  return new DeltaReplicas(init)
}

/**
 * Replicas of updates that stand on nothing: each payload is decoded by itself, and no keyframe is ever needed
 *
 * Nothing is kept: as long as somebody holds the parameters of a payload, all who ask for the same payload share them.
 */
import { KEYFRAME } from '../update-kind.ts'
import { absoluteReplica, SharedReplica } from './replica.ts'
import type { Codec, OwnReplica, ReceivedUpdate, RejectionReason, Replica, Replicas } from '../interface.ts'

export interface AbsoluteReplicasInit {
  codec: Codec
  parameterCount: number
}

class AbsoluteReplicas implements Replicas {
  readonly codec: string
  readonly kinds: ReadonlySet<number> = new Set([KEYFRAME])
  readonly keepsMemory = false
  readonly maxPayloadBytes: number
  readonly maxKeyframeBytes = 0
  readonly #init: AbsoluteReplicasInit
  readonly #shared = new WeakMap<Uint8Array, WeakRef<Float32Array>>()

  constructor (init: AbsoluteReplicasInit) {
    this.#init = init
    this.codec = init.codec.name
    this.maxPayloadBytes = init.codec.maxEncodedBytes(init.parameterCount)
  }

  apply ({ codec, kind = KEYFRAME, payload }: ReceivedUpdate): Replica | RejectionReason {
    if (codec !== this.codec) {
      return 'wrong-codec'
    }
    if (kind !== KEYFRAME) {
      return 'unsupported'
    }
    const shared = this.#shared.get(payload)?.deref()
    if (shared !== undefined) {
      return new SharedReplica(shared)
    }
    const replica = absoluteReplica(this.#init.codec, payload, this.#init.parameterCount)
    typeof replica === 'string' || this.#shared.set(payload, new WeakRef(replica.parameters))
    return replica
  }

  restore (): boolean {
    return false
  }

  keyframe (): undefined {}

  own (parameters: Float32Array): OwnReplica {
    const { codec, parameterCount } = this.#init
    const payload = codec.encode(parameters)
    return { payload, replica: new SharedReplica(codec.decode(payload, parameterCount)) }
  }

  published (): void {}

  seen (parameters: Float32Array): Float32Array {
    return this.own(parameters).replica.parameters
  }

  retain (): void {}
}

export function absoluteReplicas (init: AbsoluteReplicasInit): Replicas {
  return new AbsoluteReplicas(init)
}

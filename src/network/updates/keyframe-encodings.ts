/**
 * Keyframes while they are sent: one encoding for each replica, which all transfers of it share, and few at a time
 *
 * Anybody may ask, ids are free, and an encoding is as large as a model: places for transfers alone bound too little.
 */
import type { Keyframe } from '../../interface.ts'
import type { Rank } from '../host/peer-ranks.ts'

/** Encodings of different replicas at a time, up to which whoever asks may begin one more */
const MAX_ENCODINGS: Readonly<Record<Rank, number>> = { neighbour: 4, member: 3, stranger: 1 }

/** Call `release` once, when the transfer is over or did not begin */
export interface KeyframeEncoding {
  /** The same bytes for all who hold it; made when first asked for. Must not be mutated */
  bytes: () => Uint8Array
  release: () => void
}

interface Shared {
  bytes?: Uint8Array
  holders: number
}

export class KeyframeEncodings {
  /** By the hash of the replica, hex */
  readonly #shared = new Map<string, Shared>()

  /** Undefined when too many are under way: ask again later */
  hold (replicaHash: Uint8Array, keyframe: Keyframe, rank: Rank): KeyframeEncoding | undefined {
    const key = Buffer.from(replicaHash).toString('hex')
    const running = this.#shared.get(key)
    if (running === undefined && this.#shared.size >= MAX_ENCODINGS[rank]) {
      return undefined
    }
    const shared = running ?? { holders: 0 }
    shared.holders++
    this.#shared.set(key, shared)
    return {
      bytes: () => (shared.bytes ??= keyframe.encode()),
      release: () => {
        if (--shared.holders === 0) {
          this.#shared.delete(key)
        }
      }
    }
  }
}

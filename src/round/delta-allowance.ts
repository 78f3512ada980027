/**
 * How many deltas of an author are made into replicas: a few bytes may inflate to a model, which is then hashed
 *
 * Counted in bytes of replicas, for the work is: small models may come as fast as gossip lets them, large ones at a
 * rate that no training keeps up with. What is more is lost, like what the network loses, and healed by one keyframe.
 * It is nobody's fault: a peer that stood still hears at once what others sent it meanwhile.
 */
import type { Clock, PeerName } from '../interface.ts'

/** Of one author, whatever the size of the model: deltas at once, and then each second */
const LEAST = { burst: 8, perSecond: 4 }
/** ... and as many as come to this many bytes of replicas, where that is more */
const BYTES = { burst: 33_554_432, perSecond: 16_777_216 }
/** Authors that are remembered, those heard of last; of whom a node follows far fewer take part */
const MAX_AUTHORS = 1_024

interface Bucket {
  deltas: number
  atMs: number
}

export class DeltaAllowance {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #burst: number
  readonly #perMs: number
  readonly #buckets = new Map<PeerName, Bucket>()

  constructor (clock: Pick<Clock, 'monotonicMs'>, { replicaBytes }: { replicaBytes: number }) {
    this.#clock = clock
    const bytes = Math.max(1, replicaBytes)
    this.#burst = Math.max(LEAST.burst, BYTES.burst / bytes)
    this.#perMs = Math.max(LEAST.perSecond, BYTES.perSecond / bytes) / 1_000
  }

  /** Room for one more delta of this author; false when it sends too many */
  take (author: PeerName): boolean {
    const now = this.#clock.monotonicMs()
    const { deltas, atMs } = this.#buckets.get(author) ?? { deltas: this.#burst, atMs: now }
    const left = Math.min(this.#burst, deltas + (now - atMs) * this.#perMs)
    const isAllowed = left >= 1
    this.#buckets.delete(author)
    this.#buckets.set(author, { deltas: isAllowed ? left - 1 : left, atMs: now })
    if (this.#buckets.size > MAX_AUTHORS) {
      this.#buckets.delete(this.#buckets.keys().next().value!)
    }
    return isAllowed
  }
}

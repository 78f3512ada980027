/**
 * Streams of peers of whom it is not known yet whether they are members: few, and not for long
 */
import '../../promise-with-resolvers.ts'
import type { PeerName } from '../../interface.ts'

/** What a waiting stream has received stays in memory: 256 KiB each at most */
const MAX_PER_PEER = 16
const MAX_WAITING = 256
const WAIT_MS = 5_000

export interface WaitingStreamsInit {
  /** @default 5000 */
  waitMs?: number
}

export class WaitingStreams {
  readonly #waitMs: number
  readonly #waiting = new Map<PeerName, Set<(isOpen: boolean) => void>>()
  #size = 0

  constructor ({ waitMs = WAIT_MS }: WaitingStreamsInit = {}) {
    this.#waitMs = waitMs
  }

  get size (): number {
    return this.#size
  }

  /** Resolves with what is decided about the peer; false when that takes too long, or too many wait already */
  async wait (peer: PeerName): Promise<boolean> {
    const own = this.#waiting.get(peer) ?? new Set()
    if (own.size >= MAX_PER_PEER || this.#size >= MAX_WAITING) {
      return false
    }
    const { promise, resolve } = Promise.withResolvers<boolean>()
    own.add(resolve)
    this.#waiting.set(peer, own)
    this.#size++
    const timer = setTimeout(() => { resolve(false) }, this.#waitMs)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#size--
      own.delete(resolve)
      if (own.size === 0 && this.#waiting.get(peer) === own) {
        this.#waiting.delete(peer)
      }
    })
  }

  decide (peer: PeerName, isOpen: boolean): void {
    this.#waiting.get(peer)?.forEach((resolve) => { resolve(isOpen) })
  }

  /** Nobody waits any longer */
  refuseAll (): void {
    for (const peer of [...this.#waiting.keys()]) {
      this.decide(peer, false)
    }
  }
}

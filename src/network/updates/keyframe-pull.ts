/**
 * Fetches the keyframe of a replica that a signed header names by its hash
 *
 * A keyframe needs no signature of its own: only what decodes to the named replica is taken, whoever handed it over.
 * All bytes come from one peer at a time, so that wrong ones convict it.
 */
import { PullError } from '../../errors.ts'
import { Limiter } from '../support/limiter.ts'
import { withinDeadline } from './transfer-deadline.ts'
import { STATUS_BUSY, STATUS_OK } from './update-server.ts'
import type { AbortOptions, Clock, PeerName, ReceivedUpdate, RejectionReason } from '../../interface.ts'
import type { UpdatePuller } from './update-pull.ts'

/** The memory of unfinished keyframes is this many of the largest */
const MAX_TRANSFERS = 8
/** Peers that are asked for one keyframe */
const MAX_SOURCES = 4
/** Questions for one keyframe: who is busy is asked again */
const MAX_ATTEMPTS = 6
const RETRY_MS = 200

export interface KeyframePullerComponents {
  puller: Pick<UpdatePuller, 'exchange' | 'request' | 'sources'>
  clock: Clock
  /** A peer sent bytes that are not what it promised: counted and scored */
  refuse: (peer: PeerName, reason: RejectionReason, author?: PeerName) => void
}

type Accept = (keyframe: Uint8Array) => boolean

export class KeyframePuller {
  readonly #components: KeyframePullerComponents
  readonly #maxKeyframeBytes: number
  readonly #transfers = new Limiter(MAX_TRANSFERS)

  constructor (components: KeyframePullerComponents, { maxKeyframeBytes }: { maxKeyframeBytes: number }) {
    this.#components = components
    this.#maxKeyframeBytes = maxKeyframeBytes
  }

  /** True when `accept` took what one of those sent who may hold it. Rejects when the signal aborts first */
  async pull (update: ReceivedUpdate, accept: Accept, options: AbortOptions = {}): Promise<boolean> {
    const { replicaHash } = update
    if (replicaHash === undefined || this.#maxKeyframeBytes === 0) {
      return false
    }
    return this.#transfers.run(async () => {
      options.signal?.throwIfAborted()
      return withinDeadline(this.#components.clock, this.#maxKeyframeBytes, async (signal) => this.#attempt(update, replicaHash, accept, signal), options)
    }, options)
  }

  async #attempt ({ author, from }: ReceivedUpdate, replicaHash: Uint8Array, accept: Accept, signal: AbortSignal): Promise<boolean> {
    const { puller, clock, refuse } = this.#components
    const sources = puller.sources(author, from).slice(0, MAX_SOURCES)
    for (let attempt = 0; attempt < MAX_ATTEMPTS && sources.length > 0; attempt++) {
      signal.throwIfAborted()
      const source = sources.shift()!
      const keyframe = await this.#ask(source, author, replicaHash, signal).catch(() => 'again' as const)
      if (keyframe === 'again') {
        sources.push(source)
        await clock.delay(RETRY_MS * (attempt + 1), { signal })
      } else if (keyframe !== 'not-held' && accept(keyframe)) {
        return true
      } else if (keyframe !== 'not-held') {
        refuse(source, 'payload-hash', author)
      }
    }
    return false
  }

  async #ask (source: PeerName, author: PeerName, replicaHash: Uint8Array, signal: AbortSignal): Promise<Uint8Array | 'again' | 'not-held'> {
    const { puller } = this.#components
    const request = { ...puller.request(author), payloadHash: Uint8Array.from(replicaHash), keyframe: true }
    return puller.exchange(source, request, { signal }, async (bytes, { status, remainingBytes }) => {
      if (status !== STATUS_OK) {
        return status === STATUS_BUSY ? 'again' : 'not-held'
      }
      if (remainingBytes < 1 || remainingBytes > this.#maxKeyframeBytes) {
        bytes.stream.abort(new PullError(`${source} offers a keyframe of ${remainingBytes} bytes, of at most ${this.#maxKeyframeBytes}`))
        return 'not-held'
      }
      const keyframe = new Uint8Array(remainingBytes)
      await bytes.readInto(keyframe)
      return keyframe
    })
  }
}

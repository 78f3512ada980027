/**
 * Asks for the keyframes that updates need, without holding up a round or flooding those who are asked
 *
 * Of one author one keyframe is asked for at a time, that of its newest update, and for each update once: so after a
 * partition each peer asks once for each author that it follows. What came meanwhile stands on the keyframe when it is
 * there, and needs none.
 */
import '../promise-with-resolvers.ts'
import { unlessAborted } from './collect.ts'
import type { Clock, Network, PeerName, ReceivedUpdate, Replicas } from '../interface.ts'

export interface KeyframesComponents {
  network: Pick<Network, 'pullKeyframe'>
  replicas: Pick<Replicas, 'restore'>
  clock: Pick<Clock, 'monotonicMs'>
}

export interface KeyframesInit {
  /** Takes in an update whose keyframe came, or which waited for that of an earlier one */
  enter: (update: ReceivedUpdate) => 'needs-keyframe' | undefined
  /** The keyframe of this update cannot be had */
  giveUp: (update: ReceivedUpdate) => void
}

/** What could not be had is asked for again after this, where somebody still wants it */
const AGAIN_MS = 5_000
/** Updates of one author that wait for the keyframe of an earlier one; the oldest gives way */
const MAX_WAITING = 8
/** Authors of whom it is known that a keyframe could not be had */
const MAX_FAILED = 256

interface Request {
  updateId: string
  arrival: Promise<boolean>
}

export class Keyframes {
  readonly #components: KeyframesComponents
  readonly #init: KeyframesInit
  /** By author: the one that is on its way */
  readonly #requests = new Map<PeerName, Request>()
  readonly #waiting = new Map<PeerName, ReceivedUpdate[]>()
  readonly #failed = new Map<PeerName, { updateId: string, atMs: number }>()

  constructor (components: KeyframesComponents, init: KeyframesInit) {
    this.#components = components
    this.#init = init
  }

  /** Sees to it that this update is taken in, or given up. Never throws */
  ask (update: ReceivedUpdate, signal: AbortSignal): void {
    const { author } = update
    const waiting = this.#waiting.get(author)
    if (waiting === undefined) {
      this.#waiting.set(author, [update])
      void this.#work(author, signal)
      return
    }
    waiting.push(update)
    if (waiting.length > MAX_WAITING) {
      this.#init.giveUp(waiting.shift()!)
    }
  }

  async #work (author: PeerName, signal: AbortSignal): Promise<void> {
    for (;;) {
      // one that catching up asked for, perhaps: what waits may stand on it
      await this.#requests.get(author)?.arrival
      const needy = (this.#waiting.get(author) ?? []).splice(0).filter((update) => this.#init.enter(update) === 'needs-keyframe')
      const newest = needy.pop()
      needy.forEach((update) => { this.#init.giveUp(update) })
      if (newest === undefined || signal.aborted) {
        this.#waiting.delete(author)
        return
      }
      if (!await this.fetch(newest, signal) || this.#init.enter(newest) === 'needs-keyframe') {
        this.#init.giveUp(newest)
      }
    }
  }

  /**
   * Restores the replica of this update. False when its keyframe cannot be had, or could not a moment ago, or another
   * one of its author is on its way. False as soon as the signal aborts, too: what others wait for goes on. Never
   * rejects
   */
  async fetch (update: ReceivedUpdate, signal: AbortSignal): Promise<boolean> {
    const { author, updateId } = update
    const running = this.#requests.get(author)
    if (running !== undefined) {
      return running.updateId === updateId && unlessAborted(running.arrival, signal).catch(() => false)
    }
    const failed = this.#failed.get(author)
    if (failed?.updateId === updateId && this.#components.clock.monotonicMs() - failed.atMs < AGAIN_MS) {
      return false
    }
    const arrival = this.#pull(update, signal)
    this.#requests.set(author, { updateId, arrival })
    return unlessAborted(arrival, signal).catch(() => false)
  }

  async #pull (update: ReceivedUpdate, signal: AbortSignal): Promise<boolean> {
    const { network, replicas } = this.#components
    try {
      const isThere = await network.pullKeyframe(update, (keyframe) => replicas.restore(update, keyframe), { signal })
      isThere || this.#fail(update)
      return isThere
    } catch {
      // the network is stopping, or the signal aborted: nobody gave a wrong answer
      return false
    } finally {
      this.#requests.delete(update.author)
    }
  }

  #fail ({ author, updateId }: ReceivedUpdate): void {
    this.#failed.delete(author)
    this.#failed.set(author, { updateId, atMs: this.#components.clock.monotonicMs() })
    if (this.#failed.size > MAX_FAILED) {
      this.#failed.delete(this.#failed.keys().next().value!)
    }
  }
}

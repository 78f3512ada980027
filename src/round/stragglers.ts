/**
 * How long a round waits for its neighbours, and who is not waited for any more
 */
import { AdaptiveDeadline } from './adaptive-deadline.ts'
import { collect } from './collect.ts'
import { MissCounter } from './miss-counter.ts'
import type { Clock, Network, PeerName } from '../interface.ts'
import type { Inbox } from './inbox.ts'

/** Deadlines in a row that a live neighbour may miss before another one takes its place */
const MAX_MISSES = 3

export interface StragglersComponents {
  network: Pick<Network, 'neighbours' | 'suspend' | 'addEventListener' | 'removeEventListener'>
  clock: Clock
  inbox: Pick<Inbox, 'delivered'>
  /** Tells of each update that was taken in: see CollectOptions */
  wake: EventTarget
}

export class Stragglers {
  readonly #components: StragglersComponents
  readonly #deadline: AdaptiveDeadline
  readonly #misses = new MissCounter(MAX_MISSES)

  /** @param deadlineMs - The document's: nobody is waited for longer */
  constructor (components: StragglersComponents, deadlineMs: number) {
    this.#components = components
    this.#deadline = new AdaptiveDeadline(deadlineMs)
  }

  /** For these peers, by what was seen of them; `trainedMs`: the own training took so long */
  waitMs (live: readonly PeerName[], trainedMs: number): number {
    return this.#deadline.waitMs(live, trainedMs)
  }

  /** An update came so long after the own one. Also when the round is over: else a deadline could never grow */
  observe (author: PeerName, lagMs: number): void {
    this.#deadline.observe(author, lagMs)
  }

  /**
   * Until all live neighbours have delivered, or the deadline. Who was late too often in a row is left out
   *
   * @param besidesMs - What the deadline is longer by
   * @returns The live neighbours that had not delivered. Rejects with the signal's reason
   */
  async wait (round: number, { trainedMs, besidesMs, signal }: { trainedMs: number, besidesMs: number, signal: AbortSignal }): Promise<PeerName[]> {
    const { network, clock, inbox, wake } = this.#components
    const live = network.neighbours().filter((neighbour) => neighbour.live).map(({ peer }) => peer)
    live.filter((peer) => inbox.delivered(peer, round)).forEach((peer) => { this.#deadline.observe(peer, 0) })
    const late = await collect({ network, clock }, {
      deadlineMs: this.waitMs(live, trainedMs) + besidesMs,
      delivered: (peer) => inbox.delivered(peer, round),
      wake,
      signal
    })
    for (const peer of this.#misses.note(late)) {
      this.#deadline.forget(peer)
      network.suspend(peer)
    }
    return late
  }
}

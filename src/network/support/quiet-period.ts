/**
 * Calls back once after a bunch of news, when there was none for a while
 */
import type { Clock } from '../../interface.ts'

export interface QuietPeriodInit {
  clock: Clock
  /** How long it must be quiet, asked at every piece of news */
  quietMs: () => number
  /** ... or the first news is this old */
  maxWaitMs: number
  /** Ends all waiting without a call */
  signal: AbortSignal
  onQuiet: () => void
}

/** Longer where news takes longer to come round: a graph of half the members asks for wrong connections */
const QUIET_MS = 100
const QUIET_MS_PER_MEMBER = 10
const MAX_QUIET_MS = 400

/** How long it should be quiet about members before the graph of so many is drawn */
export function quietMsFor (members: number): number {
  return Math.min(MAX_QUIET_MS, QUIET_MS + members * QUIET_MS_PER_MEMBER)
}

export class QuietPeriod {
  readonly #init: QuietPeriodInit
  #waiting = false
  #untilMs = 0

  constructor (init: QuietPeriodInit) {
    this.#init = init
  }

  news (): void {
    const { clock, quietMs, signal } = this.#init
    this.#untilMs = clock.monotonicMs() + quietMs()
    if (!this.#waiting && !signal.aborted) {
      this.#waiting = true
      void this.#wait()
    }
  }

  async #wait (): Promise<void> {
    const { clock, maxWaitMs, onQuiet, signal } = this.#init
    const latestMs = clock.monotonicMs() + maxWaitMs
    try {
      for (let now = clock.monotonicMs(); now < this.#untilMs && now < latestMs; now = clock.monotonicMs()) {
        await clock.delay(Math.min(this.#untilMs, latestMs) - now, { signal })
      }
    } catch {
      // stopped
      return
    } finally {
      this.#waiting = false
    }
    onQuiet()
  }
}

/**
 * When to try each address again: exponential backoff with jitter, never giving up
 */
import type { Clock, Random } from '../../interface.ts'

export interface RedialScheduleInit {
  clock: Pick<Clock, 'monotonicMs'>
  random: Random
  /** Wait after the first failure, ± a quarter */
  firstMs: number
}

interface Attempt {
  failures: number
  /** Not before this, on the monotonic clock */
  nextMs: number
}

export class RedialSchedule {
  readonly #init: RedialScheduleInit
  readonly #attempts = new Map<string, Attempt>()

  constructor (init: RedialScheduleInit) {
    this.#init = init
  }

  isDue (key: string): boolean {
    const attempt = this.#attempts.get(key)
    return attempt === undefined || attempt.nextMs <= this.#init.clock.monotonicMs()
  }

  /** The wait doubles with each failure, up to `maxMs` */
  failed (key: string, maxMs: number): void {
    const failures = (this.#attempts.get(key)?.failures ?? 0) + 1
    const waitMs = Math.min(maxMs, this.#init.firstMs * 2 ** Math.min(failures - 1, 30)) * (0.75 + this.#init.random() / 2)
    this.#attempts.set(key, { failures, nextMs: this.#init.clock.monotonicMs() + waitMs })
  }

  /** Forgets failures; the next attempt is due after `waitMs` */
  reset (key: string, waitMs = 0): void {
    this.#attempts.set(key, { failures: 0, nextMs: this.#init.clock.monotonicMs() + waitMs })
  }

  /** Forgets all keys but these: memory is bounded by what is still of interest */
  retain (keys: ReadonlySet<string>): void {
    for (const key of this.#attempts.keys()) {
      if (!keys.has(key)) {
        this.#attempts.delete(key)
      }
    }
  }
}

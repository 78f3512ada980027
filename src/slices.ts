/**
 * Long computations in slices, so that what else the thread has to do gets its turn in between
 *
 * The computation is a generator that yields wherever it may be left alone for a while; who runs it decides whether it
 * is. Over a clock that stands still while something is computed (a simulation's, a test's) it never is.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'

interface Timer {
  monotonicMs: () => number
}

/** Of one turn of the event loop: what waits meanwhile waits about so long */
const SLICE_MS = 10

/** Elements of a vector between two yields: for ten vectors about a millisecond of work */
export const PIECE = 65_536

/** A computation that can be left alone at each `yield`. Its result does not depend on whether it is */
export type Sliced<T> = Generator<undefined, T, undefined>

/** All of it now. Throws what it throws */
export function atOnce<T> (work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) {
      return value
    }
  }
}

/** In slices of about 10 ms. Rejects with what it throws, or with the signal's reason */
export async function inSlices<T> (work: Sliced<T>, clock: Timer, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
  for (let startedMs = clock.monotonicMs(); ;) {
    const { done, value } = work.next()
    if (done === true) {
      return value
    }
    if (clock.monotonicMs() - startedMs >= SLICE_MS) {
      await nextTurn()
      signal?.throwIfAborted()
      startedMs = clock.monotonicMs()
    }
  }
}

/** Short pieces of work that come one by one: what one turn of the event loop has no room for waits for the next */
export class WorkQueue<T> {
  readonly #clock: Timer
  readonly #work: (item: T) => void
  readonly #waiting: T[] = []
  #isBusy = false

  /** @param work - Must not throw */
  constructor (clock: Timer, work: (item: T) => void) {
    this.#clock = clock
    this.#work = work
  }

  /** Done when it returns, unless what came just before took long. In the order in which they came */
  add (item: T): void {
    this.#waiting.push(item)
    if (!this.#isBusy) {
      this.#turn()
    }
  }

  #turn (): void {
    const startedMs = this.#clock.monotonicMs()
    const isOver = (): boolean => this.#clock.monotonicMs() - startedMs >= SLICE_MS
    this.#isBusy = true
    while (this.#waiting.length > 0 && !isOver()) {
      this.#work(this.#waiting.shift()!)
    }
    if (isOver()) {
      // also where nothing waits: more may come in this turn
      setImmediate(() => { this.#turn() })
    } else {
      this.#isBusy = false
    }
  }
}

/**
 * Time that passes only when nothing is left to do: the Clock port over a queue of events
 *
 * A simulation that waits for nothing but this clock is a function of its seed, however fast the machine is and
 * whatever else it does: everything that can happen at one moment happens before the next one, in the order in which
 * it was asked for.
 */
import '../promise-with-resolvers.ts'
import { EventQueue } from './event-queue.ts'
import type { AbortOptions, Clock } from '../interface.ts'

/** Milliseconds since 1970 at which every simulation begins: 2026-01-01 */
const EPOCH_MS = 1_767_225_600_000

interface Entry {
  action: () => void
  isCancelled: boolean
}

/** Everybody waits for somebody, and no time that passes would change that */
export class StandstillError extends Error {
  override name = 'StandstillError'
}

/** Lets everything happen that needs no time: promises, and events that follow from them */
async function settled (): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve) })
}

export class VirtualClock implements Clock {
  readonly #queue = new EventQueue<Entry>()
  readonly #outside = new Set<Promise<unknown>>()
  #elapsedMs = 0

  now = (): number => EPOCH_MS + this.#elapsedMs

  monotonicMs = (): number => this.#elapsedMs

  delay = async (ms: number, { signal }: AbortOptions = {}): Promise<void> => {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const cancel = this.schedule(ms, resolve)
    const onAbort = (): void => {
      cancel()
      reject(signal!.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Runs `action` in `ms`, at once where that is not positive, after all that was asked for the same moment before */
  schedule (ms: number, action: () => void): () => void {
    const entry: Entry = { action, isCancelled: false }
    this.#queue.put(this.#elapsedMs + Math.max(0, ms), entry)
    return () => { entry.isCancelled = true }
  }

  /** Time stands still until `work`, which something outside of the simulation does, is settled; hands on what it is */
  async outside<T> (work: Promise<T>): Promise<T> {
    this.#outside.add(work)
    try {
      return await work
    } finally {
      this.#outside.delete(work)
    }
  }

  /**
   * Lets time pass until `work` is settled, and returns what it resolves to
   *
   * Throws what `work` rejects with; StandstillError when nothing is left that could happen
   */
  async run<T> (work: Promise<T>): Promise<T> {
    const state = { isDone: false }
    const done = work.finally(() => { state.isDone = true })
    // looked at below, also when it rejects first
    done.catch(() => {})
    await settled()
    while (!state.isDone) {
      if (this.#outside.size > 0) {
        await Promise.allSettled(this.#outside)
      } else if (!this.step()) {
        throw new StandstillError('the simulation stands still: everybody waits, and nothing is left that could happen')
      }
      await settled()
    }
    return done
  }

  /** Goes on to the next moment at which something happens, and lets it happen; false where nothing is left */
  step (): boolean {
    let event = this.#queue.take()
    while (event?.value.isCancelled === true) {
      event = this.#queue.take()
    }
    if (event !== undefined) {
      this.#elapsedMs = event.at
      event.value.action()
    }
    return event !== undefined
  }
}

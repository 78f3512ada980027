import '../../promise-with-resolvers.ts'
import type { AbortOptions } from '../../interface.ts'

/** Runs a bounded number of tasks at a time; the others wait in the order of their arrival */
export class Limiter {
  private readonly limit: number
  private waiting: Array<() => void> = []
  private running = 0

  constructor (limit: number) {
    this.limit = limit
  }

  /** Rejects with the signal's reason when that aborts before the task began; a task that runs sees to it itself */
  async run<T> (task: () => Promise<T>, { signal }: AbortOptions = {}): Promise<T> {
    if (this.running >= this.limit) {
      await this.turn(signal)
    } else {
      this.running++
    }
    try {
      return await task()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) {
        this.running--
      } else {
        next()
      }
    }
  }

  private async turn (signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const begin = (): void => { resolve(undefined) }
    // whose turn has come is not among those that wait: it keeps its place, and gives it back when its task ends
    const leave = (): void => {
      this.waiting = this.waiting.filter((other) => other !== begin)
      reject(signal?.reason as Error)
    }
    this.waiting.push(begin)
    signal?.addEventListener('abort', leave, { once: true })
    await promise.finally(() => { signal?.removeEventListener('abort', leave) })
  }
}

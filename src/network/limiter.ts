/** Runs a bounded number of tasks at a time; the others wait in the order of their arrival */
export class Limiter {
  private readonly limit: number
  private readonly waiting: Array<() => void> = []
  private running = 0

  constructor (limit: number) {
    this.limit = limit
  }

  async run<T> (task: () => Promise<T>): Promise<T> {
    if (this.running >= this.limit) {
      await new Promise<void>((resolve) => { this.waiting.push(resolve) })
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
}

/**
 * A clock that moves only when the test says so
 */
import type { Clock } from '../src/interface.ts'

interface Timer {
  atMs: number
  fire: () => void
}

export class ManualClock implements Clock {
  private nowMs = 1_000_000
  private timers: Timer[] = []

  now = (): number => this.nowMs
  monotonicMs = (): number => this.nowMs

  delay: Clock['delay'] = async (ms, options) => new Promise<void>((resolve, reject) => {
    const signal = options?.signal
    if (signal?.aborted === true) {
      reject(signal.reason as Error)
      return
    }
    const timer: Timer = { atMs: this.nowMs + ms, fire: resolve }
    this.timers.push(timer)
    signal?.addEventListener('abort', () => {
      this.timers = this.timers.filter((other) => other !== timer)
      reject(signal.reason as Error)
    })
  })

  /** How long until the next timer; undefined when none runs */
  get nextInMs (): number | undefined {
    return this.timers.length === 0 ? undefined : Math.min(...this.timers.map(({ atMs }) => atMs)) - this.nowMs
  }

  /** Resolves once somebody waits on this clock, for longer than a turn of the event loop */
  async waited (): Promise<void> {
    for (let turn = 0; turn < 100_000; turn++) {
      const [timer] = this.timers
      await new Promise((resolve) => { setImmediate(resolve) })
      if (timer !== undefined && this.timers.includes(timer)) {
        return
      }
    }
    throw new RangeError('nobody waits on the clock')
  }

  advance (ms: number): void {
    this.nowMs += ms
    const due = this.timers.filter(({ atMs }) => atMs <= this.nowMs)
    this.timers = this.timers.filter(({ atMs }) => atMs > this.nowMs)
    for (const { fire } of due) {
      fire()
    }
  }
}

/**
 * Where the time of a round goes
 */
import type { Clock } from '../interface.ts'
import type { PhaseTimes, RoundPhase } from './round-events.ts'

export function noTimes (): PhaseTimes {
  return { trainMs: 0, encodeMs: 0, publishMs: 0, waitMs: 0, aggregateMs: 0, evaluateMs: 0, persistMs: 0 }
}

/** Measures the phases of one round after the other, and knows which one is in hand */
export class PhaseTimer {
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private readonly onPhase: (phase: RoundPhase) => void
  current: RoundPhase | undefined

  constructor (clock: Pick<Clock, 'monotonicMs'>, onPhase: (phase: RoundPhase) => void) {
    this.clock = clock
    this.onPhase = onPhase
  }

  /** Adds the time that the work takes to `times`, also when it fails */
  async timed<T> (times: PhaseTimes, phase: RoundPhase, work: () => T | Promise<T>): Promise<T> {
    const startedAtMs = this.clock.monotonicMs()
    this.current = phase
    this.onPhase(phase)
    try {
      return await work()
    } finally {
      times[`${phase}Ms`] += this.clock.monotonicMs() - startedAtMs
    }
  }
}

/**
 * A clock on which whoever waits has waited at once: for what happens when nothing else does
 */
import type { Clock } from '../src/interface.ts'

export function hastyClock (): Clock {
  let nowMs = 0
  return {
    now: () => 1_700_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    delay: async (ms, { signal } = {}) => {
      // others that are due in this turn come first
      await new Promise((resolve) => { setImmediate(resolve) })
      signal?.throwIfAborted()
      nowMs += ms
    }
  }
}

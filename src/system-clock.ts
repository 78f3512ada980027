/**
 * The machine's clock behind the Clock port
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './interface.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  delay: async (ms, options) => {
    await delay(ms, undefined, options?.signal === undefined ? {} : { signal: options.signal })
  }
}

/**
 * Where the time of a round goes
 */
import type { PhaseTimes } from '../node-interface.ts'

export function noTimes (): PhaseTimes {
  return { trainMs: 0, encodeMs: 0, publishMs: 0, waitMs: 0, aggregateMs: 0, evaluateMs: 0, persistMs: 0 }
}

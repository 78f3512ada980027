/**
 * A verified update as the round engine sees it
 */
import type { ReceivedUpdate } from '../interface.ts'
import type { PulledUpdate } from './update-pull.ts'

export function receivedUpdate ({ signed, payload, from }: PulledUpdate, receivedAtMs: number): ReceivedUpdate {
  const { author, id: updateId, header: { round, sequence, codec, degree } } = signed
  return { author, updateId, round, sequence, codec, degree, payload, from, receivedAtMs }
}

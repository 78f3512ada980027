/**
 * A verified update as the round engine sees it
 */
import type { ReceivedUpdate } from '../../interface.ts'
import type { PulledUpdate } from './update-pull.ts'

export function receivedUpdate ({ signed, payload, from }: PulledUpdate, receivedAtMs: number): ReceivedUpdate {
  const { author, id: updateId, header: { round, sequence, codec, degree, kind, previousHash, replicaHash } } = signed
  return {
    ...{ author, updateId, round, sequence, codec, degree, kind, payload, from, receivedAtMs },
    ...(previousHash.byteLength === 0 ? {} : { follows: Buffer.from(previousHash).toString('hex') }),
    ...(replicaHash.byteLength === 0 ? {} : { replicaHash })
  }
}

/**
 * Who missed how many deadlines in a row
 */
import type { PeerName } from '../interface.ts'

export class MissCounter {
  private readonly limit: number
  private counts = new Map<PeerName, number>()

  /** `limit`: misses in a row after which a peer is given up */
  constructor (limit: number) {
    this.limit = limit
  }

  /** Notes who was late in a round, and forgives all others; returns those that reached the limit, who begin anew */
  note (late: readonly PeerName[]): PeerName[] {
    const counts = new Map(late.map((peer) => [peer, (this.counts.get(peer) ?? 0) + 1]))
    const given = late.filter((peer) => counts.get(peer)! >= this.limit)
    for (const peer of given) {
      counts.delete(peer)
    }
    this.counts = counts
    return given
  }
}

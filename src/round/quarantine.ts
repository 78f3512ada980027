/**
 * Whose updates are held back: the most suspicious neighbours, until they are usual again
 *
 * What is held back is still judged, so that a peer comes back by itself (suspicion.ts). Never more than f at once, for
 * the federation declares that no more than f lie: liars who make honest peers look odd gain f exclusions and no more,
 * and the rule withstands f liars whether they are held back or not.
 */
import { SUSPECT } from './suspicion.ts'
import type { PeerName } from '../interface.ts'
import type { Suspicion } from './suspicion.ts'

/** Below the level that leads in, so that nobody is in and out by turns: five usual updates after a level of 1 */
const RELEASE = 0.3

export class Quarantine {
  private readonly suspicion: Suspicion
  private readonly limit: number
  private readonly held = new Set<PeerName>()

  /** @param limit - Peers held back at once, at most */
  constructor (suspicion: Suspicion, limit: number) {
    this.suspicion = suspicion
    this.limit = limit
  }

  /** Takes in a round's levels. `peers`: whose updates are there to judge */
  observe (peers: readonly PeerName[]): void {
    for (const peer of this.held) {
      if (this.suspicion.level(peer) < RELEASE) {
        this.held.delete(peer)
      }
    }
    peers.filter((peer) => this.suspicion.level(peer) >= SUSPECT).forEach((peer) => this.held.add(peer))
  }

  /**
   * Those of `peers` to hold back now, the most suspicious first: f at most, and so few that `needed` are left
   */
  among (peers: readonly PeerName[], needed: number): PeerName[] {
    const room = Math.max(0, Math.min(this.limit, peers.length - needed))
    return peers.filter((peer) => this.held.has(peer))
      .sort((a, b) => this.suspicion.level(b) - this.suspicion.level(a) || (a < b ? -1 : 1))
      .slice(0, room)
  }

  /** All that are held back, neighbours at present or not, with their levels, ascending */
  levels (): Record<PeerName, number> {
    return Object.fromEntries([...this.held].sort().map((peer) => [peer, this.suspicion.level(peer)]))
  }

  /** Takes up an earlier run */
  restore (peers: readonly PeerName[]): void {
    peers.forEach((peer) => this.held.add(peer))
  }
}

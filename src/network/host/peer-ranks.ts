/**
 * What other peers are to this node: neighbours come first, then members, and strangers share what is left
 */
import type { PeerName } from '../../interface.ts'

export type Rank = 'neighbour' | 'member' | 'stranger'

export class PeerRanks {
  private neighbours: ReadonlySet<PeerName> = new Set()
  /** Asked for those that are no neighbours */
  isMember: (peer: PeerName) => boolean = () => false

  /** Whose updates are followed, now or from the next round on */
  setNeighbours (neighbours: readonly PeerName[]): void {
    this.neighbours = new Set(neighbours)
  }

  of (peer: PeerName): Rank {
    if (this.neighbours.has(peer)) {
      return 'neighbour'
    }
    return this.isMember(peer) ? 'member' : 'stranger'
  }
}

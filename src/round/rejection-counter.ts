/**
 * What was refused since the last round, by reason and by peer
 */
import type { NetworkEvents, PeerName, RejectionReason } from '../interface.ts'

type Counts = Partial<Record<RejectionReason, number>>

/** Peers named one by one; a Sybil swarm beyond that is counted in the totals only */
const MAX_NAMED_PEERS = 256

const JUDGEMENTS: ReadonlySet<RejectionReason> = new Set<RejectionReason>([
  'oversized', 'malformed', 'wrong-author', 'bad-signature', 'equivocation', 'payload-hash', 'codec', 'shape', 'not-finite', 'norm', 'wrong-codec', 'distance-gate'
])

/** What only the author can have done. Everything else was done by whoever handed the message over, in whatever name */
const OF_AUTHOR: ReadonlySet<RejectionReason> = new Set<RejectionReason>([
  'round-window', 'equivocation', 'rate', 'banned', 'payload-unavailable'
])

/** Whom a refusal is counted against: anybody can send garbage that bears another's name */
export function culprit ({ peer, author, reason }: NetworkEvents['update:rejected']['detail']): PeerName {
  return OF_AUTHOR.has(reason) ? author ?? peer : peer
}

export class RejectionCounter {
  private byReason: Counts = {}
  private byPeer = new Map<PeerName, Counts>()

  add (peer: PeerName, reason: RejectionReason): void {
    this.byReason[reason] = (this.byReason[reason] ?? 0) + 1
    let counts = this.byPeer.get(peer)
    if (counts === undefined) {
      if (this.byPeer.size >= MAX_NAMED_PEERS) {
        return
      }
      counts = {}
      this.byPeer.set(peer, counts)
    }
    counts[reason] = (counts[reason] ?? 0) + 1
  }

  /** Those of which something was refused for what it said; late, lost or merely not chosen is no judgement */
  judged (peers: ReadonlyArray<{ peer: PeerName }>): Set<PeerName> {
    const isJudged = (peer: PeerName): boolean => Object.keys(this.byPeer.get(peer) ?? {}).some((reason) => JUDGEMENTS.has(reason as RejectionReason))
    return new Set(peers.map(({ peer }) => peer).filter(isJudged))
  }

  /** Returns the counts and begins anew */
  drain (): { rejected: Counts, rejectedPeers: Record<PeerName, Counts> } {
    const drained = { rejected: this.byReason, rejectedPeers: Object.fromEntries(this.byPeer) }
    this.byReason = {}
    this.byPeer = new Map()
    return drained
  }
}

/**
 * Who is sent an update when there are not places for all
 *
 * Every neighbour has some places of its own, which no other peer can take. Members and strangers have a share of the
 * rest, and no range of addresses has more than half of a share. Who is slowest of those that read too slowly makes
 * room, and whoever let a transfer stall has fewer places for a while: asking again renews nothing.
 */
import { PullError } from '../../errors.ts'
import { rangeOf } from '../host/address-range.ts'
import { SLOWEST_BYTES_PER_MS } from './transfer-deadline.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock, PeerName } from '../../interface.ts'
import type { AddressRange } from '../host/address-range.ts'
import type { PeerRanks, Rank } from '../host/peer-ranks.ts'

interface Share {
  /** Transfers of all peers of this rank, beside those that are a neighbour's own */
  all: number
  /** ... and of one of them */
  each: number
  /** A peer's own: counted for nobody else */
  own: number
}

/**
 * A puller has 12 transfers at a time. The memory for each is a send window: payloads are shared with the cache, and
 * keyframes among all transfers of one (keyframe-encodings.ts)
 */
const SHARES: Readonly<Record<Rank, Share>> = {
  neighbour: { all: 64, each: 12, own: 4 },
  member: { all: 24, each: 4, own: 0 },
  stranger: { all: 8, each: 2, own: 0 }
}
/** A transfer is not judged by its rate before */
const GRACE_MS = 3_000
/** A stalled transfer halves the places of a peer for this long; stalls add up */
const FORGIVEN_MS = 60_000
const MAX_STALLED_PEERS = 1_024

/** Room for one transfer. Call `release` when it is over */
export interface TransferPlace {
  /** Aborts when others need the place */
  readonly signal: AbortSignal
  /** Bytes were taken by the other side */
  moved: (bytes: number) => void
  /** @param completed - False when it stalled, or took too long */
  release: (completed: boolean) => void
}

interface Held {
  peer: PeerName
  range: AddressRange
  sinceMs: number
  bytes: number
  abort: AbortController
}

interface Stalls {
  count: number
  sinceMs: number
}

export interface TransferPlacesComponents {
  clock: Pick<Clock, 'monotonicMs'>
  ranks: Pick<PeerRanks, 'of'>
}

export class TransferPlaces {
  private readonly components: TransferPlacesComponents
  private readonly held = new Set<Held>()
  private readonly stalls = new Map<PeerName, Stalls>()

  constructor (components: TransferPlacesComponents) {
    this.components = components
  }

  /** Undefined when the peer must ask again later */
  take (peer: PeerName, address: Multiaddr): TransferPlace | undefined {
    const { clock, ranks } = this.components
    const rank = ranks.of(peer)
    const { each, own } = this.sharesOf(peer, rank)
    const count = [...this.held].filter((held) => held.peer === peer).length
    const range = rangeOf(address)
    if (count >= each || (count >= own && !this.hasRoom(rank, range))) {
      return undefined
    }
    const held: Held = { peer, range, sinceMs: clock.monotonicMs(), bytes: 0, abort: new AbortController() }
    this.held.add(held)
    return {
      signal: held.abort.signal,
      moved: (bytes) => { held.bytes += bytes },
      release: (completed) => { this.release(held, completed) }
    }
  }

  private release (held: Held, completed: boolean): void {
    if (this.held.delete(held) && !completed) {
      this.noteStall(held.peer)
    }
  }

  /** Room in what peers of this rank share */
  private hasRoom (rank: Rank, range: AddressRange): boolean {
    const shared = this.shared(rank)
    const { all } = SHARES[rank]
    const alike = shared.filter((held) => held.range.key === range.key)
    if (rank !== 'neighbour' && !range.isLocal && alike.length >= all / 2) {
      return this.dismiss(alike)
    }
    return shared.length < all || this.dismiss(shared)
  }

  /** What counts against the share of this rank; neighbours share what is beyond their own places with all others */
  private shared (rank: Rank): Held[] {
    const { ranks } = this.components
    const counts = new Map<PeerName, number>()
    return [...this.held].filter(({ peer }) => {
      const count = (counts.get(peer) ?? 0) + 1
      counts.set(peer, count)
      const other = ranks.of(peer)
      return rank === 'neighbour' ? count > SHARES[other].own : other === rank
    })
  }

  /** False when none of them is too slow: the deadline of an honest transfer ends it at this rate */
  private dismiss (candidates: readonly Held[]): boolean {
    const now = this.components.clock.monotonicMs()
    const rate = ({ bytes, sinceMs }: Held): number => bytes / Math.max(1, now - sinceMs)
    const [slowest] = candidates
      .filter((held) => now - held.sinceMs >= GRACE_MS && rate(held) < SLOWEST_BYTES_PER_MS)
      .sort((a, b) => rate(a) - rate(b))
    if (slowest === undefined) {
      return false
    }
    this.release(slowest, false)
    slowest.abort.abort(new PullError('others need the place'))
    return true
  }

  private noteStall (peer: PeerName): void {
    const count = this.stallsOf(peer) + 1
    this.stalls.delete(peer)
    this.stalls.set(peer, { count, sinceMs: this.components.clock.monotonicMs() })
    if (this.stalls.size > MAX_STALLED_PEERS) {
      this.stalls.delete(this.stalls.keys().next().value!)
    }
  }

  private stallsOf (peer: PeerName): number {
    const stalls = this.stalls.get(peer)
    const forgiven = stalls === undefined ? 0 : Math.floor((this.components.clock.monotonicMs() - stalls.sinceMs) / FORGIVEN_MS)
    return Math.max(0, (stalls?.count ?? 0) - forgiven)
  }

  /** Half for each stall, but never none */
  private sharesOf (peer: PeerName, rank: Rank): Pick<Share, 'each' | 'own'> {
    const { each, own } = SHARES[rank]
    const half = 2 ** Math.min(10, this.stallsOf(peer))
    return { each: Math.max(1, Math.floor(each / half)), own: Math.min(own, Math.max(1, Math.floor(own / half))) }
  }
}

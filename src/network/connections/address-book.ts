/**
 * Addresses that worked, kept in the store: with them a node finds its federation again when every bootstrap is gone
 *
 * libp2p's own peer store forgets addresses by age although the peer is connected; this book forgets only the entries
 * whose last success is longest ago, and only when there are too many: a clock that was wrong once must not empty it.
 * For the same reason their order is never the clock's alone: what worked last comes first, whatever the clock said
 * before.
 */
import type { Clock, PeerAddress, PeerName, Store } from '../../interface.ts'

/** Peers in the book */
export const MAX_BOOK_PEERS = 512

/** Addresses of one peer: the one that worked last first */
export const MAX_BOOK_ADDRESSES = 8

export interface AddressBookComponents {
  store: Pick<Store, 'peers' | 'putPeer' | 'deletePeer'>
  clock: Pick<Clock, 'now' | 'monotonicMs'>
}

export class AddressBook {
  readonly #components: AddressBookComponents
  readonly #self: PeerName
  readonly #entries = new Map<PeerName, PeerAddress>()
  /** The address of each peer that was dialled with success last */
  readonly #proven = new Map<PeerName, string>()
  /** Said goodbye: missed by nobody until they are here again */
  readonly #left = new Set<PeerName>()
  /** Clock.monotonicMs() of the last success in this run, or of a success just before it began */
  readonly #workedMs = new Map<PeerName, number>()
  /** Writes happen one after another */
  #writes: Promise<void> = Promise.resolve()

  constructor (components: AddressBookComponents, self: PeerName) {
    this.#components = components
    this.#self = self
  }

  /** Reads what earlier runs left. Throws what the store throws */
  async load (): Promise<void> {
    const { now, monotonicMs } = this.#components.clock
    const [wallMs, runMs] = [now(), monotonicMs()]
    const stored = await this.#components.store.peers()
    stored.sort((a, b) => b.lastConnectedAt - a.lastConnectedAt)
    for (const [index, entry] of stored.entries()) {
      if (entry.peer === this.#self || index >= MAX_BOOK_PEERS) {
        await this.#components.store.deletePeer(entry.peer)
      } else {
        this.#entries.set(entry.peer, { ...entry, addresses: entry.addresses.slice(0, MAX_BOOK_ADDRESSES) })
        this.#prove(entry.peer, entry.addresses[0])
        // a success that is still to come was written by a wrong clock, and may be of any age
        if (entry.lastConnectedAt <= wallMs) {
          this.#workedMs.set(entry.peer, runMs - (wallMs - entry.lastConnectedAt))
        }
      }
    }
  }

  /** Connected most recently first */
  entries (): PeerAddress[] {
    return [...this.#entries.values()].sort((a, b) => b.lastConnectedAt - a.lastConnectedAt)
  }

  addresses (peer: PeerName): readonly string[] {
    return this.#entries.get(peer)?.addresses ?? []
  }

  /** The address that worked last, where this node dialled */
  proven (peer: PeerName): string | undefined {
    return this.#proven.get(peer)
  }

  #prove (peer: PeerName, address: string | undefined): void {
    if (address !== undefined) {
      this.#proven.set(peer, address)
    }
  }

  left (peer: PeerName): void {
    if (this.#entries.has(peer)) {
      this.#left.add(peer)
    }
  }

  hasLeft (peer: PeerName): boolean {
    return this.#left.has(peer)
  }

  connectedWithin (peer: PeerName, ms: number): boolean {
    return this.#components.clock.monotonicMs() - (this.#workedMs.get(peer) ?? -Infinity) <= ms
  }

  /**
   * There is, or was until now, a connection with the peer
   *
   * @param dialled - The address that worked, where this node dialled; without `/p2p`
   * @param announced - What the peer says, the most useful first. None of both: it dialled and announces nothing
   */
  worked (peer: PeerName, dialled: readonly string[], announced: readonly string[] = []): void {
    const first = dialled[0] ?? this.#proven.get(peer)
    const proven = first === undefined ? [] : [first]
    const merged = [...new Set([...proven, ...dialled, ...announced, ...this.addresses(peer)])].slice(0, MAX_BOOK_ADDRESSES)
    if (merged.length === 0 || peer === this.#self) {
      return
    }
    this.#prove(peer, first)
    const entry = { peer, addresses: merged, lastConnectedAt: this.#stamp(peer) }
    this.#workedMs.set(peer, this.#components.clock.monotonicMs())
    this.#entries.set(peer, entry)
    this.#left.delete(peer)
    this.#write(async () => { await this.#components.store.putPeer(entry) })
    if (this.#entries.size > MAX_BOOK_PEERS) {
      const oldest = this.entries().at(-1)!.peer
      this.#entries.delete(oldest)
      this.#proven.delete(oldest)
      this.#left.delete(oldest)
      this.#workedMs.delete(oldest)
      this.#write(async () => { await this.#components.store.deletePeer(oldest) })
    }
  }

  /**
   * Milliseconds of the clock, later than every other entry's: an order that holds also after the clock was put back
   */
  #stamp (peer: PeerName): number {
    const others = [...this.#entries.values()].filter((entry) => entry.peer !== peer).map(({ lastConnectedAt }) => lastConnectedAt + 1)
    return Math.max(this.#components.clock.now(), ...others)
  }

  /** Resolves when all that happened before is in the store, or could not be written */
  async flush (): Promise<void> {
    await this.#writes
  }

  #write (task: () => Promise<void>): void {
    // the book is a convenience: a full disk shows itself where it matters, at the next commit, and the entry is
    // written again with the next connection
    this.#writes = this.#writes.then(task).catch(() => {})
  }
}

/**
 * Addresses that worked, kept in the store: with them a node finds its federation again when every bootstrap is gone
 *
 * libp2p's own peer store forgets addresses by age although the peer is connected; this book forgets only the entries
 * whose last success is longest ago, and only when there are too many.
 */
import type { Clock, PeerAddress, PeerName, Store } from '../interface.ts'

/** Peers in the book */
export const MAX_BOOK_PEERS = 512

/** Addresses of one peer: the one that worked last first */
export const MAX_BOOK_ADDRESSES = 8

/** A peer that was not reached for this long has moved or is gone for good */
const MAX_AGE_MS = 90 * 24 * 3_600_000

export interface AddressBookComponents {
  store: Pick<Store, 'peers' | 'putPeer' | 'deletePeer'>
  clock: Pick<Clock, 'now'>
}

export class AddressBook {
  readonly #components: AddressBookComponents
  readonly #self: PeerName
  readonly #entries = new Map<PeerName, PeerAddress>()
  /** The address of each peer that was dialled with success last */
  readonly #proven = new Map<PeerName, string>()
  /** Said goodbye: missed by nobody until they are here again */
  readonly #left = new Set<PeerName>()
  /** Writes happen one after another */
  #writes: Promise<void> = Promise.resolve()

  constructor (components: AddressBookComponents, self: PeerName) {
    this.#components = components
    this.#self = self
  }

  /** Reads what earlier runs left. Throws what the store throws */
  async load (): Promise<void> {
    const oldest = this.#components.clock.now() - MAX_AGE_MS
    const stored = await this.#components.store.peers()
    stored.sort((a, b) => b.lastConnectedAt - a.lastConnectedAt)
    for (const [index, entry] of stored.entries()) {
      if (entry.peer === this.#self || index >= MAX_BOOK_PEERS || entry.lastConnectedAt < oldest) {
        await this.#components.store.deletePeer(entry.peer)
      } else {
        this.#entries.set(entry.peer, { ...entry, addresses: entry.addresses.slice(0, MAX_BOOK_ADDRESSES) })
        this.#prove(entry.peer, entry.addresses[0])
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
    const entry = this.#entries.get(peer)
    return entry !== undefined && this.#components.clock.now() - entry.lastConnectedAt <= ms
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
    const entry = { peer, addresses: merged, lastConnectedAt: this.#components.clock.now() }
    this.#entries.set(peer, entry)
    this.#left.delete(peer)
    this.#write(async () => { await this.#components.store.putPeer(entry) })
    if (this.#entries.size > MAX_BOOK_PEERS) {
      const oldest = this.entries().at(-1)!.peer
      this.#entries.delete(oldest)
      this.#proven.delete(oldest)
      this.#left.delete(oldest)
      this.#write(async () => { await this.#components.store.deletePeer(oldest) })
    }
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

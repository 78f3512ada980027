/**
 * Where libp2p keeps what it learns of peers: in memory, bounded in entries and in bytes
 *
 * Its own store keeps every id that ever connected, with whatever that id said about itself. Here the peers that were
 * written or read longest ago give way, and an entry that grew beyond its bound is begun anew. The node's own entry,
 * the first that is written, stays. Pinned ones give way after all others, the largest first: as long as no more than
 * MAX_PEER_ENTRIES are pinned, none that is smaller than its share, MAX_PEER_BYTES / MAX_PEER_ENTRIES, ever does.
 */
import { NotFoundError } from '@libp2p/interface'
import { BaseDatastore } from 'datastore-core/base'
import { Key } from 'interface-datastore/key'
import type { KeyQuery, Pair, Query } from 'interface-datastore'

/** More than the connections that a node holds: the peers at their other ends are pinned, see peer-store-upkeep.ts */
export const MAX_PEER_ENTRIES = 1_280

/** All entries together */
export const MAX_PEER_BYTES = 4_194_304

/** One entry: an honest one has about one kilobyte */
export const MAX_PEER_ENTRY_BYTES = 16_384

export class BoundedDatastore extends BaseDatastore {
  /** Least recently used first */
  readonly #entries = new Map<string, Uint8Array>()
  readonly #pinned = new Set<string>()
  #own: string | undefined
  #bytes = 0

  get size (): number {
    return this.#entries.size
  }

  get bytes (): number {
    return this.#bytes
  }

  /** From now on the entry of this key, there already or not, gives way only to make room for other pinned ones */
  pin (key: Key): void {
    this.#pinned.add(key.toString())
  }

  unpin (key: Key): void {
    this.#pinned.delete(key.toString())
  }

  override put (key: Key, value: Uint8Array): Key {
    const name = key.toString()
    this.#own ??= name
    this.#remove(name)
    if (value.byteLength <= MAX_PEER_ENTRY_BYTES || name === this.#own) {
      this.#entries.set(name, value)
      this.#bytes += value.byteLength
      this.#trim()
    }
    return key
  }

  override get (key: Key): Uint8Array {
    const name = key.toString()
    const value = this.#entries.get(name)
    if (value === undefined) {
      throw new NotFoundError()
    }
    this.#entries.delete(name)
    this.#entries.set(name, value)
    return value
  }

  override has (key: Key): boolean {
    return this.#entries.has(key.toString())
  }

  override delete (key: Key): void {
    this.#remove(key.toString())
  }

  override * _all (_: Query): Generator<Pair> {
    for (const [key, value] of [...this.#entries]) {
      yield { key: new Key(key), value }
    }
  }

  override * _allKeys (_: KeyQuery): Generator<Key> {
    for (const key of [...this.#entries.keys()]) {
      yield new Key(key)
    }
  }

  #remove (name: string): void {
    this.#bytes -= this.#entries.get(name)?.byteLength ?? 0
    this.#entries.delete(name)
  }

  #trim (): void {
    this.#removeWhileFull(this.#entries.keys(), (name) => this.#pinned.has(name))
    if (this.#isFull()) {
      const bySize = [...this.#entries].sort(([, a], [, b]) => b.byteLength - a.byteLength)
      this.#removeWhileFull(bySize.map(([name]) => name), () => false)
    }
  }

  #isFull (): boolean {
    return this.#entries.size > MAX_PEER_ENTRIES || this.#bytes > MAX_PEER_BYTES
  }

  #removeWhileFull (names: Iterable<string>, isKept: (name: string) => boolean): void {
    for (const name of names) {
      if (!this.#isFull()) {
        break
      }
      if (name !== this.#own && !isKept(name)) {
        this.#remove(name)
      }
    }
  }
}

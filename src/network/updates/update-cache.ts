/**
 * Recent updates, own and neighbours', for those who missed them: bounded in bytes and in updates of one author
 */
import type { PeerName } from '../../interface.ts'
import type { SignedHeader } from '../signed/update-header.ts'

export interface CachedUpdate {
  signed: SignedHeader
  /** Shared, never copied: must not be mutated */
  payload: Uint8Array
}

export interface UpdateCacheInit {
  /** Payload bytes over all authors. The newest update of `self` stays even when it alone is more */
  maxBytes: number
  /** Updates of one author that are kept. @default 3 */
  maxPerAuthor?: number
  /** Author whose newest update is never dropped */
  self: PeerName
}

const DEFAULT_MAX_PER_AUTHOR = 3

export class UpdateCache {
  private readonly maxBytes: number
  private readonly maxPerAuthor: number
  private readonly self: PeerName
  /** By header id, oldest insertion first */
  private readonly updates = new Map<string, CachedUpdate>()
  private bytes = 0

  constructor (init: UpdateCacheInit) {
    this.maxBytes = init.maxBytes
    this.maxPerAuthor = init.maxPerAuthor ?? DEFAULT_MAX_PER_AUTHOR
    this.self = init.self
  }

  /** Payload bytes held */
  get byteLength (): number {
    return this.bytes
  }

  get size (): number {
    return this.updates.size
  }

  put (update: CachedUpdate): void {
    if (this.updates.has(update.signed.id)) {
      return
    }
    this.updates.set(update.signed.id, update)
    this.bytes += update.payload.byteLength
    this.dropSurplus(update.signed.author)
    this.dropBytes(update)
  }

  /** By header id */
  get (id: string): CachedUpdate | undefined {
    return this.updates.get(id)
  }

  latest (author: PeerName): CachedUpdate | undefined {
    let best: CachedUpdate | undefined
    for (const update of this.of(author)) {
      if (best === undefined || update.signed.header.sequence > best.signed.header.sequence) {
        best = update
      }
    }
    return best
  }

  withPayload (author: PeerName, payloadHash: Uint8Array): CachedUpdate | undefined {
    const wanted = Buffer.from(payloadHash)
    return this.of(author).find(({ signed }) => wanted.equals(signed.header.payloadHash))
  }

  /** Forgets those that are no longer to be had from here */
  retain (isKept: (update: CachedUpdate) => boolean): void {
    for (const update of [...this.updates.values()].filter((held) => !isKept(held))) {
      this.drop(update)
    }
  }

  private of (author: PeerName): CachedUpdate[] {
    return [...this.updates.values()].filter(({ signed }) => signed.author === author)
  }

  private drop (update: CachedUpdate): void {
    this.updates.delete(update.signed.id)
    this.bytes -= update.payload.byteLength
  }

  private dropSurplus (author: PeerName): void {
    const updates = this.of(author).sort((a, b) => a.signed.header.sequence - b.signed.header.sequence)
    updates.slice(0, Math.max(0, updates.length - this.maxPerAuthor)).forEach((update) => { this.drop(update) })
  }

  /** Superseded updates go first, then the oldest of other authors */
  private dropBytes (kept: CachedUpdate): void {
    const protectedIds = new Set([kept.signed.id, this.latest(this.self)?.signed.id])
    for (const superseded of [true, false]) {
      for (const update of this.updates.values()) {
        if (this.bytes <= this.maxBytes) {
          return
        }
        const isLatest = this.latest(update.signed.author) === update
        if (!protectedIds.has(update.signed.id) && (!superseded || !isLatest)) {
          this.drop(update)
        }
      }
    }
  }
}

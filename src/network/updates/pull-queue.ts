/**
 * Announced payloads, one transfer for each author: what is superseded before its turn is never fetched
 */
import type { Refused } from '../../blame.ts'
import type { PeerName } from '../../interface.ts'
import type { SignedHeader } from '../signed/update-header.ts'
import type { PulledUpdate, UpdatePuller } from './update-pull.ts'

export interface PullQueueComponents {
  puller: UpdatePuller
  deliver: (update: PulledUpdate) => void
  refuse: (refusal: Refused) => void
  /** Ends all transfers */
  signal: AbortSignal
}

interface Announced {
  signed: SignedHeader
  from: PeerName
}

export class PullQueue {
  private readonly components: PullQueueComponents
  /** By author: the announcement that waits for the running transfer, if any */
  private readonly authors = new Map<PeerName, Announced | undefined>()

  constructor (components: PullQueueComponents) {
    this.components = components
  }

  put (signed: SignedHeader, from: PeerName): void {
    const { author } = signed
    if (this.authors.has(author)) {
      this.authors.set(author, { signed, from })
      return
    }
    this.authors.set(author, undefined)
    void this.work(author, { signed, from })
  }

  stop (): void {
    this.authors.clear()
    this.components.puller.stop()
  }

  private async work (author: PeerName, first: Announced): Promise<void> {
    const { puller, deliver, refuse, signal } = this.components
    const isWanted = (): boolean => this.authors.get(author) === undefined
    for (let next: Announced | undefined = first; next !== undefined && !signal.aborted; next = this.authors.get(author)) {
      this.authors.set(author, undefined)
      try {
        deliver(await puller.payload(next.signed, next.from, { signal, isWanted }))
      } catch {
        if (!signal.aborted && isWanted()) {
          refuse({ peer: next.from, author, reason: 'payload-unavailable' })
        }
      }
    }
    this.authors.delete(author)
  }
}

/**
 * Headers of the messages that came for the round in hand and the next ones: of each author one for a round, step and
 * receiver, and a second one convicts it
 */
import { contradict } from '../signed/equivocation.ts'
import type { PeerName } from '../../interface.ts'
import type { SignedHeader } from '../signed/update-header.ts'

/** `taken`: its payload is there already. `moving`: it is on its way. Else the header that it contradicts */
export type Standing = 'new' | 'taken' | 'moving' | { contradicts: SignedHeader }

interface Entry {
  signed: SignedHeader
  state: 'seen' | 'moving' | 'taken'
}

export class StepLog {
  /** By header id. Bounded: messages are taken of a few rounds, steps and followed authors */
  private readonly authors = new Map<PeerName, Map<string, Entry>>()

  /** Call with a header whose signature is verified and whose round and step are within bounds */
  judge (signed: SignedHeader): Standing {
    const entries = this.of(signed.author)
    const entry = entries.get(signed.id)
    if (entry !== undefined) {
      return entry.state === 'seen' ? 'new' : entry.state
    }
    const other = [...entries.values()].find((held) => contradict(held.signed, signed))
    if (other !== undefined) {
      return { contradicts: other.signed }
    }
    entries.set(signed.id, { signed, state: 'seen' })
    return 'new'
  }

  /** The payload of a header that was judged begins to come, is there, or did not come after all */
  note ({ author, id }: SignedHeader, state: Entry['state']): void {
    const entry = this.authors.get(author)?.get(id)
    if (entry !== undefined) {
      entry.state = state
    }
  }

  /** Forgets the rounds before this one */
  setRound (round: number): void {
    for (const [author, entries] of this.authors) {
      for (const [id, { signed }] of entries) {
        if (signed.header.round < round) {
          entries.delete(id)
        }
      }
      if (entries.size === 0) {
        this.authors.delete(author)
      }
    }
  }

  private of (author: PeerName): Map<string, Entry> {
    const entries = this.authors.get(author) ?? new Map<string, Entry>()
    this.authors.set(author, entries)
    return entries
  }
}

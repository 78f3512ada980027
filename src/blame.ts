/**
 * Whose fault a refused message proves, whatever view of the mesh its sender has: docs/protocol.md, Blame
 *
 * Ids are free and messages are passed on, so that points for what a stranger can bring about would ban the innocent:
 * whoever passed on what its own rules let through, or whose old messages somebody else sent again.
 */
import type { PeerName, RejectionReason } from './interface.ts'

/**
 * `sender`: nobody who keeps the rules hands that over. `author`: its signature convicts it, whoever brought it.
 * `author-itself`: as `author`, but only where the author handed it over itself, for others choose when they pass on
 * what. `nobody`: another view of the mesh, or somebody else, explains it
 */
export type Fault = 'sender' | 'author' | 'author-itself' | 'nobody'

export const FAULTS: Readonly<Record<RejectionReason, Fault>> = {
  // checked before a message is passed on, by everybody alike
  oversized: 'sender',
  malformed: 'sender',
  'wrong-federation': 'sender',
  'wrong-author': 'sender',
  // messages of steps come straight from their author
  'wrong-receiver': 'sender',
  'bad-signature': 'sender',
  // of bytes that all came from one peer
  'payload-hash': 'sender',
  // two signatures that contradict each other
  equivocation: 'author',
  // the signature covers codec and payload hash, and the document says what they must be
  'wrong-codec': 'author',
  codec: 'author',
  shape: 'author',
  'not-finite': 'author',
  // what was held back can be let go all at once, by others
  rate: 'author-itself',
  // of a later version, or under a document that the members have changed since, or not yet
  unsupported: 'nobody',
  'wrong-epoch': 'nobody',
  // depends on the own round, the own model, the own bans and links
  'round-window': 'nobody',
  // who is followed depends on the list of members and the round, which two peers may see differently
  stranger: 'nobody',
  // who has a right depends on the decisions that have come round
  'not-member': 'nobody',
  replay: 'nobody',
  banned: 'nobody',
  'payload-unavailable': 'nobody',
  norm: 'nobody',
  // the rule's verdicts: honest peers with unusual data meet them too
  'distance-gate': 'nobody',
  'loss-gate': 'nobody',
  'not-selected': 'nobody',
  quarantined: 'nobody'
}

export interface Refused {
  /** The peer that handed it over */
  peer: PeerName
  /** In whose name, where that is known */
  author: PeerName | undefined
  reason: RejectionReason
}

/** Who is proved guilty by this refusal; undefined when nobody is */
export function provenGuilty ({ peer, author, reason }: Refused): PeerName | undefined {
  switch (FAULTS[reason]) {
    case 'sender': return peer
    case 'author': return author
    case 'author-itself': return author === peer ? author : undefined
    case 'nobody': return undefined
  }
}

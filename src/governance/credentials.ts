/**
 * The records by which a peer proves its standing to somebody who knows the federation's first document only
 */
import { guestLimit } from './governance-state.ts'
import { MAX_CREDENTIALS } from './governance-interface.ts'
import type { Decision } from './governance-interface.ts'
import type { GovernanceState } from './governance-state.ts'
import type { Roster } from './roster.ts'
import type { PeerName } from '../interface.ts'

export interface CredentialInit {
  state: GovernanceState
  roster: Pick<Roster, 'chain'>
  /** All, oldest first */
  decisions: readonly Decision[]
}

/** The last decision that the standing rests on: an admission or a raised limit. -1: on none */
function lastNeeded (peer: PeerName, { state, roster }: CredentialInit): number {
  const chain = roster.chain(peer)
  const top = chain[0]?.author ?? peer
  const raised = chain.filter(({ body }) => body.number > state.settings.guestsPerMember)
    .map(({ author, body }) => body.number <= guestLimit(state, author) ? state.limits.get(author)?.slot ?? -1 : -1)
  return Math.max(state.admitted.get(top)?.slot ?? -1, ...raised)
}

/**
 * Its chain of certificates, from the top, then the decisions that these rest on, in order. Where there are more
 * decisions than fit, the latest ones: whoever answers for the federation holds the older ones
 */
export function credentialsFor (peer: PeerName, init: CredentialInit): Uint8Array[] {
  const chain = init.roster.chain(peer)
  const needed = init.decisions.filter(({ slot }) => slot <= lastNeeded(peer, init))
  const room = MAX_CREDENTIALS - chain.length
  return [...chain, ...needed.slice(-room)].map(({ bytes }) => bytes)
}

/**
 * Who votes in the next epoch, and with which keys
 *
 * Each voter says ahead of time which key it will use. One that has not said so yet, such as one that is gone, keeps
 * the key of this epoch: others must not have to wait for it to be able to go on without it.
 */
import { GovernanceError } from '../errors.ts'
import { sortedVoters } from '../governance/statements.ts'
import type { Voter } from '../governance/governance-interface.ts'
import type { PeerName } from '../interface.ts'
import type { HeldRecords } from './held-records.ts'

export interface VoterChange {
  joining?: PeerName
  leaving?: PeerName
  /** Nothing changes where `leaving` is no voter */
  onlyIfVoter?: boolean
}

/** Throws GovernanceError where a joining peer has said no key, or nobody would be left */
export function nextVoters (held: Pick<HeldRecords, 'roster' | 'votingKeyOf'>, { joining, leaving, onlyIfVoter = false }: VoterChange): { voters?: Voter[] } {
  const { voters, epoch } = held.roster().view()
  const isVoter = voters.some(({ peer }) => peer === leaving)
  if (onlyIfVoter && !isVoter) {
    return {}
  }
  const next = voters.filter(({ peer }) => peer !== leaving)
    .map(({ peer, votingKey }) => ({ peer, votingKey: held.votingKeyOf(peer, epoch + 1) ?? votingKey }))
  if (joining !== undefined && !next.some(({ peer }) => peer === joining)) {
    const votingKey = held.votingKeyOf(joining, epoch + 1)
    if (votingKey === undefined) {
      throw new GovernanceError(`${joining} has no voting key for epoch ${epoch + 1} yet: it says one as soon as it is connected, so wait until it is here (grapevine members)`, 'no-voting-key')
    }
    next.push({ peer: joining, votingKey })
  }
  if (next.length === 0) {
    throw new GovernanceError('the last voter cannot go: nobody could decide any more. Appoint another one first', 'void')
  }
  return { voters: sortedVoters(next) }
}

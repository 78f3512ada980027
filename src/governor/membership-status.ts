/**
 * What `status` says of membership
 */
import type { MembershipStatus, Standing } from '../governance/governance-interface.ts'
import type { PeerName } from '../interface.ts'
import type { Roster } from '../governance/roster.ts'

export interface StatusInit {
  self: PeerName
  roster: Roster
  /** Members that are there, as far as is known */
  present: readonly PeerName[]
  abstains: string | undefined
}

export function membershipStatus ({ self, roster, present, abstains }: StatusInit, counts: Pick<MembershipStatus, 'requests' | 'openActs'>): MembershipStatus {
  const view = roster.view()
  const near = new Set([self, ...present])
  const reachableVoters = view.voters.filter(({ peer }) => near.has(peer)).length
  const standing: Standing = roster.standing(self)
  return {
    ...view,
    ...counts,
    self,
    standing,
    role: roster.member(self)?.role,
    reachableVoters,
    ...(reachableVoters >= view.quorum ? {} : { paused: `${reachableVoters} of ${view.voters.length} voters reachable; decisions need ${view.quorum}: paused; training goes on` }),
    ...(abstains === undefined ? {} : { abstains })
  }
}

/**
 * What the control endpoint tells of membership, and takes: types that both sides of it share
 *
 * No secret of an invitation is told after it was made.
 */
import type { PeerName } from '../../src/interface.ts'
import type { Act, ActWish, AdmissionRequest, Invitation, MembershipStatus, OpenAct } from '../../src/governance/governance-interface.ts'

/** A decision without its proofs */
export interface DecisionSummary {
  id: string
  slot: number
  epoch: number
  act: Act
  actId: string
  endorsedBy: PeerName[]
}

/** An act after somebody approved or proposed it: still open, or decided already */
export type ActOutcome = { open: OpenAct } | { decision: DecisionSummary }

export type ListedInvitation = Omit<Invitation, 'secret'>

/** Pages that only tell something */
export interface GovernanceAnswers {
  status: MembershipStatus
  requests: AdmissionRequest[]
  acts: OpenAct[]
  decisions: DecisionSummary[]
  invitations: ListedInvitation[]
}

/** Pages that change something: what they take and what they answer */
export interface GovernanceChanges {
  invite: { takes: InviteWish, gives: { token: string, invitation: ListedInvitation } }
  cancel: { takes: { jti: string }, gives: null }
  approve: { takes: { selector: string }, gives: ActOutcome }
  reject: { takes: { selector: string }, gives: null }
  propose: { takes: ActWish, gives: ActOutcome }
}

export interface InviteWish {
  name?: string
  uses?: number
  lifeMs?: number
  approve?: boolean
}

/** In front of the name of each page */
export const GOVERNANCE_PREFIX = '/governance/'

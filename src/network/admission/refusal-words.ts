/**
 * Why a peer is turned away, in words for people: what it means, and what to do
 */
import type { RefusalReason, Standing } from '../../governance/governance-interface.ts'

const WORDS: Record<RefusalReason, string> = {
  'not-a-member': 'this peer is no member of the federation: ask a member for an invitation (grapevine invite), or join and wait to be approved',
  revoked: 'the members revoked this peer\'s membership, and a key that was revoked does not come back: ask them why',
  expired: 'this peer\'s certificate has expired: ask the member that invited it, or another one, for a new invitation',
  'over-limit': 'the member that invited this peer has made more guests than it may: ask it, or another member, for an invitation',
  departed: 'this peer left the federation for good: join with another identity',
  'wrong-federation': 'the peer there belongs to another federation: check the address and the invitation',
  'unknown-invitation': 'the inviter does not know this invitation: it was cancelled, or made by another home; ask for a new one',
  'invitation-used': 'this invitation was used already: ask for a new one',
  'invitation-expired': 'this invitation has expired: ask for a new one',
  'wrong-proof': 'the invitation\'s secret is not the one that the inviter holds: copy the whole token, or ask for a new one',
  'guest-limit': 'the inviter has as many guests as it may have: ask another member, or have the members raise its limit',
  'inviter-not-member': 'whoever made this invitation is no member any more, or may invite nobody: ask another member',
  'requests-full': 'as many requests as are kept wait already: ask a member for an invitation (grapevine invite), or try again later',
  busy: 'the peer there is too busy to admit anybody: try again in a moment',
  malformed: 'the peer there could not read what this program sent: update both programs'
}

const REASONS = new Set(Object.keys(WORDS))

/** What a peer said; a word of a later version is as good as `not-a-member` */
export function refusalReason (text: string): RefusalReason {
  return REASONS.has(text) ? text as RefusalReason : 'not-a-member'
}

export function refusalWords (reason: RefusalReason): string {
  return WORDS[reason]
}

/** What a peer with this standing is told */
export function reasonOf (standing: Standing): RefusalReason {
  return standing === 'unknown' || standing === 'member' ? 'not-a-member' : standing
}

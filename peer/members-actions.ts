/**
 * The actions of `grapevine members` and `grapevine invite`: which flags each takes, and its page of help
 */
import type { VerbAction } from './verb-actions.ts'

export const MEMBERS_ACTIONS = {
  list: { needs: [], takes: [], help: 'who belongs: role, inviter, until when; and who was revoked', example: 'list' },
  requests: { needs: [], takes: [], help: 'who asks to be admitted', example: 'requests' },
  acts: { needs: [], takes: [], help: 'what is proposed and not decided, and who endorsed it', example: 'acts' },
  log: { needs: [], takes: [], help: 'the decisions so far, and who signed them', example: 'log' },
  approve: { subjects: ['PEER|ACT'], needs: [], takes: [], help: 'endorse a request or an act; of a guest: admit it without an expiry', example: 'approve x5e3q' },
  reject: { subjects: ['PEER|ACT'], needs: [], takes: [], help: 'object to a request or an act: shown to all, and counts for nothing', example: 'reject x5e3q' },
  admit: { subjects: ['PEER'], needs: [], takes: ['name'], help: 'propose to admit a peer, by its whole id', example: 'admit 12D3KooW... --name clinic-b' },
  revoke: { subjects: ['PEER'], needs: [], takes: ['reason'], help: 'propose to exclude a peer for ever', example: 'revoke x5e3q --reason "stolen laptop"' },
  appoint: { subjects: ['PEER'], needs: [], takes: [], help: 'propose to make a member a voter', example: 'appoint x5e3q' },
  dismiss: { subjects: ['PEER'], needs: [], takes: [], help: 'propose to make a voter a plain member', example: 'dismiss x5e3q' },
  limit: { subjects: ['PEER', 'N'], needs: [], takes: [], help: 'propose how many guests a member may have', example: 'limit x5e3q 20' }
} as const satisfies Record<string, VerbAction>

export type MembersActionName = keyof typeof MEMBERS_ACTIONS

export const INVITE_ACTIONS = {
  new: { needs: [], takes: ['name', 'uses', 'expires', 'approve', 'output', 'qr'], help: 'make an invitation and print its token; "new" may be left out', example: '--name clinic-b --expires 12h --output clinic-b.invite' },
  ls: { needs: [], takes: [], help: 'list the invitations of this peer', example: 'ls' },
  cancel: { subjects: ['ID'], needs: [], takes: [], help: 'take an invitation back; who redeemed it before stays', example: 'cancel 3f09' }
} as const satisfies Record<string, VerbAction>

export type InviteActionName = keyof typeof INVITE_ACTIONS

/**
 * Who belongs and who decides, as text for people
 *
 * Names and reasons are what strangers wrote: each is quoted.
 */
import { quorum, toleratedLiars } from '../src/consensus/quorum.ts'
import { quoted } from '../src/quoted.ts'
import { formatCount, formatDuration, shortId } from './format.ts'
import type { DecisionSummary } from './control/governance-interface.ts'
import type { Act, MembershipStatus, OpenAct, RosterMember } from '../src/governance/governance-interface.ts'
import type { MembershipSettings } from '../src/federation/membership-settings.ts'

const DAY_MS = 86_400_000

/** A certificate that ends sooner is told: its inviter should have renewed it by then */
const SOON_MS = 14 * DAY_MS

export function countOf (count: number, one: string, many = `${one}s`): string {
  return count === 1 ? `1 ${one}` : `${formatCount(count)} ${many}`
}

/** To the minute, in UTC: clocks of several places are compared */
export function dateText (ms: number): string {
  return `${new Date(ms).toISOString().replace('T', ' ').slice(0, 16)} UTC`
}

/** `7 voters, 5 of whom make a decision, which 2 liars among them cannot forge` */
export function decidingText (voters: number): string {
  if (voters === 1) {
    return '1 voter, who decides alone'
  }
  const liars = toleratedLiars(voters)
  const withstands = liars === 0 ? 'a liar among them could contradict itself' : `which ${countOf(liars, 'liar')} among them cannot forge`
  return `${voters} voters, ${quorum(voters) === voters ? 'all' : quorum(voters)} of whom make a decision, ${withstands}`
}

/** What a document says of membership, a line each */
export function membershipLines (membership: MembershipSettings | undefined): string[] {
  if (membership === undefined) {
    return ['open: whoever connects takes part, and one person may be many peers']
  }
  const { voters, guestsPerMember, certificateDays } = membership
  return [
    `invited: members are invited by members (grapevine invite) or admitted by the voters; at first: ${decidingText(voters.length)}`,
    `each member may invite ${countOf(guestsPerMember, 'guest')}, whose certificates hold ${countOf(certificateDays, 'day')}`
  ]
}

export function actText (act: Act): string {
  const peer = shortId(act.peer)
  switch (act.do) {
    case 'admit': return `admit ${peer}${nameText(act.name)}`
    case 'revoke': return `revoke ${peer} for ever${act.reason === undefined ? '' : `, because ${quoted(act.reason)}`}`
    case 'appoint': return `make ${peer} a voter (${act.voters.length} then)`
    case 'dismiss': return `make ${peer} no voter (${act.voters.length} then)`
    case 'raise-limit': return `let ${peer} have ${countOf(act.guests, 'guest')}`
  }
}

export function nameText (name: string | undefined): string {
  return name === undefined ? '' : ` ${quoted(name)}`
}

/** `decision 3 of epoch 1: admit 12D3KooW…x5e3q, signed by …` */
export function decisionLine ({ slot, epoch, act, endorsedBy }: Pick<DecisionSummary, 'slot' | 'epoch' | 'act' | 'endorsedBy'>): string {
  return `decision ${slot} of epoch ${epoch}: ${actText(act)}, signed by ${endorsedBy.map(shortId).join(', ')}`
}

/** `2 of 5, 3 missing`; `5 of 5, waiting for the agreement` */
export function endorsedText ({ endorsedBy, objectedBy, missing }: Pick<OpenAct, 'endorsedBy' | 'objectedBy' | 'missing'>): string {
  const needed = endorsedBy.length + missing
  const state = missing === 0 ? 'waiting for the agreement' : `${missing} missing`
  return `${endorsedBy.length} of ${needed}, ${state}${objectedBy.length === 0 ? '' : `; ${countOf(objectedBy.length, 'objection')}`}`
}

/** The one line of `status`, and what is to be done below it */
export function statusLines (status: MembershipStatus, nowMs: number): { line: string, troubles: string[], notes: string[] } {
  const { voters, quorum: needed, reachableVoters, paused, abstains, requests, openActs } = status
  const decides = voters.length === 1 ? 'the only voter decides' : `decisions need ${needed} of ${voters.length} voters; ${reachableVoters} reachable`
  return {
    line: `invited; ${ownPart(status)}; ${decides}`,
    troubles: [
      ...(status.standing === 'member' ? [] : [STANDINGS[status.standing]]),
      ...(paused === undefined ? [] : [`decisions wait: ${paused}`]),
      ...(abstains === undefined ? [] : [`this peer does not vote in this epoch: ${abstains}`]),
      ...expiryTrouble(status, nowMs)
    ],
    notes: [
      ...(requests === 0 ? [] : [`${countOf(requests, 'request')} to be admitted: grapevine members requests`]),
      ...(openActs === 0 ? [] : [`${countOf(openActs, 'act')} proposed and not decided: grapevine members acts`])
    ]
  }
}

export const STANDINGS: Record<Exclude<MembershipStatus['standing'], 'member'>, string> = {
  unknown: 'this peer is no member: nobody vouches for it here. Ask a member for an invitation (grapevine invite there, grapevine join TOKEN here)',
  revoked: 'this peer was revoked, or who invited it was: the others neither send to it nor take anything from it',
  expired: 'the certificate of this peer ran out: ask its inviter to start its peer, or a member for a new invitation',
  departed: 'this peer left the federation for good',
  'over-limit': 'the inviter of this peer made more guests than it may: ask the voters to admit this peer (grapevine members approve there)'
}

function ownPart ({ self, role, standing, voters }: MembershipStatus): string {
  const place = voters.findIndex(({ peer }) => peer === self)
  return role === 'voter' && place !== -1 ? `voter ${place + 1} of ${voters.length}` : standing === 'member' ? 'member' : 'not a member'
}

function expiryTrouble ({ self, members }: MembershipStatus, nowMs: number): string[] {
  const own = members.find(({ peer }) => peer === self)
  if (own?.expiresAt === undefined || own.expiresAt - nowMs > SOON_MS) {
    return []
  }
  const inviter = own.inviter === undefined ? 'its inviter' : `its inviter, ${shortId(own.inviter)},`
  return [`the certificate of this peer ${expiryText(own, nowMs)}: ${inviter} renews it when both run`]
}

/** `until 2027-11-20 10:00 UTC`, `ran out 2 d 0 h ago` */
export function expiryText ({ expiresAt, inGrace }: Pick<RosterMember, 'expiresAt' | 'inGrace'>, nowMs: number): string {
  if (expiresAt === undefined) {
    return 'does not expire'
  }
  return expiresAt > nowMs ? `holds until ${dateText(expiresAt)}` : `ran out ${formatDuration(nowMs - expiresAt)} ago${inGrace === true ? ', and still counts for a while' : ''}`
}

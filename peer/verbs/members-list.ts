/**
 * `grapevine members list|requests|acts|log`: what there is to see
 */
import { shortId } from '../format.ts'
import { actText, countOf, dateText, decidingText, decisionLine, endorsedText, expiryText, nameText, statusLines } from '../membership-text.ts'
import type { RunMembersAction } from './members.ts'
import type { AdmissionRequest, MembershipStatus, OpenAct, RosterMember } from '../../src/governance/governance-interface.ts'
import type { Terminal } from '../terminal.ts'

export const listMembers: RunMembersAction = async ({ terminal }, client) => {
  const status = await client.governance('status')
  terminal.event('members', { ...status })
  showMembers(status, terminal)
}

function showMembers (status: MembershipStatus, terminal: Terminal): void {
  const { members, revoked, voters, self } = status
  const now = Date.now()
  terminal.line(`${countOf(members.length, 'member')}; ${decidingText(voters.length)}; epoch ${status.epoch}, next decision ${status.slot}`)
  for (const member of members) {
    terminal.line(memberLine(member, now, member.peer === self))
  }
  for (const { peer, slot, reason } of revoked) {
    terminal.line(`${peer}  revoked by decision ${slot}${reason === undefined ? '' : `: ${nameText(reason).trim()}`}`)
  }
  const { troubles, notes } = statusLines(status, now)
  troubles.forEach((line) => { terminal.warn(line) })
  notes.forEach((line) => { terminal.note(line) })
}

function memberLine (member: RosterMember, now: number, isSelf: boolean): string {
  const { peer, role, name, inviter, slot, expiresAt } = member
  const from = inviter !== undefined ? `invited by ${shortId(inviter)}` : slot !== undefined ? `admitted by decision ${slot}` : 'founder'
  const until = expiresAt === undefined ? '' : `, ${expiryText(member, now)}`
  return `${peer}  ${role.padEnd(6)}  ${from}${until}${nameText(name)}${isSelf ? ' (this peer)' : ''}`
}

export const listRequests: RunMembersAction = async ({ terminal }, client) => {
  const requests = await client.governance('requests')
  terminal.event('members:requests', { requests })
  if (requests.length === 0) {
    terminal.note('nobody asks to be admitted')
    return
  }
  requests.forEach((request) => { terminal.line(requestLine(request)) })
  terminal.note('A name is what its peer says: compare the id with whoever asks, by voice. Then: grapevine members approve PEER')
}

function requestLine ({ peer, name, at, missing }: AdmissionRequest): string {
  return `${peer}  since ${dateText(at)}, ${missing === 0 ? 'waiting for the agreement' : `${countOf(missing, 'approval')} missing`}${nameText(name)}`
}

export const listActs: RunMembersAction = async ({ terminal }, client) => {
  const acts = await client.governance('acts')
  terminal.event('members:acts', { acts })
  if (acts.length === 0) {
    terminal.note('nothing is proposed')
  }
  acts.forEach((act) => { showAct(act, terminal) })
}

export function showAct (open: OpenAct, terminal: Terminal): void {
  const { actId, act, endorsedBy, objectedBy, proposedBy, since } = open
  terminal.line(`${actId.slice(0, 12)}  ${actText(act)}: ${endorsedText(open)}`)
  const groups: Array<[string, readonly string[]]> = [['endorsed by', endorsedBy], ['objected to by', objectedBy], ['proposed by members who do not vote:', proposedBy]]
  for (const [how, peers] of groups.filter(([, some]) => some.length > 0)) {
    terminal.line(`              ${how} ${peers.map(shortId).join(', ')}`)
  }
  terminal.line(`              ${act.peer}, since ${dateText(since)}`)
}

export const listDecisions: RunMembersAction = async ({ terminal }, client) => {
  const decisions = await client.governance('decisions')
  terminal.event('members:log', { decisions })
  if (decisions.length === 0) {
    terminal.note('nothing was decided yet')
  }
  decisions.forEach((decision) => { terminal.line(decisionLine(decision)) })
}

/**
 * `grapevine members approve|reject|admit|revoke|appoint|dismiss|limit`: what a member or a voter does
 */
import { printable, quoted } from '../../src/quoted.ts'
import { UsageError } from '../errors.ts'
import { shortId } from '../format.ts'
import { actText, decisionLine, endorsedText } from '../membership-text.ts'
import { isPeerId, selected } from '../peer-selector.ts'
import { showAct } from './members-list.ts'
import type { RunMembersAction } from './members.ts'
import type { ControlClient } from '../control/control-client.ts'
import type { ActOutcome } from '../control/governance-interface.ts'
import type { Candidate } from '../peer-selector.ts'
import type { Terminal } from '../terminal.ts'

/** As many as a decision may allow */
const MAX_GUESTS = 4_096
/** A reason travels in a record */
const MAX_REASON = 200

export const approve: RunMembersAction = async ({ terminal }, client, [selector]) => {
  const id = await proposedId(client, selector!)
  const acts = await client.governance('acts')
  if (acts.some(({ act, actId }) => act.do === 'revoke' && (actId === id || act.peer === id))) {
    warnOfRevocation(terminal)
  }
  showOutcome(await client.change('approve', { selector: id }), terminal)
}

function warnOfRevocation (terminal: Terminal): void {
  terminal.warn('a revocation is for ever: that key never comes back, and guests of it whom no decision admitted go with it. What was mixed of its updates stays in the models of all')
}

export const reject: RunMembersAction = async ({ terminal }, client, [selector]) => {
  const id = await proposedId(client, selector!)
  await client.change('reject', { selector: id })
  terminal.event('members:objection', { id })
  terminal.line(`objected to ${shortId(id)}: all members see it; an objection stops nothing by itself, a missing approval does`)
}

export const admit: RunMembersAction = async ({ settings: { name }, terminal }, client, [selector]) => {
  const known = isPeerId(selector!) ? selector! : await proposedId(client, selector!)
  if (!isPeerId(known)) {
    throw new UsageError(`"${selector}" is the id of an act, and not of a peer: it is grapevine members approve ${selector}`)
  }
  showOutcome(await client.change('propose', { do: 'admit', peer: known, ...(name === undefined ? {} : { name }) }), terminal)
}

export const revoke: RunMembersAction = async ({ settings: { reason }, terminal }, client, [selector]) => {
  if (reason !== undefined && (reason.length > MAX_REASON || printable(reason) !== reason)) {
    throw new UsageError(`--reason must be one line of at most ${MAX_REASON} characters here`)
  }
  const peer = await memberId(client, selector!)
  warnOfRevocation(terminal)
  showOutcome(await client.change('propose', { do: 'revoke', peer, ...(reason === undefined ? {} : { reason }) }), terminal)
}

export const appoint: RunMembersAction = async ({ terminal }, client, [selector]) => {
  showOutcome(await client.change('propose', { do: 'appoint', peer: await memberId(client, selector!) }), terminal)
}

export const dismiss: RunMembersAction = async ({ terminal }, client, [selector]) => {
  showOutcome(await client.change('propose', { do: 'dismiss', peer: await memberId(client, selector!) }), terminal)
}

export const limit: RunMembersAction = async ({ terminal }, client, [selector, text]) => {
  const guests = /^[1-9]\d{0,3}$/.test(text!) ? Number(text) : Infinity
  if (guests > MAX_GUESTS) {
    throw new UsageError(`"${text}" is no number of guests from 1 to ${MAX_GUESTS}: it is grapevine members limit PEER N`)
  }
  showOutcome(await client.change('propose', { do: 'raise-limit', peer: await memberId(client, selector!), guests }), terminal)
}

/** Of a member, whose id may be cut. Throws UsageError */
async function memberId (client: ControlClient, selector: string): Promise<string> {
  const { members } = await client.governance('status')
  const found = selected(selector, members.map(({ peer, name }) => named(peer, name)), 'member')
  if (found === undefined) {
    throw new UsageError(`no member's id is, begins or ends with "${selector}": see grapevine members`)
  }
  return found.id
}

/** Of whoever asks to be admitted, or of what is proposed; of a guest or a stranger whose whole id is given, too */
async function proposedId (client: ControlClient, selector: string): Promise<string> {
  const [requests, acts, { members }] = await Promise.all([client.governance('requests'), client.governance('acts'), client.governance('status')])
  const open = [...requests.map(({ peer, name }) => named(peer, name)), ...acts.map(({ actId, act }) => ({ id: actId, label: actText(act) }))]
  const subjects = acts.map(({ act }) => ({ id: act.peer, label: actText(act) }))
  const guests = members.filter(({ inviter }) => inviter !== undefined).map(({ peer, name }) => named(peer, name))
  const found = selected(selector, open, 'request') ?? selected(selector, subjects, 'act') ?? selected(selector, guests, 'guest')
  if (found === undefined && !isPeerId(selector)) {
    throw new UsageError(`nothing that is asked or proposed begins or ends with "${selector}": see grapevine members requests, and grapevine members acts`)
  }
  return found?.id ?? selector
}

/** A name is what a stranger wrote */
function named (id: string, name: string | undefined): Candidate {
  return name === undefined ? { id } : { id, label: quoted(name) }
}

function showOutcome (outcome: ActOutcome, terminal: Terminal): void {
  terminal.event('members:act', outcome)
  if ('decision' in outcome) {
    terminal.line(`decided: ${decisionLine(outcome.decision)}`)
    return
  }
  const { open } = outcome
  showAct(open, terminal)
  terminal.note(open.endorsedBy.length === 0
    ? 'proposed: this peer is no voter, so that nothing is endorsed yet. Each voter: grapevine members approve'
    : `${endorsedText(open)}${open.missing === 0 ? '' : `. Other voters: grapevine members approve ${open.actId.slice(0, 12)}`}`)
}

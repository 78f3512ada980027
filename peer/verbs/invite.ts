/**
 * `grapevine invite`: a token with which a peer can join, and those that were made before
 */
import { access } from 'node:fs/promises'
import { isLoopback, bestAddress } from '../best-address.ts'
import { runningPeer } from '../control/running-peer.ts'
import { ConfigurationError, UsageError } from '../errors.ts'
import { writeWhole } from '../home.ts'
import { INVITE_ACTIONS } from '../members-actions.ts'
import { countOf, dateText, nameText } from '../membership-text.ts'
import { selected } from '../peer-selector.ts'
import { qrCodeLines } from '../qr-code.ts'
import { requireAction } from '../verb-actions.ts'
import type { VerbContext } from '../context.ts'
import type { ControlClient } from '../control/control-client.ts'
import type { InviteWish, ListedInvitation } from '../control/governance-interface.ts'
import type { InviteActionName } from '../members-actions.ts'
import type { Settings } from '../settings.ts'
import type { Terminal } from '../terminal.ts'

const RUN: Record<InviteActionName, (context: VerbContext, client: ControlClient, id: string) => Promise<void>> = {
  new: inviteOne,
  ls: listInvitations,
  cancel: cancelInvitation
}

/** Throws UsageError, NoHomeError, NotRunningError, GovernanceError, and the file system's errors for --output */
export async function invite (context: VerbContext): Promise<number> {
  const args = context.args.length === 0 ? ['new'] : context.args
  const { name, rest } = requireAction<InviteActionName>('invite', INVITE_ACTIONS, { ...context, args })
  await RUN[name](context, await runningPeer(context.home), rest[0] ?? '')
  return 0
}

async function inviteOne ({ settings, terminal }: VerbContext, client: ControlClient): Promise<void> {
  const { token, invitation } = await client.change('invite', wishOf(settings))
  await keepOrCancel(token, invitation, { output: settings.output, client })
  const { output } = settings
  terminal.event('invitation', { ...invitation, ...(output === undefined ? { token } : { output }) })
  if (output === undefined) {
    terminal.line(token)
  }
  await showCode(token, settings, terminal)
  await explain(invitation, client, terminal)
  terminal.note(output === undefined
    ? 'On the other machine: grapevine join - (and paste the token), or grapevine join FILE'
    : `written to ${output}, which only you can read. On the other machine: grapevine join FILE`)
}

function wishOf ({ name, uses, expires, approve }: Settings): InviteWish {
  return {
    ...(name === undefined ? {} : { name }),
    ...(uses === undefined ? {} : { uses }),
    ...(expires === undefined ? {} : { lifeMs: expires }),
    ...(approve === undefined ? {} : { approve })
  }
}

/** Another token may lie there that still counts. Throws ConfigurationError */
async function requireNew (path: string): Promise<void> {
  if (await access(path).then(() => true, () => false)) {
    throw new ConfigurationError(`${path} exists, and may hold another token: name another file with --output, or remove it`)
  }
}

/** An invitation whose token nobody was given is of no use */
async function keepOrCancel (token: string, { jti }: ListedInvitation, { output, client }: { output: string | undefined, client: ControlClient }): Promise<void> {
  if (output === undefined) {
    return
  }
  try {
    await requireNew(output)
    await writeWhole(output, `${token}\n`)
  } catch (err) {
    await client.change('cancel', { jti }).catch(() => {
      // it runs out by itself
    })
    throw err
  }
}

async function showCode (token: string, { qr, output, quiet }: Settings, terminal: Terminal): Promise<void> {
  const wanted = qr ?? (terminal.isScreen && output === undefined && quiet !== true)
  if (wanted && !terminal.json) {
    for (const line of await qrCodeLines(token)) {
      terminal.line(line)
    }
  }
}

async function explain (invitation: ListedInvitation, client: ControlClient, terminal: Terminal): Promise<void> {
  const { jti, name, uses, expiresAt, approve } = invitation
  const { node } = await client.status()
  terminal.note(`Invitation ${jti.slice(0, 8)}${nameText(name)}: ${countOf(uses, 'peer')} may redeem it until ${dateText(expiresAt)}, with this peer and no other, while this peer runs`)
  terminal.note(approve
    ? 'Who redeems it has asked to be admitted, and waits until the voters decide: grapevine members requests'
    : 'Who redeems it is a member at once: it reads the document, trains and mixes with all, and may invite others; it decides nothing')
  terminal.note(`It is a secret: who has it can use it. Send it on a way that you trust; take it back: grapevine invite cancel ${jti.slice(0, 8)}`)
  const best = bestAddress(node.addresses)
  if (best === undefined || isLoopback(best)) {
    terminal.warn('this peer has no address but those of this machine (loopback): nobody elsewhere can redeem the token; start the peer with --listen or --announce first')
  }
}

async function listInvitations ({ terminal }: VerbContext, client: ControlClient): Promise<void> {
  const invitations = await client.governance('invitations')
  terminal.event('invitations', { invitations })
  if (invitations.length === 0) {
    terminal.note('no invitation yet: make one with grapevine invite')
  }
  for (const invitation of invitations) {
    terminal.line(`${invitation.jti}  ${invitation.guests.length} of ${invitation.uses} used  ${stateOf(invitation)}${invitation.approve ? ', to be approved' : ''}${nameText(invitation.name)}`)
    for (const { peer, number } of invitation.guests) {
      terminal.line(`  ${peer}${number === 0 ? ', waits for a decision' : `, guest ${number}`}`)
    }
  }
}

function stateOf ({ cancelled, expiresAt, guests, uses }: ListedInvitation): string {
  if (cancelled === true) {
    return 'cancelled'
  }
  if (guests.length >= uses) {
    return 'used up'
  }
  return expiresAt <= Date.now() ? `ran out ${dateText(expiresAt)}` : `until ${dateText(expiresAt)}`
}

async function cancelInvitation ({ terminal }: VerbContext, client: ControlClient, selector: string): Promise<void> {
  const candidates = (await client.governance('invitations')).map((invitation) => ({ ...invitation, id: invitation.jti }))
  const found = selected(selector, candidates, 'invitation')
  if (found === undefined) {
    throw new UsageError(`this peer made no invitation "${selector}": list them with grapevine invite ls`)
  }
  await client.change('cancel', { jti: found.jti })
  terminal.event('invitation:cancelled', { jti: found.jti })
  terminal.line(`invitation ${found.jti.slice(0, 8)}${nameText(found.name)} is cancelled: nobody can redeem it any more`)
  if (found.guests.length > 0) {
    terminal.note(`${countOf(found.guests.length, 'peer')} redeemed it before, and ${found.guests.length === 1 ? 'stays' : 'stay'}: to exclude one, grapevine members revoke PEER`)
  }
}

/**
 * `grapevine join TOKEN|FILE|-|ADDRESS`: makes a home when there is none, and runs its peer, which an inviter lets in,
 * or which joins through the peer at the address
 *
 * An invitation is redeemed by the key of the home, and perhaps only once: that home stays whatever fails afterwards.
 */
import { checkNodeSettings } from '../check-settings.ts'
import { newPeersDocument } from '../fitting-data.ts'
import { hasPeer } from '../home.ts'
import { quoted } from '../../src/quoted.ts'
import { checkedInvitation, tokenText } from '../invitation.ts'
import { nodeInit } from '../node-init.ts'
import { sameDocument } from '../prepare-home.ts'
import { runHome } from '../run-home.ts'
import { runNode } from '../run-node.ts'
import { broughtWeights } from '../weights-file.ts'
import type { VerbContext } from '../context.ts'
import type { GivenInvitation } from '../invitation.ts'
import type { Settings } from '../settings.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { NodeInit } from '../../src/node/node-interface.ts'
import type { Terminal } from '../terminal.ts'

/** Reasons of a BootstrapError after which an invitation may have been redeemed all the same */
const UNSURE: readonly unknown[] = ['timeout', 'unreachable']

/** A file that is not there is the likeliest slip. Throws InvalidAddressError */
async function requireAddress (argument: string): Promise<void> {
  if (!argument.startsWith('/')) {
    const { InvalidAddressError } = await import('../../src/errors.ts')
    throw new InvalidAddressError(`there is no file ${quoted(argument)}, and it is neither a token (gv1_…) nor a multiaddr, the address of a peer (such as /ip4/192.0.2.1/tcp/4001)`)
  }
}

export async function join (context: VerbContext): Promise<number> {
  const { home, settings: given, terminal, args } = context
  const text = await tokenText(args[0]!, { terminal })
  if (text === undefined) {
    await requireAddress(args[0]!)
    return await joinThrough(context, args[0]!)
  }
  const invitation = await checkedInvitation(text, { home, federationId: given.federationId, nowMs: Date.now() })
  return await joinInvited(context, invitation)
}

/** Whoever is let in gets the document; so the data are checked later than those of a peer that joins an open one */
async function joinInvited ({ home, settings: given, terminal }: VerbContext, { text, token }: GivenInvitation): Promise<number> {
  const { addresses, federation } = token
  const wanted = { ...given, bootstrap: addresses.slice(0), federationId: federation }
  await checkNodeSettings(home, wanted)
  const isNew = !await hasPeer(home)
  const weights = await broughtWeights(undefined, wanted)
  const run: Run = async (settings, started) => {
    const init = { ...await nodeInit(home, settings), expectedFederation: federation, invitation: text, ...await keptDocument(home), ...(weights === undefined ? {} : { weights }) }
    try {
      return await runNode(init, settings, terminal, started)
    } catch (err) {
      if (isNew && mayBeMember(err)) {
        await started?.()
        terminal.note(`${home} stays, because its peer may be a member by now. Correct what is wrong (settings: grapevine.toml there), and run the same command again`)
      }
      throw err
    }
  }
  return await runHome({ home, terminal, isNew }, { given: wanted, document: undefined }, run)
}

async function joinThrough ({ home, settings: given, terminal }: VerbContext, address: string): Promise<number> {
  const wanted = { ...given, bootstrap: [address] }
  await checkNodeSettings(home, wanted)
  const isNew = !await hasPeer(home)
  const fetched = isNew ? await openDocument(wanted, terminal) : undefined
  const weights = await broughtWeights(fetched, wanted)
  const run: Run = async (settings, started) => {
    const { name } = given
    const init = { ...await nodeInit(home, settings), refuseOtherFederation: true, requestAdmission: name === undefined ? {} : { name }, ...await keptDocument(home, fetched) }
    return await runNode({ ...init, ...(weights === undefined ? {} : { weights }) }, settings, terminal, started)
  }
  return await runHome({ home, terminal, isNew }, { given: wanted, document: undefined }, run)
}

type Run = (settings: Settings, started?: () => Promise<void>) => Promise<number>

async function keptDocument (home: string, fetched?: FederationDocument): Promise<Pick<NodeInit, 'federation'>> {
  const document = await sameDocument(home, fetched)
  return document === undefined ? {} : { federation: document }
}

/** Undefined where members tell strangers nothing: the node asks to be admitted then */
async function openDocument (wanted: Settings, terminal: Terminal): Promise<FederationDocument | undefined> {
  try {
    return await newPeersDocument(wanted, undefined, terminal)
  } catch (err) {
    if ((err as Error).name !== 'AdmissionRefusedError') {
      throw err
    }
    terminal.note('The members of this federation let nobody in but whom they invite or approve')
    return undefined
  }
}

function mayBeMember (err: unknown): boolean {
  const { name, reason } = err as { name?: unknown, reason?: unknown }
  return name === 'BootstrapError' ? UNSURE.includes(reason) : !['AdmissionRefusedError', 'InvitationError', 'FederationMismatchError'].includes(String(name))
}

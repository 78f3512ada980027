/**
 * `grapevine status`: one screen about the peer of a home
 */
import { EXIT_CODES } from '../exit-codes.ts'
import { federationName } from '../federation-name.ts'
import { formatBytes, formatCount, formatDuration, formatRound, formatWaiting, mixedWith, shortId } from '../format.ts'
import { openHome, warnOfLoss } from '../home-reader.ts'
import { statusLines } from '../membership-text.ts'
import { formatPromise, formatSpent } from '../privacy-text.ts'
import type { VerbContext } from '../context.ts'
import type { RunningStatus } from '../control/control-client.ts'
import type { HomeReader, VersionPointers } from '../home-reader.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { ModelVersion } from '../../src/interface.ts'
import type { NodeDescription } from '../../src/node/node-interface.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { Terminal } from '../terminal.ts'

/** Exit code 0 when the peer runs, 4 when it does not */
export async function status ({ home, terminal, origins }: VerbContext): Promise<number> {
  const reader = await openHome(home)
  try {
    await warnOfLoss(reader, terminal)
    if (reader.running === undefined) {
      await showStopped(reader, home, terminal)
      terminal.note(`Start it: grapevine start${origins.home === undefined ? '' : ` --home ${home}`}`)
      return EXIT_CODES.running.code
    }
    showRunning(reader.running, terminal)
    return 0
  } finally {
    await reader.close()
  }
}

function showRunning ({ pid, node, membership }: RunningStatus, terminal: Terminal): void {
  terminal.event('status', { running: true, pid, ...node, membership: membership ?? null })
  const { federation, trainer, connections, neighbours, members, lastRound, traffic } = node
  const live = neighbours.filter((neighbour) => neighbour.live).length
  terminal.field('Peer', `${node.peer}, process ${pid}, up ${formatDuration(Date.now() - node.startedAt)}`)
  terminal.field('State', stateLine(node))
  showIdentityInUse(node, terminal)
  terminal.field('Federation', federation === undefined ? 'none yet' : `"${federation.name}" ${federation.id}`)
  showMembership({ federation, membership }, terminal)
  terminal.field('Mesh', `${members.length} members known, ${connections.length} connected, ${live} live of ${neighbours.length} neighbours`)
  if (connections.length > 0 && live === 0) {
    terminal.field('', flowLine(lastRound, terminal))
  }
  if (node.limits !== undefined) {
    terminal.field('Withstands', limitsLine(node.limits))
  }
  if (trainer !== undefined) {
    terminal.field('Training', `${trainer.backend}, ${formatCount(trainer.trainExamples)} examples, ${formatCount(trainer.parameterCount)} parameters`)
  }
  terminal.field('Privacy', `${formatSpent(node.privacy)}${node.privacy === null ? '' : '; more: grapevine privacy'}`)
  terminal.field('Last round', lastRound === undefined ? 'none since the start' : formatRound(lastRound))
  showVersions({ latest: node.latestVersion, newest: node.newestVersion }, terminal)
  terminal.field('Traffic', `sent ${formatBytes(traffic.bytesSent)}, received ${formatBytes(traffic.bytesReceived)}`)
  for (const [index, address] of node.addresses.entries()) {
    terminal.field(index === 0 ? 'Addresses' : '', address)
  }
  showUnanswered(node, terminal)
  showNeighbours(node, terminal)
}

/** A peer that runs since before an update says nothing of it */
function showMembership ({ federation, membership }: Pick<NodeDescription, 'federation'> & Pick<RunningStatus, 'membership'>, terminal: Terminal): void {
  if (federation === undefined || membership === undefined) {
    return
  }
  if (membership === null) {
    terminal.field('Membership', 'open: whoever connects takes part')
    return
  }
  const { line, troubles, notes } = statusLines(membership, Date.now())
  terminal.field('Membership', line)
  troubles.forEach((trouble) => { terminal.field('', terminal.style('yellow', trouble)) })
  notes.forEach((note) => { terminal.field('', note) })
}

/** In a star the neighbours are no more than known, and their updates come through the hub */
function flowLine (lastRound: RoundReport | undefined, terminal: Terminal): string {
  return lastRound !== undefined && lastRound.accepted > 0
    ? `no neighbour is connected directly: updates come through others (${lastRound.accepted} of them in the last round)`
    : terminal.style('yellow', 'connected to peers, but none of them is a live neighbour: updates do not flow')
}

const FAILURES: Record<NodeDescription['unanswered'][number]['failure'], string> = {
  silent: 'does not answer: a firewall or a VPN may stand between',
  refused: 'refuses: nothing listens there',
  failed: 'does not lead to that peer'
}

function showIdentityInUse ({ identityInUse }: Pick<NodeDescription, 'identityInUse'>, terminal: Terminal): void {
  if (identityInUse !== undefined) {
    const { since, addresses } = identityInUse
    const where = addresses.length === 0 ? 'without an address' : `at ${addresses.join(', ')}`
    const advice = 'stop one of the two, or give the copy an id of its own: grapevine renew'
    terminal.field('Id in use', terminal.style('yellow', `for ${formatDuration(Date.now() - since)}, by another process ${where}: ${advice}`))
  }
}

/** A peer that runs since before an update says nothing of them */
function showUnanswered ({ unanswered = [] }: Partial<NodeDescription>, terminal: Terminal): void {
  for (const [index, { peer, address, failure }] of unanswered.entries()) {
    terminal.field(index === 0 ? 'Unanswered' : '', `${address}${peer === undefined ? '' : ` of ${shortId(peer)}`} ${FAILURES[failure]}`)
  }
}

function showNeighbours ({ neighbours, lastRound }: NodeDescription, terminal: Terminal): void {
  for (const { peer, live, round } of neighbours) {
    const suspicion = lastRound?.quarantined[peer] ?? lastRound?.suspects[peer]
    const conduct = suspicion === undefined ? '' : `, ${peer in lastRound!.quarantined ? 'held back' : 'stands apart'} (suspicion ${suspicion.toFixed(2)})`
    terminal.detail(`neighbour ${shortId(peer)} ${live ? 'live' : 'silent'}${round === undefined ? '' : `, round ${round}`}${conduct}`)
  }
  for (const peer of lastRound?.banned ?? []) {
    terminal.detail(`banned ${shortId(peer)}`)
  }
}

function limitsLine ({ toleratedLiars, algebraicConnectivity, f, warning }: NonNullable<NodeDescription['limits']>): string {
  const text = `${toleratedLiars === 1 ? '1 liar' : `${toleratedLiars} liars`} among each peer's neighbours in the worst case (algebraic connectivity ${algebraicConnectivity.toFixed(2)}); the federation declares f = ${f}`
  return warning === undefined ? text : `${text}: too thin, raise topology.degree or add members`
}

function stateLine ({ status, round, phase, members, minMembers, waiting }: NodeDescription): string {
  if (status === 'waiting' && members.length < minMembers) {
    return `waiting for other peers: ${members.length} of ${minMembers} members are here`
  }
  if (waiting !== undefined) {
    return `waiting for ${formatDuration(Date.now() - waiting.since)}: ${formatWaiting({ round: round + 1, ...waiting })}`
  }
  return status === 'training' ? `training, round ${round + 1}${phase === undefined ? '' : ` (${phase})`}` : `${status}, ${round === 0 ? 'no round done' : `${round} rounds done`}`
}

async function showStopped (reader: HomeReader, home: string, terminal: Terminal): Promise<void> {
  const document = await reader.federation()
  const federation = document === undefined ? null : await federationName(document)
  const { latest, newest } = await reader.pointers()
  const lastRound = await reader.lastRound() as RoundReport | undefined
  const privacy = lastRound?.privacy ?? null
  terminal.event('status', { running: false, home, federation, round: newest?.round ?? 0, latestVersion: latest ?? null, newestVersion: newest ?? null, lastRound: lastRound ?? null, privacy })
  terminal.field('State', `not running (${home})`)
  terminal.field('Federation', federation === null ? 'none yet' : `"${federation.name}" ${federation.id}`)
  terminal.field('Privacy', privacyLine(document, privacy))
  terminal.field('Last round', lastRound === undefined ? 'none yet' : formatRound(lastRound))
  showVersions({ latest, newest }, terminal)
}

function showVersions ({ latest, newest }: VersionPointers, terminal: Terminal): void {
  const kind = (version: ModelVersion): string => version.metrics.accepted !== undefined && version.mixed ? `mixed with ${mixedWith(version)}` : mixedWith(version)
  terminal.field('Version', latest === undefined ? 'none yet' : `${latest.id} (round ${latest.round}, ${kind(latest)})`)
  if (newest !== undefined && newest.id !== latest?.id) {
    terminal.field('', `newest: ${newest.id} (round ${newest.round}, ${kind(newest)})`)
  }
}

function privacyLine (document: FederationDocument | undefined, privacy: RoundReport['privacy']): string {
  if (document === undefined) {
    return 'known when the federation is'
  }
  return `${formatPromise(document.privacy)}${privacy === null ? '' : `; after the last round ${formatSpent(privacy)}`}`
}

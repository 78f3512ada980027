/**
 * Seven voters on hosts of their own: admission, revocation, and a network that falls in two while rounds go on:
 * npm run verify:membership. Needs root on Linux
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { peerOfHome } from '../../src/network/host/identity.ts'
import { createVotingKey } from '../../src/node/voting-keys.ts'
import { presetDocument } from '../../src/presets.ts'
import { PeerDriver, PeerSet } from '../e2e/peer-driver.ts'
import { createVirtualNetwork, whyNoVirtualHosts } from '../e2e/virtual-hosts.ts'
import type { PeerLine } from '../e2e/peer-driver.ts'
import type { VirtualHost } from '../e2e/virtual-hosts.ts'

const VOTERS = [1, 2, 3, 4, 5, 6, 7] as const
const QUORUM = 5
const SMALL_SIDE = [6, 7] as const
const LARGE_SIDE = [1, 2, 3, 4, 5] as const
const REVOKED_WITHIN_MS = 5_000
const AGREED_WITHIN_MS = 15_000
const NOTICED_WITHIN_MS = 90_000

interface Trial { peers: PeerSet, hosts: readonly VirtualHost[] }

const nameOf = (i: number): string => `peer-${i}`

function spawn ({ peers, hosts }: Trial, i: number, verb: readonly string[]): PeerDriver {
  return peers.spawn(nameOf(i), [...verb, '--data', 'digits', '--partition', `${i}/9`, '--backend', 'wasm', '--min-members', '2'], hosts[i - 1]!.prefix)
}

/** The document of an invited federation whose voters are the peers of seven homes */
async function writeDocument (peers: PeerSet): Promise<string> {
  const voters = await Promise.all(VOTERS.map(async (i) => ({ peer: await peerOfHome(peers.home(nameOf(i))), votingKey: await createVotingKey(peers.home(nameOf(i)), 0) })))
  const file = join(peers.folder, 'federation.json')
  const membership = { admission: 'invited', voters, guestsPerMember: 8, certificateDays: 365 }
  await writeFile(file, JSON.stringify({ ...presetDocument('digits'), format: 2, aggregation: { rule: 'mean', f: 0 }, membership }))
  return file
}

/** What a verb prints for the peer of a home: its line of type `type`. Run on its host: the endpoint is local */
async function ask ({ peers, hosts }: Trial, i: number, [type, ...args]: readonly [string, ...string[]]): Promise<PeerLine> {
  const asking = new PeerDriver(`${nameOf(i)}: ${args.join(' ')}`, [...args, '--home', peers.home(nameOf(i)), '--json'], hosts[i - 1]!.prefix)
  const { code } = await asking.exited
  expect(code, `${asking.name}: ${asking.stderr}`).toBe(0)
  return asking.line(type)
}

/** Asks again until the membership that a peer tells fits; a program run takes its time, so this never spins */
async function untilMembership (trial: Trial, i: number, fits: (membership: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  const deadline = performance.now() + NOTICED_WITHIN_MS
  for (;;) {
    const membership = (await ask(trial, i, ['status', 'status']))['membership'] as Record<string, unknown>
    if (fits(membership)) {
      return membership
    }
    if (performance.now() > deadline) {
      throw new RangeError(`${nameOf(i)} says after ${NOTICED_WITHIN_MS} ms: ${JSON.stringify(membership)}`)
    }
  }
}

const decided = (kind: string, peer: string) => ({ act }: PeerLine): boolean => JSON.stringify(act).includes(kind) && JSON.stringify(act).includes(peer)

const arrived = (lines: readonly PeerLine[], since: number): number => Math.round(Math.max(...lines.map(({ arrivedMs }) => arrivedMs)) - since)

/** Rounds that begin after now end at all of these */
async function roundsGoOn (mesh: readonly PeerDriver[]): Promise<void> {
  await Promise.all(mesh.map(async (peer) => {
    const from = peer.lines.length
    const { round } = await peer.line('round:start', () => true, { from, timeoutMs: NOTICED_WITHIN_MS })
    await peer.round(round as number, { from, timeoutMs: NOTICED_WITHIN_MS })
  }))
}

async function found (trial: Trial): Promise<PeerDriver[]> {
  const document = await writeDocument(trial.peers)
  const first = spawn(trial, 1, ['start', '--federation', document])
  const address = await first.address(trial.hosts[0]!.addresses[0])
  const mesh = [first, ...VOTERS.slice(1).map((i) => spawn(trial, i, ['start', '--federation', document, '--bootstrap', address]))]
  await Promise.all(mesh.map(async (peer) => peer.line('joined', () => true, { timeoutMs: NOTICED_WITHIN_MS })))
  await untilMembership(trial, 1, ({ reachableVoters }) => reachableVoters === VOTERS.length)
  await roundsGoOn(mesh)
  return mesh
}

/** An act is endorsed by these voters, one after the other */
async function endorse (trial: Trial, voters: readonly number[], act: readonly string[]): Promise<void> {
  for (const i of voters) {
    await ask(trial, i, ['members:act', 'members', ...act])
  }
}

async function admitByRequest (trial: Trial, mesh: readonly PeerDriver[], address: string): Promise<{ ninth: PeerDriver, peer: string }> {
  const ninth = spawn(trial, 9, ['join', address, '--name', 'ninth'])
  const peer = (await ninth.line('admission:waiting'))['peer'] as string
  await Promise.all(mesh.map(async (voter) => voter.line('governance:request', (line) => line['peer'] === peer)))
  await endorse(trial, VOTERS.slice(0, QUORUM - 1), ['approve', peer])
  // the fifth voter has heard of all four, and nothing is decided
  await mesh[QUORUM - 1]!.line('governance:act', (line) => decided('admit', peer)(line) && line['missing'] === 1)
  await roundsGoOn(mesh)
  expect(mesh.flatMap(({ lines }) => lines).filter(({ type }) => type === 'governance:decision')).toEqual([])
  const since = performance.now()
  await endorse(trial, [QUORUM], ['approve', peer])
  const lines = await Promise.all(mesh.map(async (voter) => voter.line('governance:decision', decided('admit', peer))))
  await ninth.line('joined')
  process.stdout.write(`admission: decided at all voters ${arrived(lines, since)} ms after the fifth approval was begun\n`)
  return { ninth, peer }
}

async function revoke (trial: Trial, mesh: readonly PeerDriver[], guest: { peer: string, driver: PeerDriver }): Promise<void> {
  await endorse(trial, VOTERS.slice(0, QUORUM - 1), ['revoke', guest.peer, '--reason', 'left'])
  await mesh[QUORUM - 1]!.line('governance:act', (line) => decided('revoke', guest.peer)(line) && line['missing'] === 1)
  const since = performance.now()
  await endorse(trial, [QUORUM], ['revoke', guest.peer, '--reason', 'left'])
  const lines = await Promise.all(mesh.map(async (voter) => voter.line('governance:decision', decided('revoke', guest.peer))))
  const told = await guest.driver.line('governance:standing', ({ standing }) => standing === 'revoked')
  const outMs = arrived([...lines, told], since)
  process.stdout.write(`revocation: out at every peer ${outMs} ms after the fifth endorsement was begun\n`)
  expect(outMs).toBeLessThan(REVOKED_WITHIN_MS)
}

const reason = whyNoVirtualHosts()
describe.skipIf(reason !== undefined)(reason === undefined ? 'seven voters on routed hosts' : `seven voters on routed hosts (skipped: ${reason})`, () => {
  it('admit and revoke by five, pause where they are two of seven, and agree when the network is whole again', async () => {
    using network = createVirtualNetwork('members', Array.from({ length: 9 }, (_, i) => [{ address: `45.33.${i + 1}.1` }]))
    await using peers = await PeerSet.create()
    const trial: Trial = { peers, hosts: network.hosts }
    const mesh = await found(trial)

    const file = join(peers.folder, 'eighth.invite')
    await ask(trial, 2, ['invitation', 'invite', '--name', 'eighth', '--output', file])
    const eighth = spawn(trial, 8, ['join', file])
    await eighth.line('joined')
    const eighthId = (await eighth.line('listening'))['peer'] as string
    const { ninth, peer } = await admitByRequest(trial, mesh, await mesh[0]!.address(network.hosts[0]!.addresses[0]))
    await revoke(trial, mesh, { peer: eighthId, driver: eighth })
    await roundsGoOn([...mesh, ninth])

    const others = [...LARGE_SIDE, 9]
    const cut = SMALL_SIDE.flatMap((small) => others.map((large) => [network.hosts[small - 1]!, network.hosts[large - 1]!] as const))
    cut.forEach(([a, b]) => { network.between(a, b, 'dropped') })
    const { paused } = await untilMembership(trial, SMALL_SIDE[0], (membership) => membership['paused'] !== undefined && membership['reachableVoters'] === SMALL_SIDE.length)
    expect(paused).toContain('2 of 7 voters reachable; decisions need 5')
    await endorse(trial, SMALL_SIDE, ['limit', peer, '12'])
    await endorse(trial, LARGE_SIDE, ['limit', peer, '20'])
    await Promise.all(LARGE_SIDE.map(async (i) => mesh[i - 1]!.line('governance:decision', decided('raise-limit', peer))))
    await roundsGoOn([...mesh, ninth])
    for (const i of SMALL_SIDE) {
      expect(mesh[i - 1]!.lines.filter((line) => line.type === 'governance:decision' && decided('raise-limit', peer)(line))).toEqual([])
    }

    const healedAt = performance.now()
    cut.forEach(([a, b]) => { network.between(a, b, 'passed') })
    const lines = await Promise.all(mesh.map(async (voter) => voter.line('governance:decision', decided('raise-limit', peer), { timeoutMs: NOTICED_WITHIN_MS })))
    const agreedMs = arrived(lines, healedAt)
    process.stdout.write(`partition: all agree ${agreedMs} ms after the router began to pass again\n`)
    expect(new Set(lines.map(({ slot, act }) => JSON.stringify([slot, act]))).size).toBe(1)
    expect(agreedMs).toBeLessThan(AGREED_WITHIN_MS)
    await roundsGoOn([...mesh, ninth])
  }, 300_000)
})

/**
 * One hour of everything, one after another, from a seed. npm run verify:pairs
 *
 * VERIFY_HOUR_MINUTES and VERIFY_SEED set how long, and which hour.
 */
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/seeded-random.ts'
import { PeerSet } from '../../e2e/peer-driver.ts'
import { createVirtualNetwork, whyNoVirtualHosts } from '../../e2e/virtual-hosts.ts'
import { MAX_LONELY, Mesh, report } from './mesh.ts'
import { happen, happenings } from './schedule.ts'
import type { Site } from './site.ts'

const PEERS = 5
const MINUTES = Number(process.env['VERIFY_HOUR_MINUTES'] ?? 60)
const SEED = process.env['VERIFY_SEED'] ?? '1'
const MINUTE_MS = 60_000
const PAUSE_MS = 10_000
const MAX_GROWTH = 1.5

/** What all rounds may cost beyond those that were mixed */
const MAX_WASTE = 0.05

const PROGRAM = resolve(import.meta.dirname, '../../../dist/peer/main.js')

async function residentBytes ({ peer: { pid } }: Site): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1_024
}

/** Of a stopped peer: how many charges stand in its ledger */
function charges (peers: PeerSet, { name }: Site): number {
  const ledgers = peers.home(`ledgers-${name.replace(/\D+/, '')}`)
  const output = execFileSync(process.execPath, [PROGRAM, 'privacy', 'ledger', '--limit', '1', '--home', peers.home(name), '--ledgers', ledgers, '--json'], { encoding: 'utf8' })
  return (JSON.parse(output.trim().split('\n').at(-1)!) as { count: number }).count
}

const reason = whyNoVirtualHosts()
describe.skipIf(reason !== undefined)(reason === undefined ? `${MINUTES} minutes of five private peers` : `five private peers (skipped: ${reason})`, () => {
  it('end with all of them level, mixing, unbanned, no larger, and with hardly a round paid for in vain', async () => {
    using network = createVirtualNetwork('hour', Array.from({ length: PEERS + 1 }, (_, i) => [{ address: `10.79.${i + 1}.1` }]))
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: PEERS, hosts: network.hosts })
    const scene = { mesh, network, strangerHost: network.hosts[PEERS]! }
    const beganMs = performance.now()
    const minutes = (): number => (performance.now() - beganMs) / MINUTE_MS
    await mesh.start()
    await mesh.mixed()
    const schedule = happenings(mesh.sites, seededRandom(`hour ${SEED}`))
    let early: number[] | undefined
    const events: Array<Record<string, unknown>> = []
    while (minutes() < MINUTES) {
      const next = schedule.next().value
      const fromMs = performance.now()
      const returnedMs = await happen(scene, next)
      const { afterMs, spread } = await mesh.regained(returnedMs)
      const unmixed = mesh.sites.map((site) => site.spent(fromMs).unmixed)
      const rss = await Promise.all(mesh.sites.map(residentBytes))
      early ??= minutes() >= Math.min(5, MINUTES / 3) ? rss : undefined
      const row = { minute: minutes().toFixed(1), kind: next.kind, victim: next.victim.name, seconds: Math.round(next.durationMs / 1_000), afterMs, spread, unmixed, rssMiB: rss.map((bytes) => Math.round(bytes / 1_048_576)) }
      events.push(row)
      report(row)
      // an end in the middle of a round costs one more; with a jump of the clock there are two
      expect.soft(Math.max(...unmixed), next.kind).toBeLessThanOrEqual(MAX_LONELY + (next.kind === 'clock jump at a restart' ? 1 : 0))
      await setTimeout(PAUSE_MS)
    }
    const last = await Promise.all(mesh.sites.map(residentBytes))
    await mesh.regained(performance.now())
    await mesh.expectNobodyBanned()
    await mesh.stop()
    const spent = mesh.sites.map((site) => site.spent())
    const charged = mesh.sites.map((site) => charges(peers, site))
    const wasted = spent.map(({ paid, unmixed }) => unmixed / (paid - unmixed))
    report({ minutes: minutes().toFixed(1), events: events.length, rounds: mesh.sites.map(({ round }) => round), spent, charged, wasted: wasted.map((share) => share.toFixed(4)), growth: last.map((bytes, i) => (bytes / early![i]!).toFixed(2)) })
    expect.soft(Math.max(...wasted)).toBeLessThanOrEqual(MAX_WASTE)
    // the ledger knows of no charge that no round was seen for
    mesh.sites.forEach((site, i) => { expect.soft(charged[i]!, site.name).toBeLessThanOrEqual(spent[i]!.paid) })
    expect.soft(Math.max(...last.map((bytes, i) => bytes / early![i]!))).toBeLessThanOrEqual(MAX_GROWTH)
  }, (MINUTES + 15) * MINUTE_MS)
})

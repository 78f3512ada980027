/**
 * A private federation of a few members, and what must hold of it whatever happens
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { presetDocument } from '../../../src/presets.ts'
import { Site } from './site.ts'
import type { FederationInit } from '../../../src/federation/document.ts'
import type { PeerLine, PeerSet } from '../../e2e/peer-driver.ts'
import type { VirtualHost } from '../../e2e/virtual-hosts.ts'
import type { ClockShift } from './site.ts'

/** After an outage everything is as before within this, or within three usual rounds */
export const REGAIN_MS = 15_000

/** Rounds that an outage may cost a peer, whatever else happens */
export const MAX_LONELY = 2

/** Rounds that must be without fault then */
const SOUND_ROUNDS = 8

const DAY_MS = 86_400_000

const MAX_WAIT_MS = 120_000

export interface MeshInit {
  count: number
  /** One for each member. @default loopback */
  hosts?: readonly VirtualHost[]
  /** @default that of `digits-private` */
  aggregation?: FederationInit['aggregation']
  args?: readonly string[]
}

export interface Regained {
  /** Milliseconds from the return to the last round that somebody's update was missing in */
  afterMs: number
  spread: number
}

export class Mesh {
  readonly sites: Site[]
  readonly staleness: number
  private readonly documentPath: string
  private readonly hosts: readonly VirtualHost[] | undefined

  private constructor (sites: Site[], staleness: number, { documentPath, hosts }: { documentPath: string, hosts: readonly VirtualHost[] | undefined }) {
    this.sites = sites
    this.staleness = staleness
    this.documentPath = documentPath
    this.hosts = hosts
  }

  /** Writes the document; starts nothing */
  static async create (peers: PeerSet, { count, hosts, aggregation, args = [] }: MeshInit): Promise<Mesh> {
    const preset = presetDocument('digits-private')
    // as private as the preset in each round; the limit is beyond what a trial takes, for what is wasted is counted in
    // rounds
    const document = { ...preset, aggregation: { ...preset.aggregation, ...aggregation }, privacy: { ...preset.privacy, epsilonLimit: 1_000 } }
    const documentPath = join(peers.folder, 'federation.json')
    await writeFile(documentPath, JSON.stringify(document))
    const sites = Array.from({ length: count }, (_, i) => new Site(peers, {
      index: i + 1,
      host: hosts?.[i],
      args: ['--data', 'digits', '--partition', `${i + 1}/${count}`, '--partition-seed', '7', '--backend', 'wasm', '--evaluate-every', '10',
        '--ledgers', peers.home(`ledgers-${i + 1}`), ...hosts === undefined ? ['--listen', '/ip4/127.0.0.1/tcp/0'] : [], ...args]
    }))
    return new Mesh(sites, preset.round.staleness, { documentPath, hosts })
  }

  /** What the first is started with */
  get founding (): string[] {
    return ['start', '--federation', this.documentPath]
  }

  /** The first, with this clock, founds; the others join through it */
  async start (clock?: ClockShift): Promise<void> {
    const [first, ...others] = this.sites
    first!.start(this.founding, clock)
    const address = await this.address(first!)
    others.forEach((site) => { site.start(['join', address]) })
  }

  /** Goes on from its home, and finds the others by what it remembers */
  restart (site: Site, clock?: ClockShift): void {
    site.start(['start'], clock)
  }

  async address (site: Site): Promise<string> {
    return site.peer.address(this.hosts === undefined ? '/ip4/127.0.0.1/' : this.hosts[this.sites.indexOf(site)]!.addresses[0]!)
  }

  async federation (): Promise<string> {
    return (await this.sites[0]!.peer.line('joined'))['federation'] as string
  }

  get othersCount (): number {
    return this.sites.length - 1
  }

  /** Until all have finished a round, begun after now, with the updates of all */
  async mixed (sites: readonly Site[] = this.sites, accepted = this.othersCount): Promise<void> {
    await Promise.all(sites.map(async ({ peer }) => {
      await peer.line('round:end', (line) => line['accepted'] === accepted, { from: peer.lines.length, timeoutMs: MAX_WAIT_MS })
    }))
  }

  /**
   * Waits until `REGAIN_MS` after `sinceMs`, and some rounds more, of which each must be with the updates of all, also
   * when one came after the deadline and the round was mixed late, which costs nothing
   *
   * @param sinceMs - When the last of those that were away was reachable again
   */
  async regained (sinceMs: number, { accepted = this.othersCount, sites = this.sites } = {}): Promise<Regained> {
    const limitMs = Math.max(REGAIN_MS, 3 * this.usualRoundMs(sites, sinceMs))
    await Promise.all(sites.map(async (site) => this.soundRounds(site, sinceMs + limitMs)))
    const flawed = sites.flatMap((site) => site.rounds(sinceMs).filter((line) => line['accepted'] !== accepted && !site.isMixedLate(line, accepted)).map((line) => ({ site: site.name, ...line })))
    const late = flawed.filter(({ arrivedMs }) => arrivedMs > sinceMs + limitMs)
    const firsts = sites.map((site) => site.rounds(sinceMs).find((line) => line['accepted'] === accepted)?.arrivedMs ?? Infinity)
    const spread = spreadOf(sites, sinceMs + limitMs)
    expect.soft(late.map(brief), 'rounds without the updates of all').toEqual([])
    expect.soft(spread, 'between the numbers of the members').toBeLessThanOrEqual(this.staleness)
    return { afterMs: Math.round(Math.max(0, ...[...firsts, ...flawed.map(({ arrivedMs }) => arrivedMs)].map((ms) => ms - sinceMs))), spread }
  }

  /** Nobody of the mesh was ever banned by another member */
  async expectNobodyBanned (): Promise<void> {
    const ids = await Promise.all(this.sites.map(async (site) => site.id()))
    const banned = this.sites.flatMap((site) => site.rounds().flatMap((line) => line['banned'] as string[]))
    expect(banned.filter((id) => ids.includes(id))).toEqual([])
  }

  /** All end as they should */
  async stop (): Promise<void> {
    const exits = await Promise.all(this.sites.map(async (site) => site.goodbye()))
    expect(exits.map(({ code }) => code)).toEqual(this.sites.map(() => 0))
  }

  private usualRoundMs (sites: readonly Site[], beforeMs: number): number {
    const durations = sites.flatMap((site) => site.rounds().filter(({ arrivedMs }) => arrivedMs < beforeMs).slice(-20).map((line) => line['durationMs'] as number))
    return durations.sort((a, b) => a - b)[Math.floor(durations.length / 2)] ?? 0
  }

  /** Waits for so many rounds that ended after `fromMs` */
  private async soundRounds (site: Site, fromMs: number): Promise<void> {
    let from = 0
    for (let i = 0; i < SOUND_ROUNDS; i++) {
      const line = await site.peer.line('round:end', ({ arrivedMs }) => arrivedMs > fromMs, { from, timeoutMs: MAX_WAIT_MS })
      from = site.peer.lines.indexOf(line) + 1
    }
  }
}

/**
 * Largest difference between the last finished rounds of the members at any time from then on, by their own clocks,
 * which must agree; up to the time to which all of them have been read
 */
function spreadOf (sites: readonly Site[], fromMs: number): number {
  const ends = sites.flatMap((site, index) => site.rounds().map((line) => ({ index, round: line['round'] as number, atMs: rightMs(line) })))
    .sort((a, b) => a.atMs - b.atMs)
  const untilMs = Math.min(...sites.map((site) => rightMs(site.rounds().at(-1)!)))
  const newest = sites.map(() => 0)
  let spread = 0
  for (const { index, round, atMs } of ends.filter((end) => end.atMs <= untilMs)) {
    newest[index] = round
    spread = atMs < performance.timeOrigin + fromMs ? spread : Math.max(spread, Math.max(...newest) - Math.min(...newest))
  }
  return spread
}

/** When the line was written: by its own clock, with whole days taken off that it is ahead */
function rightMs ({ time, arrivedMs }: PeerLine): number {
  const readMs = performance.timeOrigin + arrivedMs
  return Date.parse(time) - DAY_MS * Math.round((Date.parse(time) - readMs) / DAY_MS)
}

function brief ({ site, round, accepted, rejected, late }: PeerLine & { site: string }): string {
  return `${site}: round ${String(round)} accepted ${String(accepted)}, rejected ${JSON.stringify(rejected)}, late ${String(late)}`
}

/** When the last of these was on the network again */
export async function returned (sites: readonly Site[]): Promise<number> {
  const lines = await Promise.all(sites.map(async ({ peer }) => peer.line('listening')))
  return Math.max(...lines.map(({ arrivedMs }) => arrivedMs))
}

/** Until the trial is so much older: nothing else ends an outage */
export async function elapse (ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

/** Numbers of a trial, for who reads its output */
export function report (numbers: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(numbers)}\n`)
}

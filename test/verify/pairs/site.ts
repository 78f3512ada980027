/**
 * One member of a trial: its home, and the processes that ran on it one after another
 */
import { resolve } from 'node:path'
import type { ProcessExit } from '../../../testnet/peer-process.ts'
import type { PeerDriver, PeerLine, PeerSet } from '../../e2e/peer-driver.ts'
import type { VirtualHost } from '../../e2e/virtual-hosts.ts'

const SHIFT_CLOCK = resolve(import.meta.dirname, '../../fixtures/shift-clock.mjs')

export interface ClockShift {
  shiftMs: number
  /** Not from the start, but when `jumpClock` is called. @default false */
  later?: boolean
}

export interface SiteInit {
  index: number
  /** Without home, host and clock */
  args: readonly string[]
  host?: VirtualHost | undefined
}

export class Site {
  readonly name: string
  readonly lives: PeerDriver[] = []
  private readonly peers: PeerSet
  private readonly init: SiteInit

  constructor (peers: PeerSet, init: SiteInit) {
    this.peers = peers
    this.init = init
    this.name = `peer-${init.index}`
  }

  /** Starts a process; `verb`: `['start']` or `['join', ADDRESS]` */
  start (verb: readonly string[], clock?: ClockShift): PeerDriver {
    const { args, host } = this.init
    const life = this.peers.spawn(this.name, [...verb, ...args], [...host?.prefix ?? [], ...clock === undefined ? [] : clockPrefix(clock)])
    this.lives.push(life)
    return life
  }

  /** The process that runs, or ran last */
  get peer (): PeerDriver {
    return this.lives.at(-1)!
  }

  async id (): Promise<string> {
    return (await this.peer.line('listening'))['peer'] as string
  }

  jumpClock (): void {
    this.peer.signal('SIGUSR2')
  }

  async kill (): Promise<void> {
    this.peer.signal('SIGKILL')
    await this.peer.exited
  }

  async goodbye (): Promise<ProcessExit> {
    return this.peer.stop()
  }

  /** Of all lives, in the order in which they came */
  get lines (): PeerLine[] {
    return this.lives.flatMap(({ lines }) => lines)
  }

  rounds (sinceMs = -Infinity): PeerLine[] {
    return this.lines.filter(({ type, arrivedMs }) => type === 'round:end' && arrivedMs >= sinceMs)
  }

  /** The round that this line ends was mixed with so many updates before the next one began */
  isMixedLate (end: PeerLine, accepted: number): boolean {
    const { lines } = this.lives.find((life) => life.lines.includes(end))!
    const next = lines.slice(lines.indexOf(end)).find(({ type }) => type === 'round:mixed' || type === 'round:start')
    return next?.type === 'round:mixed' && next['accepted'] === accepted
  }

  /** Of the last finished round */
  get round (): number {
    return (this.rounds().at(-1)?.['round'] ?? 0) as number
  }

  /** What was paid for since then, and what of it never took part in anything; without a round that is in hand */
  spent (sinceMs = -Infinity): { paid: number, unmixed: number } {
    const all = this.lives.map((life) => spentIn(life.lines, { sinceMs, isRunning: life.isRunning }))
    return { paid: sum(all.map(({ paid }) => paid)), unmixed: sum(all.map(({ unmixed }) => unmixed)) }
  }
}

function clockPrefix ({ shiftMs, later = false }: ClockShift): string[] {
  return ['env', `NODE_OPTIONS=--import ${SHIFT_CLOCK}`, `SHIFT_CLOCK_MS=${shiftMs}`, ...later ? ['SHIFT_CLOCK_LATER=1'] : []]
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/**
 * Rounds of one life that were paid for from then on: a charge is made as training begins, also of what a crash cut
 * short
 */
function paidIn (lines: readonly PeerLine[], sinceMs: number): number[] {
  const spentMs = lines.find(({ type }) => type === 'privacy:exhausted')?.arrivedMs ?? Infinity
  return [...new Set(lines.filter(({ type, phase, arrivedMs }) => type === 'round:phase' && phase === 'train' && arrivedMs >= sinceMs && arrivedMs < spentMs)
    .map(({ round }) => round as number))]
}

/** Rounds of one life whose model was averaged, at once or late, or gave way to the neighbours' */
function mixedIn (lines: readonly PeerLine[]): Set<number> {
  const mixed = new Set<number>()
  let last = 0
  for (const { type, round, accepted } of lines) {
    last = type === 'round:end' ? round as number : last
    if (type === 'round:jump' || ((type === 'round:end' || type === 'round:mixed') && (accepted as number) > 0)) {
      mixed.add(type === 'round:jump' ? last : round as number)
    }
  }
  return mixed
}

function spentIn (lines: readonly PeerLine[], { sinceMs, isRunning }: { sinceMs: number, isRunning: boolean }): { paid: number, unmixed: number } {
  const ended = (lines.findLast(({ type }) => type === 'round:end')?.['round'] ?? 0) as number
  const paid = paidIn(lines, sinceMs).filter((round) => !isRunning || round <= ended)
  const mixed = mixedIn(lines)
  return { paid: paid.length, unmixed: paid.filter((round) => !mixed.has(round)).length }
}

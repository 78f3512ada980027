/**
 * What the testnet knows of one peer: where it runs, what it printed, what was done to it
 */
import type { BackendName } from '../src/interface.ts'
import type { RoundPhase } from '../src/round/round-events.ts'
import type { PeerState, TestnetPeer } from './interface.ts'
import type { PeerEvent, PeerPrivacy, RoundEnd } from './peer-events.ts'
import type { PeerProcess } from './peer-process.ts'

export interface RecordedRound extends RoundEnd {
  /** Ids of the live neighbours at its start: at the end of the last round the quicker ones have left already */
  neighbours: string[]
}

/** Times in milliseconds since 1970 */
export interface RecordedKill {
  round: number
  killedAt: number
  restartedAtRound: number | null
  restartedAt: number | null
  resumedAtRound: number | null
  backInMeshAt: number | null
}

export class PeerRecord {
  readonly name: string
  /** From 0 */
  readonly index: number
  readonly home: string
  readonly byzantine: string | undefined
  process: PeerProcess | undefined
  state: PeerState = 'waiting'
  id: string | undefined
  addresses: string[] = []
  federation: string | undefined
  backend: BackendName | undefined
  round = 0
  phase: RoundPhase | undefined
  neighbours: string[] = []
  private neighboursAtStart: string[] = []
  readonly rounds = new Map<number, RecordedRound>()
  readonly kills: RecordedKill[] = []
  firstRoundAt: number | undefined
  lastRoundAt: number | undefined
  /** The first round that its privacy budget did not allow */
  exhaustedAt: number | undefined
  /** Why it ended although nobody asked it to */
  failure: string | undefined
  /** Too few neighbours are there for the next round */
  isWaiting = false
  /** Its process was told to end, so that its end is no failure */
  ending = false

  constructor (init: { index: number, home: string, byzantine: string | undefined }) {
    this.index = init.index
    this.name = `peer-${init.index + 1}`
    this.home = init.home
    this.byzantine = init.byzantine
  }

  /** Takes in what the peer printed */
  apply (event: PeerEvent): void {
    switch (event.type) {
      case 'listening':
        this.id = event.peer
        this.addresses = event.addresses
        break
      case 'joined':
        this.joined(event)
        break
      case 'neighbours:change':
        this.neighbours = event.neighbours.filter((neighbour) => neighbour.live).map((neighbour) => neighbour.peer)
        break
      case 'mesh:ready':
        this.ready(event.time)
        break
      case 'round:waiting':
        this.isWaiting = true
        break
      case 'round:start':
        this.isWaiting = false
        this.began(event)
        break
      case 'round:phase':
        this.phase = event.phase
        break
      case 'round:end':
        this.rounds.set(event.round, { ...event, neighbours: this.neighboursAtStart })
        this.lastRoundAt = event.time
        break
      case 'privacy:exhausted':
        this.exhausted(event.round)
        break
      case 'stopped':
        this.isWaiting = false
        this.phase = undefined
        this.state = event.reason === 'rounds' ? 'finished' : 'stopped'
        break
    }
  }

  /** Of the newest round that was evaluated */
  accuracy (): number | null {
    let newest: RecordedRound | undefined
    for (const round of this.rounds.values()) {
      if (round.accuracy !== null && (newest === undefined || round.round > newest.round)) {
        newest = round
      }
    }
    return newest?.accuracy ?? null
  }

  /** What it had spent after this round; a peer that jumped over it, or was killed, had spent what it had before */
  privacyAt (round: number): PeerPrivacy | null {
    let newest: RecordedRound | undefined
    for (const one of this.rounds.values()) {
      if (one.round <= round && one.round > (newest?.round ?? 0)) {
        newest = one
      }
    }
    return newest?.privacy ?? null
  }

  /** True when its budget was spent in this round already */
  observesAt (round: number): boolean {
    return this.exhaustedAt !== undefined && this.exhaustedAt <= round
  }

  describe (): TestnetPeer {
    return {
      name: this.name,
      id: this.id,
      addresses: [...this.addresses],
      home: this.home,
      pid: this.process?.pid,
      state: this.state,
      byzantine: this.byzantine,
      round: this.round,
      phase: this.phase,
      accuracy: this.accuracy(),
      neighbours: this.neighbours.length,
      rejected: [...this.rounds.values()].reduce((sum, round) => sum + total(round.rejected), 0)
    }
  }

  private joined (event: Extract<PeerEvent, { type: 'joined' }>): void {
    this.state = 'joined'
    this.federation = event.federation
    this.backend = event.backend
    const restarted = this.kills.at(-1)
    if (restarted !== undefined) {
      restarted.resumedAtRound = event.round
    }
  }

  private began ({ round, time }: Extract<PeerEvent, { type: 'round:start' }>): void {
    this.round = round
    this.phase = undefined
    this.neighboursAtStart = this.neighbours
    this.firstRoundAt ??= time
  }

  /** A peer that starts again says it again */
  private exhausted (round: number): void {
    this.exhaustedAt ??= round
  }

  private ready (time: number): void {
    this.state = 'ready'
    const restarted = this.kills.at(-1)
    if (restarted !== undefined) {
      restarted.backInMeshAt = time
    }
  }
}

/** Sum of counts by reason */
export function total (counts: Readonly<Record<string, number | undefined>>): number {
  return Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0)
}

/**
 * Waits until the next round may begin, or something else is to be done first, and says what is waited for
 *
 * The rule is in admission.ts. This looks at the network, declares the own readiness, and wakes up when something
 * changes.
 */
import { anySignal } from 'any-signal'
import { Admission } from './admission.ts'
import { lead, supportedRound } from './round-numbers.ts'
import type { Clock, Neighbour, Network, PeerName } from '../interface.ts'
import type { Waiting } from './round-events.ts'
import type { Candidate, EarlierRounds, Turn } from './admission.ts'
import type { Inbox } from './inbox.ts'

/** A wait that is shorter is not worth a line */
const TELL_AFTER_MS = 1_000

/** Neighbours that are ahead and could not be caught up with are asked again after this */
const CATCH_UP_INTERVAL_MS = 5_000

export interface TurnsComponents {
  network: Pick<Network, 'neighbours' | 'declareReady' | 'addEventListener' | 'removeEventListener'>
  clock: Clock
  inbox: Pick<Inbox, 'unused' | 'newestRound'>
  /** Gets an `update` event when something came into the inbox */
  wake: EventTarget
}

export interface TurnsInit {
  /** Updates that the rule needs, at least 1 */
  needed: number
  staleness: number
  /** A node that is ahead waits this long for the others, at most, in a round */
  deadlineMs: (live: readonly PeerName[]) => number
  /** Rounds begin also when nobody is there; then each takes this long at least */
  aloneMs?: (() => number) | undefined
  onWaiting: (waiting: Waiting) => void
}

/** Whatever event is missed, this often the mesh is looked at all the same */
const LOOK_MS = 5_000

/** `catch-up`: the neighbours are ahead */
export type NextStep = Exclude<Turn['action'], 'wait'> | 'catch-up'

/** `missing` undefined: enough are there, and this node is ahead of them */
type Pending = Exclude<Turn, { action: 'wait' }> | { action: 'wait', missing: PeerName[] | undefined, againInMs: number | undefined }

export class Turns {
  private readonly components: TurnsComponents
  private readonly init: TurnsInit
  private readonly admission: Admission
  private caughtUpAtMs = -Infinity
  private saidReady: boolean | undefined
  /** What is waited for now, from the first moment; undefined when nothing is */
  waiting: Waiting | undefined
  /** Who was missing when the operator was told last */
  private told: string | undefined

  constructor (components: TurnsComponents, init: TurnsInit) {
    this.components = components
    this.init = init
    this.admission = new Admission(init)
  }

  restore (earlier: EarlierRounds): void {
    this.admission.restore(earlier)
  }

  /** The round that begins costs something, from now on */
  paid (round: number): void {
    this.admission.paid(this.candidates(round), this.components.clock.monotonicMs())
    this.saidReady = undefined
  }

  /** The model of the last round was averaged, or replaced by the neighbours' */
  mixed (): void {
    this.admission.mixed()
  }

  /** What to do before round `round` may be paid for. Rejects with the signal's reason */
  async next (round: number, signal: AbortSignal): Promise<NextStep> {
    const { clock } = this.components
    const begunAtMs = clock.monotonicMs()
    try {
      for (;;) {
        signal.throwIfAborted()
        // before the turn is decided: whoever goes on by itself just when the operator would be told is not told
        const nowMs = clock.monotonicMs()
        if (this.whenBehind(round) !== undefined) {
          return 'catch-up'
        }
        const candidates = this.candidates(round)
        const turn = this.turn(candidates, { round, begunAtMs })
        this.declare(candidates, turn)
        if (turn.action !== 'wait') {
          return turn.action
        }
        const untilTold = this.report(turn.missing, nowMs - begunAtMs)
        await this.changed(Math.min(turn.againInMs ?? Infinity, untilTold), signal)
      }
    } finally {
      this.waiting = undefined
      this.told = undefined
    }
  }

  private turn (candidates: readonly Candidate[], { round, begunAtMs }: { round: number, begunAtMs: number }): Pending {
    const nowMs = this.components.clock.monotonicMs()
    const turn = this.admission.turn(candidates, nowMs)
    if (turn.action === 'wait' && this.init.aloneMs !== undefined) {
      const againInMs = begunAtMs + this.init.aloneMs() - nowMs
      return againInMs <= 0 ? { action: 'train' } : { ...turn, againInMs: Math.min(againInMs, turn.againInMs ?? Infinity) }
    }
    if (turn.action !== 'train') {
      return turn
    }
    const heldMs = this.isAhead(round) ? begunAtMs + this.init.deadlineMs(this.live().map(({ peer }) => peer)) - nowMs : 0
    return heldMs > 0 ? { action: 'wait', missing: undefined, againInMs: heldMs } : turn
  }

  private candidates (round: number): Candidate[] {
    const { network, inbox } = this.components
    return network.neighbours().map(({ peer, live, readyClaim }) => ({
      peer,
      live,
      readyClaim,
      hasUnused: inbox.unused(peer, round) !== undefined
    }))
  }

  private live (): Neighbour[] {
    return this.components.network.neighbours().filter(({ live }) => live)
  }

  private roundOf ({ peer, round }: Neighbour): number {
    return Math.max(round ?? 0, this.components.inbox.newestRound(peer) ?? 0)
  }

  private isAhead (round: number): boolean {
    const publishing = this.live().map((neighbour) => this.roundOf(neighbour)).filter((newest) => newest > 0)
    return lead(round - 1, publishing) > this.init.staleness
  }

  /** As `next`, for who pays nothing and waits for nobody: undefined when the round may begin */
  whenBehind (round: number): 'catch-up' | undefined {
    const isBehind = this.isBehind(round)
    this.caughtUpAtMs = isBehind ? this.components.clock.monotonicMs() : this.caughtUpAtMs
    return isBehind ? 'catch-up' : undefined
  }

  /**
   * True when the neighbours are so far that the updates of this round are stale to them: caught up with now and then
   */
  private isBehind (round: number): boolean {
    const { network, clock } = this.components
    const rounds = network.neighbours().map((neighbour) => this.roundOf(neighbour))
    return supportedRound(rounds, this.init.needed) > round + this.init.staleness &&
      clock.monotonicMs() - this.caughtUpAtMs >= CATCH_UP_INTERVAL_MS
  }

  /**
   * Tells the neighbours, who may wait for it, whether this node would begin: where a round does not go without saying
   */
  private declare (candidates: readonly Candidate[], { action }: Pending): void {
    const isReady = this.admission.isReady(candidates)
    if (isReady !== this.saidReady && (action === 'wait' || this.admission.needsClaims)) {
      this.saidReady = isReady
      this.components.network.declareReady(isReady)
    }
  }

  /**
   * Tells the operator what is waited for, when that is news and no matter of a moment. Returns in how many ms it will
   * be
   */
  private report (missing: PeerName[] | undefined, waitedMs: number): number {
    if (missing === undefined) {
      this.waiting = undefined
      return Infinity
    }
    const { clock } = this.components
    this.waiting = { since: this.waiting?.since ?? clock.now(), needed: this.init.needed, missing }
    const untilToldMs = TELL_AFTER_MS - waitedMs
    if (untilToldMs <= 0 && this.told !== missing.join()) {
      this.told = missing.join()
      this.init.onWaiting(this.waiting)
    }
    return untilToldMs <= 0 ? Infinity : untilToldMs
  }

  private async changed (againInMs: number, signal: AbortSignal): Promise<void> {
    const { network, clock, wake } = this.components
    const over = new AbortController()
    const either = anySignal([signal, over.signal])
    const { promise: changed, resolve } = Promise.withResolvers<void>()
    const listener = (): void => { resolve() }
    wake.addEventListener('update', listener)
    network.addEventListener('neighbours:change', listener)
    network.addEventListener('neighbours:ready', listener)
    try {
      await Promise.race([changed, clock.delay(Math.min(againInMs, LOOK_MS), { signal: either })])
    } finally {
      over.abort()
      either.clear()
      wake.removeEventListener('update', listener)
      network.removeEventListener('neighbours:change', listener)
      network.removeEventListener('neighbours:ready', listener)
    }
  }
}

/**
 * Whether the next round may be paid for: what was paid for must have been mixed
 *
 * A round costs privacy budget that cannot be had back, and on one's own it buys nothing: the model is not averaged,
 * and is overfitted. So before a charge this looks at the last round that was paid for. If that was not mixed, by
 * whatever cause, a round begins only when enough neighbours have published an update that was not used yet, or say in
 * their signed records that they are ready (`Neighbour.readyClaim`). That a neighbour lives is not enough: around the
 * hub of a star all spokes live, and all wait.
 *
 * Claims cost nothing. So each is good for one round, and rounds that were not mixed are spaced by pauses that double:
 * a night among peers who claim and never publish costs a dozen rounds. Updates that are there already need no such
 * trust: with them the last model is mixed late, without a charge, and only when that works the next round is paid for.
 *
 * Pure: no clock, no network. Rounds without privacy follow the same rule, because a lonely round is worth as little
 * there.
 */
import type { PeerName } from '../interface.ts'

/** After the first round in a row that was not mixed; doubles with each */
export const FIRST_PAUSE_MS = 5_000

/** At the start: neighbours that live and are not ready hold the first round up no longer than this once enough are */
export const START_GRACE_MS = 10_000

/** `fresh`: nothing was paid for in this life. The others: what became of the last round that was paid for */
export type Standing = 'fresh' | 'mixed' | 'unmixed'

/** One neighbour, as far as it bears on the question */
export interface Candidate {
  peer: PeerName
  live: boolean
  /** See `Neighbour.readyClaim` */
  readyClaim: number | undefined
  /** It published an update that can take part now and has not done so yet */
  hasUnused: boolean
}

export type Turn =
  /** Pay, train, publish */
  | { action: 'train' }
  /** Mix the model of the last round with the updates that are there; costs nothing */
  | { action: 'mix' }
  /**
   * `missing`: neighbours without whom it is not enough, ascending; look again after `againInMs`, or when something
   * changes
   */
  | { action: 'wait', missing: PeerName[], againInMs: number | undefined }

export interface AdmissionInit {
  /** Updates that the rule needs, at least 1 */
  needed: number
}

/** How the last rounds of an earlier life ended */
export interface EarlierRounds {
  standing: Standing
  /** In a row, the newest ones */
  unmixed: number
  /** When the newest of them was paid for, as the caller's monotonic clock has it */
  paidAtMs: number
}

export class Admission {
  private readonly needed: number
  private standing: Standing = 'fresh'
  private unmixedInARow = 0
  private paidAtMs = -Infinity
  /** The claims that the last round that was paid for was begun with */
  private readonly spentClaims = new Map<PeerName, number>()
  private enoughSinceMs: number | undefined

  constructor ({ needed }: AdmissionInit) {
    this.needed = Math.max(1, needed)
  }

  restore ({ standing, unmixed, paidAtMs }: EarlierRounds): void {
    this.standing = standing
    this.unmixedInARow = unmixed
    this.paidAtMs = paidAtMs
  }

  /** That neighbours live is not enough for the next round */
  get needsClaims (): boolean {
    return this.standing !== 'mixed'
  }

  /** This node would begin a round if enough neighbours did: it may say that it is ready */
  isReady (candidates: readonly Candidate[]): boolean {
    return candidates.filter(({ live }) => live).length >= this.needed
  }

  /** What may be done next. `nowMs`: monotonic */
  turn (candidates: readonly Candidate[], nowMs: number): Turn {
    const unused = candidates.filter(({ hasUnused }) => hasUnused)
    if (this.standing === 'unmixed' && unused.length >= this.needed) {
      return { action: 'mix' }
    }
    const counted = candidates.filter((candidate) => this.counts(candidate))
    if (counted.length < this.needed) {
      this.enoughSinceMs = undefined
      return { action: 'wait', missing: this.missing(candidates), againInMs: undefined }
    }
    this.enoughSinceMs ??= nowMs
    const againInMs = this.pauseMs(candidates, nowMs)
    return againInMs > 0 ? { action: 'wait', missing: this.missing(candidates), againInMs } : { action: 'train' }
  }

  /** A round is being paid for, with these neighbours there */
  paid (candidates: readonly Candidate[], nowMs: number): void {
    this.paidAtMs = nowMs
    this.standing = 'unmixed'
    this.unmixedInARow++
    this.enoughSinceMs = undefined
    this.spentClaims.clear()
    for (const { peer, readyClaim } of candidates) {
      if (readyClaim !== undefined) {
        this.spentClaims.set(peer, readyClaim)
      }
    }
  }

  /** What was paid for took part in an aggregation, or gave way to the neighbours' model */
  mixed (): void {
    this.standing = 'mixed'
    this.unmixedInARow = 0
  }

  private counts ({ peer, live, readyClaim, hasUnused }: Candidate): boolean {
    if (hasUnused) {
      return true
    }
    if (!live || this.standing === 'mixed') {
      return live
    }
    return readyClaim !== undefined && readyClaim > (this.spentClaims.get(peer) ?? -Infinity)
  }

  private missing (candidates: readonly Candidate[]): PeerName[] {
    return candidates.filter((candidate) => !this.counts(candidate)).map(({ peer }) => peer).sort()
  }

  /** How long to wait although enough are there; 0 or less: not at all */
  private pauseMs (candidates: readonly Candidate[], nowMs: number): number {
    if (this.standing === 'unmixed') {
      return this.paidAtMs + FIRST_PAUSE_MS * 2 ** (this.unmixedInARow - 1) - nowMs
    }
    const isWorthIt = this.standing === 'fresh' && candidates.some((candidate) => candidate.live && !this.counts(candidate))
    return isWorthIt ? this.enoughSinceMs! + START_GRACE_MS - nowMs : 0
  }
}

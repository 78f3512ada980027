/**
 * Neighbours' updates that wait for their round: decoded, checked, bounded
 *
 * Decoding happens on arrival, so that it overlaps with the own training instead of lengthening the aggregation. The
 * replicas are of the one owner (Replicas): held here by reference, and let go with their round.
 */
import { separated } from '../algorithm/vectors.ts'
import type { PeerName, ReceivedUpdate, RejectionReason, Replicas } from '../interface.ts'

/**
 * How far off a neighbour is in step, at least: as far as updates may be stale, when that is more
 *
 * One that is further off counts its own rounds: after a partition the halves have different numbers. What it publishes
 * then takes part once, whatever its number, so that the halves mix again; who is behind the median jumps (adopt.ts)
 */
export const MAX_ROUNDS_AHEAD = 4

/** A model this many times longer than the own one cannot be honest: norms change by small factors over a training */
const NORM_LIMIT = 10

export interface InboxInit {
  replicas: Pick<Replicas, 'codec' | 'keepsMemory' | 'apply' | 'retain'>
  /** d: elements of the model, and of each further vector. @default a replica is a model */
  parameterCount?: number | undefined
  /**
   * Updates of rounds r - staleness .. r take part in round r; of an author of whom there are only later ones, up to r
   * + staleness
   */
  staleness: number
  /** How long an honest model may become in one round, starting at zero. @default 1 */
  reach?: number | undefined
}

export interface InboxEntry {
  update: ReceivedUpdate
  /** The model, d elements of its replica: shared, must not be mutated */
  parameters: Float32Array
  /** What the algorithm mixes, d elements each; the first is the model */
  vectors: readonly Float32Array[]
}

/** Euclidean norm in float64. Four sums at a time: one would wait for each addition */
export function euclideanNorm (vector: Float32Array): number {
  const grouped = vector.length - vector.length % 4
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  for (let i = 0; i < grouped; i += 4) {
    s0 += vector[i]! * vector[i]!
    s1 += vector[i + 1]! * vector[i + 1]!
    s2 += vector[i + 2]! * vector[i + 2]!
    s3 += vector[i + 3]! * vector[i + 3]!
  }
  for (let i = grouped; i < vector.length; i++) {
    s0 += vector[i]! * vector[i]!
  }
  return Math.sqrt((s0 + s1) + (s2 + s3))
}

export class Inbox {
  private readonly replicas: InboxInit['replicas']
  private readonly parameterCount: number | undefined
  private readonly staleness: number
  private readonly reach: number
  private readonly entries = new Map<PeerName, Map<number, InboxEntry>>()
  private readonly newest = new Map<PeerName, number>()
  /** Newest round of each author that took part */
  private readonly used = new Map<PeerName, number>()
  /** Newest round of each author that lacks its keyframe, which is asked for */
  private readonly awaited = new Map<PeerName, number>()
  private round = 1
  private ownNorm = Number.POSITIVE_INFINITY

  constructor (init: InboxInit) {
    this.replicas = init.replicas
    this.parameterCount = init.parameterCount
    this.staleness = init.staleness
    this.reach = Math.max(1, init.reach ?? 1)
  }

  /** The round in hand and the norm of the own model; drops what became stale */
  setRound (round: number, ownNorm: number): void {
    this.round = round
    this.ownNorm = ownNorm
    for (const [author, rounds] of this.entries) {
      for (const old of rounds.keys()) {
        if (old < round - this.staleness && !this.isOutOfStep(author)) {
          rounds.delete(old)
        }
      }
    }
  }

  /**
   * Takes an update in; the reason when it is refused. Stale ones are neither kept nor blamed, and seen by whoever
   * keeps replicas in memory. One that needs a keyframe is waited for: put it again when that came, or give it up
   */
  put (update: ReceivedUpdate): 'needs-keyframe' | RejectionReason | undefined {
    const { author, round } = update
    if (update.codec !== this.replicas.codec) {
      return 'wrong-codec'
    }
    this.newest.set(author, Math.max(round, this.newest.get(author) ?? 0))
    const isUseless = this.isOutOfStep(author) ? round !== this.newest.get(author) : round < this.round - this.staleness
    if (isUseless && !this.replicas.keepsMemory) {
      return undefined
    }
    return this.apply(update, isUseless)
  }

  private apply (update: ReceivedUpdate, isUseless: boolean): ReturnType<Inbox['put']> {
    const { author, round } = update
    const replica = this.replicas.apply(update)
    if (replica === 'needs-keyframe') {
      isUseless || this.awaited.set(author, Math.max(round, this.awaited.get(author) ?? 0))
      return isUseless ? undefined : replica
    }
    this.settle(update)
    if (typeof replica === 'string') {
      return replica
    }
    return isUseless ? undefined : this.admit(update, separated(replica.parameters, this.parameterCount ?? replica.parameters.length))
  }

  private admit (update: ReceivedUpdate, vectors: readonly Float32Array[]): RejectionReason | undefined {
    const parameters = vectors[0]!
    if (euclideanNorm(parameters) > NORM_LIMIT * Math.max(this.reach, this.ownNorm)) {
      return 'norm'
    }
    this.keep({ update, parameters, vectors })
    return undefined
  }

  /** Its keyframe cannot be had, or is not needed any more: nobody waits for it */
  settle ({ author, round }: ReceivedUpdate): void {
    if (round >= (this.awaited.get(author) ?? Infinity)) {
      this.awaited.delete(author)
    }
  }

  /**
   * True when the author delivered something of this round or a later one; out of step, something that was not used
   * yet. Not while its keyframe is on its way
   */
  delivered (author: PeerName, round: number): boolean {
    if (this.awaited.has(author)) {
      return false
    }
    const newest = this.newest.get(author) ?? 0
    return newest >= round || (this.isOutOfStep(author) && newest > (this.used.get(author) ?? 0))
  }

  /** True when the author counts the same rounds as this node, or nothing is known of it yet */
  isInStep (author: PeerName): boolean {
    return !this.isOutOfStep(author)
  }

  private isOutOfStep (author: PeerName): boolean {
    const newest = this.newest.get(author)
    return newest !== undefined && Math.abs(newest - this.round) > Math.max(MAX_ROUNDS_AHEAD, this.staleness)
  }

  /** The newest round of this author that arrived, whatever became of it */
  newestRound (author: PeerName): number | undefined {
    return this.newest.get(author)
  }

  /**
   * The newest usable update of this author for `round`: of rounds round - staleness .. round, where there is none the
   * first of those up to round + staleness, or, out of step, the newest one when it did not take part yet
   */
  usable (author: PeerName, round: number): InboxEntry | undefined {
    return this.isOutOfStep(author) ? this.newestUnused(author) : this.inWindow(author, round)
  }

  /**
   * What did not take part yet and is usable for `round`, or for the one before, which is over; undefined when there is
   * nothing
   */
  unused (author: PeerName, round: number): InboxEntry | undefined {
    const entry = this.usable(author, round) ?? this.usable(author, round - 1)
    return entry !== undefined && entry.update.round > (this.used.get(author) ?? 0) ? entry : undefined
  }

  /** `usable` for several authors: those that have something, in the order given */
  usableOf (authors: readonly PeerName[], round: number): InboxEntry[] {
    return authors.map((author) => this.usable(author, round)).filter((entry) => entry !== undefined)
  }

  /** Notes which updates took part */
  use (entries: readonly InboxEntry[]): void {
    for (const { update: { author, round } } of entries) {
      this.used.set(author, Math.max(round, this.used.get(author) ?? 0))
    }
  }

  private newestUnused (author: PeerName): InboxEntry | undefined {
    const newest = this.newest.get(author) ?? 0
    return newest > (this.used.get(author) ?? 0) ? this.entries.get(author)?.get(newest) : undefined
  }

  private inWindow (author: PeerName, round: number): InboxEntry | undefined {
    const ages = [...this.entries.get(author)?.values() ?? []]
      .map((entry) => ({ entry, age: round - entry.update.round }))
      .filter(({ age }) => Math.abs(age) <= this.staleness)
    // an author that is ahead by as much as an update may be stale takes part all the same: nothing earlier of it may
    // ever come
    const past = ages.filter(({ age }) => age >= 0).sort((a, b) => a.age - b.age)
    const ahead = ages.filter(({ age }) => age < 0).sort((a, b) => b.age - a.age)
    return (past[0] ?? ahead[0])?.entry
  }

  /** Drops what is known of authors that are no neighbours any more */
  retain (authors: ReadonlySet<PeerName>): void {
    for (const author of this.entries.keys()) {
      if (!authors.has(author)) {
        this.entries.delete(author)
      }
    }
    for (const author of this.newest.keys()) {
      if (!authors.has(author)) {
        this.newest.delete(author)
        this.used.delete(author)
        this.awaited.delete(author)
      }
    }
    this.replicas.retain(authors)
  }

  private keep (entry: InboxEntry): void {
    const { update } = entry
    let rounds = this.entries.get(update.author)
    if (rounds === undefined) {
      rounds = new Map()
      this.entries.set(update.author, rounds)
    }
    if (this.isOutOfStep(update.author)) {
      rounds.clear()
    }
    rounds.set(update.round, entry)
    // of the past only the newest matters: it is what usable() would choose
    const past = [...rounds.keys()].filter((r) => r <= this.round).sort((a, b) => b - a)
    for (const older of past.slice(1)) {
      rounds.delete(older)
    }
  }
}

/**
 * Neighbours' updates that wait for their round: decoded, checked, bounded
 *
 * Decoding happens on arrival, so that it overlaps with the own training instead of lengthening the aggregation.
 */
import { InvalidUpdateError } from '../errors.ts'
import type { Codec, PeerName, ReceivedUpdate, RejectionReason } from '../interface.ts'

/** How far ahead of the own round updates are kept; a node that is further behind jumps instead */
export const MAX_ROUNDS_AHEAD = 4

/** A model this many times longer than the own one cannot be honest: norms change by small factors over a training */
export const NORM_LIMIT = 10

export interface InboxInit {
  codec: Codec
  parameterCount: number
  /** Updates of rounds r - staleness .. r take part in round r */
  staleness: number
}

export interface InboxEntry {
  update: ReceivedUpdate
  parameters: Float32Array
}

/** Euclidean norm in float64 */
export function euclideanNorm (vector: Float32Array): number {
  let sum = 0
  for (let i = 0; i < vector.length; i++) {
    sum += vector[i]! * vector[i]!
  }
  return Math.sqrt(sum)
}

export class Inbox {
  private readonly codec: Codec
  private readonly parameterCount: number
  private readonly staleness: number
  private readonly entries = new Map<PeerName, Map<number, InboxEntry>>()
  private readonly newest = new Map<PeerName, number>()
  private round = 1
  private ownNorm = Number.POSITIVE_INFINITY

  constructor (init: InboxInit) {
    this.codec = init.codec
    this.parameterCount = init.parameterCount
    this.staleness = init.staleness
  }

  /** The round in hand and the norm of the own model; drops what became stale */
  setRound (round: number, ownNorm: number): void {
    this.round = round
    this.ownNorm = ownNorm
    for (const rounds of this.entries.values()) {
      for (const old of rounds.keys()) {
        if (old < round - this.staleness) {
          rounds.delete(old)
        }
      }
    }
  }

  /** Takes an update in; the reason when it is refused. Stale ones are neither kept nor blamed */
  put (update: ReceivedUpdate): RejectionReason | undefined {
    if (update.codec !== this.codec.name) {
      return 'wrong-codec'
    }
    this.newest.set(update.author, Math.max(update.round, this.newest.get(update.author) ?? 0))
    if (update.round < this.round - this.staleness || update.round > this.round + MAX_ROUNDS_AHEAD) {
      return undefined
    }
    let parameters: Float32Array
    try {
      parameters = this.codec.decode(update.payload, this.parameterCount)
    } catch (err) {
      return err instanceof InvalidUpdateError ? err.reason : 'codec'
    }
    if (euclideanNorm(parameters) > NORM_LIMIT * Math.max(1, this.ownNorm)) {
      return 'norm'
    }
    this.keep(update, parameters)
    return undefined
  }

  /** True when the author delivered something of this round or a later one */
  delivered (author: PeerName, round: number): boolean {
    return (this.newest.get(author) ?? 0) >= round
  }

  /** The newest round of this author that arrived, whatever became of it */
  newestRound (author: PeerName): number | undefined {
    return this.newest.get(author)
  }

  /** The newest usable update of this author for `round`: of rounds round - staleness .. round */
  take (author: PeerName, round: number): InboxEntry | undefined {
    let newest: InboxEntry | undefined
    for (const entry of this.entries.get(author)?.values() ?? []) {
      const age = round - entry.update.round
      if (age >= 0 && age <= this.staleness && entry.update.round > (newest?.update.round ?? 0)) {
        newest = entry
      }
    }
    return newest
  }

  /** `take` for several authors: those that have something usable, in the order given */
  takeAll (authors: readonly PeerName[], round: number): InboxEntry[] {
    return authors.map((author) => this.take(author, round)).filter((entry) => entry !== undefined)
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
      }
    }
  }

  private keep (update: ReceivedUpdate, parameters: Float32Array): void {
    let rounds = this.entries.get(update.author)
    if (rounds === undefined) {
      rounds = new Map()
      this.entries.set(update.author, rounds)
    }
    rounds.set(update.round, { update, parameters })
    // of the past only the newest matters: it is what take() would choose
    const past = [...rounds.keys()].filter((r) => r <= this.round).sort((a, b) => b - a)
    for (const older of past.slice(1)) {
      rounds.delete(older)
    }
  }
}

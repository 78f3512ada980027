/**
 * Which rounds all honest peers have finished, and whose budget was spent in them
 */
import { roundPrivacy } from './privacy.ts'
import type { RoundSummary } from './interface.ts'
import type { PeerRecord, RecordedRound } from './peer-record.ts'

export class RoundBoard {
  private readonly records: readonly PeerRecord[]
  private readonly told = new Set<PeerRecord>()
  private next = 1

  constructor (records: readonly PeerRecord[]) {
    this.records = records
  }

  /** Rounds that were completed since the last call, in order */
  * completed (): Generator<RoundSummary, void, undefined> {
    for (let summary = this.at(this.next); summary !== undefined; summary = this.at(this.next)) {
      this.next++
      yield summary
    }
  }

  /** Peers whose budget was spent in a completed round, or in any with `all`; each is named once */
  exhausted (all = false): Array<{ node: string, round: number }> {
    const news = this.records.filter((record) => record.observesAt(all ? Infinity : this.next - 1) && !this.told.has(record))
    news.forEach((record) => this.told.add(record))
    return news.map(({ name, exhaustedAt }) => ({ node: name, round: exhaustedAt! }))
  }

  /** Undefined while an honest peer that was never killed still works on this round */
  private at (round: number): RoundSummary | undefined {
    const honest = this.records.filter((record) => record.byzantine === undefined)
    const steady = honest.filter((record) => record.kills.length === 0 && record.state !== 'failed')
    if (steady.length === 0 || steady.some((record) => (lastRound(record) ?? 0) < round)) {
      return undefined
    }
    return {
      // a peer that jumped forward has no record of the rounds between
      ...summarise(round, steady.flatMap((record) => record.rounds.get(round) ?? [])),
      observing: steady.filter((record) => record.rounds.has(round) && record.observesAt(round)).length,
      privacy: roundPrivacy(honest.map((record) => record.privacyAt(round)))
    }
  }
}

/** Number of the newest finished round */
export function lastRound (record: PeerRecord): number | undefined {
  let last: number | undefined
  for (const round of record.rounds.keys()) {
    last = last === undefined ? round : Math.max(last, round)
  }
  return last
}

/** Sum by reason */
export function addCounts (counts: ReadonlyArray<Readonly<Record<string, number | undefined>>>): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const one of counts) {
    for (const [reason, count] of Object.entries(one)) {
      sums[reason] = (sums[reason] ?? 0) + (count ?? 0)
    }
  }
  return sums
}

export function mean (values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

function summarise (round: number, rounds: readonly RecordedRound[]): Omit<RoundSummary, 'observing' | 'privacy'> {
  const accuracies = rounds.flatMap((one) => one.accuracy ?? [])
  const r2 = rounds.flatMap(({ figures }) => figures?.kind === 'regression' ? figures.r2 ?? [] : [])
  return {
    round,
    peers: rounds.length,
    meanAccuracy: mean(accuracies),
    worstAccuracy: accuracies.length === 0 ? null : Math.min(...accuracies),
    ...(r2.length === 0 ? {} : { meanR2: mean(r2)!, worstR2: Math.min(...r2) }),
    durationMs: Math.max(0, ...rounds.map((one) => one.durationMs)),
    rejected: addCounts(rounds.map((one) => one.rejected)),
    late: rounds.reduce((sum, one) => sum + one.late, 0),
    bytesSent: mean(rounds.map((one) => one.bytesSent)) ?? 0
  }
}

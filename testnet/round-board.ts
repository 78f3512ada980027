/**
 * Which rounds all honest peers have finished
 */
import { roundPrivacy } from './privacy.ts'
import type { RoundSummary } from './interface.ts'
import type { PeerRecord, RecordedRound } from './peer-record.ts'

export class RoundBoard {
  private readonly records: readonly PeerRecord[]
  private next = 1

  constructor (records: readonly PeerRecord[]) {
    this.records = records
  }

  /** Rounds that were completed since the last call, in order */
  completed (): RoundSummary[] {
    const summaries: RoundSummary[] = []
    for (let rounds = this.at(this.next); rounds !== undefined; rounds = this.at(this.next)) {
      summaries.push(summarise(this.next, rounds))
      this.next++
    }
    return summaries
  }

  /** Every honest peer's record of this round; undefined while one that was never killed still works on it */
  private at (round: number): RecordedRound[] | undefined {
    const steady = this.records.filter((record) => record.byzantine === undefined && record.kills.length === 0 && record.state !== 'failed')
    if (steady.length === 0 || steady.some((record) => (lastRound(record) ?? 0) < round)) {
      return undefined
    }
    // a peer that jumped forward has no record of the rounds between
    return steady.flatMap((record) => record.rounds.get(round) ?? [])
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

function summarise (round: number, rounds: readonly RecordedRound[]): RoundSummary {
  const accuracies = rounds.flatMap((one) => one.accuracy ?? [])
  return {
    round,
    peers: rounds.length,
    meanAccuracy: mean(accuracies),
    worstAccuracy: accuracies.length === 0 ? null : Math.min(...accuracies),
    durationMs: Math.max(0, ...rounds.map((one) => one.durationMs)),
    rejected: addCounts(rounds.map((one) => one.rejected)),
    late: rounds.reduce((sum, one) => sum + one.late, 0),
    bytesSent: mean(rounds.map((one) => one.bytesSent)) ?? 0,
    privacy: roundPrivacy(rounds.map((one) => one.privacy))
  }
}

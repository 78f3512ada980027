/**
 * From what the peers printed to the report
 */
import { availableParallelism } from 'node:os'
import { connectivity } from '../src/topology/connectivity.ts'
import { addCounts, lastRound, mean } from './round-board.ts'
import { packageVersion } from './package-version.ts'
import { reportPrivacy } from './privacy.ts'
import type { PhaseTimes } from '../src/round/round-events.ts'
import type { ReportAttacker, ReportKill, ReportPeer, ReportRound, TestnetReport } from './interface.ts'
import type { AloneScore } from './alone.ts'
import type { PeerRecord, RecordedRound } from './peer-record.ts'
import type { TestnetSettings } from './testnet-settings.ts'

const PHASES = ['trainMs', 'encodeMs', 'publishMs', 'waitMs', 'aggregateMs', 'evaluateMs', 'persistMs'] as const satisfies ReadonlyArray<keyof PhaseTimes>

export interface ReportInput {
  settings: TestnetSettings
  records: readonly PeerRecord[]
  /** By index of the peer */
  alone: ReadonlyMap<number, AloneScore>
  consensusDistance: number | null
  /** Milliseconds since 1970 */
  startedAt: number
  readyAt: number
  endedAt: number
}

/** Pure but for the versions of this machine */
export function buildReport (input: ReportInput): TestnetReport {
  const { settings, records } = input
  const peers = records.map((record) => reportPeer(record, records, input.alone))
  return {
    format: 1,
    configuration: configurationOf(settings, records),
    versions: { grapevine: packageVersion(), node: process.version, platform: `${process.platform}-${process.arch}`, cores: availableParallelism() },
    startedAt: new Date(input.startedAt).toISOString(),
    peers,
    kills: records.flatMap((record) => record.kills.map((kill) => reportKill(record, kill, records))),
    attackers: records.flatMap((record) => record.byzantine === undefined ? [] : [reportAttacker(record, record.byzantine, records)]),
    summary: {
      ...summarise(records, peers),
      ...aloneFigures(records, input.alone),
      privacy: reportPrivacy(settings.document.privacy, peers.filter((peer) => peer.byzantine === false && peer.state === 'finished')),
      consensusDistance: input.consensusDistance,
      readyMs: input.readyAt - input.startedAt,
      totalMs: input.endedAt - input.startedAt
    }
  }
}

function configurationOf (settings: TestnetSettings, records: readonly PeerRecord[]): TestnetReport['configuration'] {
  return {
    preset: settings.preset ?? null,
    peers: settings.peers,
    rounds: settings.rounds,
    seed: settings.seed,
    data: settings.data,
    partition: settings.partition,
    backend: settings.backend,
    threads: settings.threads,
    evaluateEvery: settings.evaluateEvery,
    byzantine: [...settings.byzantine],
    kill: [...settings.kill],
    restart: [...settings.restart],
    federation: { id: records[0]?.federation ?? '', document: settings.document }
  }
}

function reportRound (round: RecordedRound): ReportRound {
  return {
    round: round.round,
    accuracy: round.accuracy,
    ...(round.figures === undefined ? {} : { figures: round.figures }),
    loss: round.loss,
    trainLoss: round.trainLoss,
    accepted: round.accepted,
    rejected: round.rejected,
    late: round.late,
    keptOwn: round.keptOwn,
    neighbourDistance: round.neighbourDistance,
    bytesSent: round.bytesSent,
    bytesReceived: round.bytesReceived,
    durationMs: round.durationMs,
    phases: round.phases,
    epsilon: round.privacy?.epsilon ?? null
  }
}

function reportPeer (record: PeerRecord, records: readonly PeerRecord[], alone: ReadonlyMap<number, AloneScore>): ReportPeer {
  const rounds = [...record.rounds.values()].sort((a, b) => a.round - b.round)
  const neighbours = rounds.at(-1)?.neighbours ?? []
  return {
    id: record.id ?? '',
    name: record.name,
    byzantine: record.byzantine ?? false,
    backend: record.backend ?? 'cpu',
    state: endState(record),
    finalAccuracy: record.accuracy(),
    aloneAccuracy: alone.get(record.index)?.accuracy ?? null,
    neighbours: records.filter((one) => one.id !== undefined && neighbours.includes(one.id)).map((one) => one.name),
    exhaustedAtRound: record.exhaustedAt ?? null,
    rounds: rounds.map(reportRound)
  }
}

/** An attacker that was stopped when the honest peers were done has not failed */
function endState (record: PeerRecord): ReportPeer['state'] {
  if (record.state === 'killed' || record.state === 'failed') {
    return record.state
  }
  return record.state === 'finished' || record.byzantine !== undefined ? 'finished' : 'failed'
}

function reportKill (record: PeerRecord, kill: PeerRecord['kills'][number], records: readonly PeerRecord[]): ReportKill {
  const survivors = records.filter((one) => one.byzantine === undefined && one.kills.length === 0)
  const ends = survivors.map((survivor) => survivor.rounds.get(kill.round)?.time)
  return {
    name: record.name,
    round: kill.round,
    survivorsMs: ends.length === 0 || ends.includes(undefined) ? null : Math.max(0, Math.max(...ends as number[]) - kill.killedAt),
    restartedAtRound: kill.restartedAtRound,
    resumedAtRound: kill.resumedAtRound,
    backInMeshMs: kill.backInMeshAt === null || kill.restartedAt === null ? null : Math.max(0, kill.backInMeshAt - kill.restartedAt)
  }
}

/** Refused updates and updates that an aggregation left out, at every honest peer whose neighbour the attacker was */
function reportAttacker (record: PeerRecord, attack: string, records: readonly PeerRecord[]): ReportAttacker {
  let excluded = 0
  let of = 0
  for (const honest of records.filter((one) => one.byzantine === undefined)) {
    for (const round of honest.rounds.values()) {
      const refused = Object.keys(round.rejectedPeers[record.id ?? ''] ?? {}).length > 0
      excluded += refused ? 1 : 0
      of += refused || round.neighbours.includes(record.id ?? '') ? 1 : 0
    }
  }
  const id = record.id ?? ''
  const last = lastRounds(records).filter(({ neighbours, banned }) => neighbours.includes(id) || banned.includes(id))
  return { name: record.name, attack, excluded, of, suspectedBy: last.filter(({ suspects, banned }) => id in suspects || banned.includes(id)).length, neighbours: last.length }
}

/** Of the honest peers that were there at the end: what one knew when it was killed says nothing about the end */
function lastRounds (records: readonly PeerRecord[]): RecordedRound[] {
  return records.filter(({ byzantine, state }) => byzantine === undefined && state !== 'killed' && state !== 'failed').flatMap((record) => record.rounds.get(lastRound(record) ?? -1) ?? [])
}

function detectionOf (records: readonly PeerRecord[]): TestnetReport['summary']['detection'] {
  const attackers = new Set(records.filter(({ byzantine }) => byzantine !== undefined).map(({ id }) => id))
  let named = 0
  let rightly = 0
  let toName = 0
  for (const { suspects, banned, neighbours } of lastRounds(records)) {
    const accused = new Set([...Object.keys(suspects), ...banned])
    named += accused.size
    rightly += [...accused].filter((peer) => attackers.has(peer)).length
    // who was banned is no neighbour any more
    toName += new Set([...neighbours, ...accused].filter((peer) => attackers.has(peer))).size
  }
  return { precision: named === 0 ? null : rightly / named, recall: toName === 0 ? null : rightly / toName }
}

/** As the honest peers saw it in their last round. Who was gone by then, or only observed, held nobody together */
function honestGraphOf (records: readonly PeerRecord[]): TestnetReport['summary']['honestGraph'] {
  const honest = records.filter(({ byzantine, id, state, exhaustedAt }) => byzantine === undefined && id !== undefined && state !== 'killed' && state !== 'failed' && exhaustedAt === undefined)
  const edges = new Map(honest.map(({ id }) => [id!, new Set<string>()]))
  for (const record of honest) {
    for (const other of record.rounds.get(lastRound(record) ?? -1)?.neighbours ?? []) {
      if (edges.has(other)) {
        edges.get(record.id!)!.add(other)
        edges.get(other)!.add(record.id!)
      }
    }
  }
  return { peers: honest.length, ...connectivity(new Map([...edges].map(([id, others]) => [id, [...others]]))) }
}

type Measured = Omit<TestnetReport['summary'], 'consensusDistance' | 'privacy' | 'readyMs' | 'totalMs'>

function summarise (records: readonly PeerRecord[], peers: readonly ReportPeer[]): Measured {
  const honest = peers.filter((peer) => peer.byzantine === false)
  const finished = honest.filter((peer) => peer.state === 'finished')
  const rounds = finished.flatMap((peer) => peer.rounds)
  const accuracies = finished.flatMap((peer) => peer.finalAccuracy ?? [])
  const phases = meanPhases(rounds)
  const roundMs = mean(rounds.map((round) => round.durationMs)) ?? 0
  return {
    peers: honest.length,
    finished: finished.length,
    failed: honest.filter((peer) => peer.state === 'failed').length,
    meanAccuracy: mean(accuracies),
    worstAccuracy: accuracies.length === 0 ? null : Math.min(...accuracies),
    aloneMeanAccuracy: mean(finished.flatMap((peer) => peer.aloneAccuracy ?? [])),
    ...meanFigures(finished),
    bytesSentPerPeerPerRound: mean(rounds.map((round) => round.bytesSent)) ?? 0,
    secondsPerRound: secondsPerRound(records),
    phases,
    nonTrainingShare: roundMs === 0 ? 0 : (phases.encodeMs + phases.publishMs + phases.aggregateMs + phases.persistMs) / roundMs,
    rejected: addCounts(honest.flatMap((peer) => peer.rounds.map((round) => round.rejected))),
    detection: detectionOf(records),
    honestGraph: honestGraphOf(records),
    late: honest.reduce((sum, peer) => sum + peer.rounds.reduce((late, round) => late + round.late, 0), 0)
  }
}

/** Of the last evaluated rounds; nothing where no peer has figures */
function meanFigures (finished: readonly ReportPeer[]): Pick<Measured, 'figures'> {
  const last = finished.flatMap(({ rounds }) => rounds.findLast(({ figures }) => figures !== undefined)?.figures ?? [])
  const classes = last.filter((figures) => figures.kind === 'classes')
  const numbers = last.filter((figures) => figures.kind === 'regression')
  if (last.length === 0) {
    return {}
  }
  return {
    figures: {
      majorityAccuracy: mean(classes.map(({ baseline }) => baseline.accuracy)),
      balancedAccuracy: mean(classes.map(({ balancedAccuracy }) => balancedAccuracy)),
      auc: mean(classes.flatMap(({ auc }) => auc ?? [])),
      r2: mean(numbers.flatMap(({ r2 }) => r2 ?? [])),
      meanAbsoluteError: mean(numbers.map(({ meanAbsoluteError }) => meanAbsoluteError))
    }
  }
}

/** Of the peers whose figures are in the summary */
function aloneFigures (records: readonly PeerRecord[], alone: ReadonlyMap<number, AloneScore>): Pick<TestnetReport['summary'], 'aloneFigures'> {
  const figures = records.flatMap((record) => record.byzantine === undefined && endState(record) === 'finished' ? alone.get(record.index)?.figures ?? [] : [])
  return figures.length === 0 ? {} : { aloneFigures: { r2: mean(figures.flatMap(({ r2 }) => r2 ?? [])), meanAbsoluteError: mean(figures.map(({ meanAbsoluteError }) => meanAbsoluteError)) } }
}

function meanPhases (rounds: readonly ReportRound[]): PhaseTimes {
  return Object.fromEntries(PHASES.map((phase) => [phase, mean(rounds.map((round) => round.phases[phase])) ?? 0])) as unknown as PhaseTimes
}

/** A peer that was away in between would make the others look slow: only those that were never killed count */
function secondsPerRound (records: readonly PeerRecord[]): number {
  const steady = records.filter((record) => record.byzantine === undefined && record.kills.length === 0)
  const starts = steady.flatMap((record) => record.firstRoundAt ?? [])
  const ends = steady.flatMap((record) => record.lastRoundAt ?? [])
  const rounds = Math.max(0, ...steady.map((record) => lastRound(record) ?? 0))
  return rounds === 0 || ends.length === 0 ? 0 : (Math.max(...ends) - Math.min(...starts)) / 1000 / rounds
}

/**
 * The three charts over the rounds, from a report
 */
import { mean } from '../round-board.ts'
import { bytes, percent, significant } from '../format.ts'
import { epsilonText, spentText, termsText } from '../privacy-text.ts'
import { lineChart } from './line-chart.ts'
import type { ReportPeer, ReportPrivacy, ReportRound, TestnetReport } from '../interface.ts'
import type { Point, Series } from './line-chart.ts'

/** Numbers of all rounds that an honest peer finished, ascending */
export function roundNumbers (report: TestnetReport): number[] {
  return [...new Set(honest(report).flatMap((peer) => peer.rounds.map((round) => round.round)))].sort((a, b) => a - b)
}

export function honest (report: TestnetReport): ReportPeer[] {
  return report.peers.filter((peer) => peer.byzantine === false)
}

/** Mean over the honest peers, round by round; null where nobody has a value */
export function meanByRound (report: TestnetReport, value: (round: ReportRound) => number | null): Point[] {
  const peers = honest(report)
  return roundNumbers(report).map((number) => ({
    x: number,
    y: mean(peers.flatMap((peer) => {
      const round = peer.rounds.find((one) => one.round === number)
      return round === undefined ? [] : value(round) ?? []
    }))
  }))
}

/** One mark a round: labels of the same round would cover each other */
function marksOf (report: TestnetReport): Array<{ x: number, label: string }> {
  const events = report.kills.flatMap((kill) => [
    { x: kill.round, verb: 'killed', name: kill.name },
    ...(kill.restartedAtRound === null ? [] : [{ x: kill.restartedAtRound, verb: 'restarted', name: kill.name }])
  ])
  return [...new Set(events.map((event) => event.x))].sort((one, other) => one - other).map((x) => {
    const here = events.filter((event) => event.x === x)
    const parts = ['killed', 'restarted'].flatMap((verb) => {
      const numbers = here.filter((event) => event.verb === verb).map((event) => event.name.replace('peer-', ''))
      return numbers.length === 0 ? [] : [`${numbers.length === 1 ? 'peer' : 'peers'} ${numbers.slice(0, 4).join(', ')}${numbers.length > 4 ? ' …' : ''} ${verb}`]
    })
    return { x, label: parts.join('; ') }
  })
}

/** A line with its unevaluated rounds bridged rather than broken */
function evaluated (points: readonly Point[]): Point[] {
  return points.filter((point) => point.y !== null)
}

export function accuracyChart (report: TestnetReport): string {
  const { meanAccuracy, worstAccuracy, aloneMeanAccuracy } = report.summary
  const peers = report.peers.map((peer): Series => ({
    name: peer.byzantine === false ? peer.name : `${peer.name}, attacker`,
    kind: peer.byzantine === false ? 'peer' : 'attacker',
    points: evaluated(peer.rounds.map((round) => ({ x: round.round, y: round.accuracy })))
  }))
  const alone = aloneMeanAccuracy === null ? '' : `; training alone they reach ${percent(aloneMeanAccuracy)} on average`
  return lineChart({
    id: 'accuracy',
    title: 'Accuracy',
    description: `Accuracy of each peer on its test examples, and the mean of the honest ones, after each round. The mean ends at ${percent(meanAccuracy)}, the worst peer at ${percent(worstAccuracy)}${alone}.`,
    xLabel: 'round',
    yLabel: 'accuracy',
    series: [...peers, { name: 'mean of the honest peers', kind: 'mean', points: evaluated(meanByRound(report, (round) => round.accuracy)), label: `mean ${percent(meanAccuracy)}`, dots: true }],
    references: aloneMeanAccuracy === null ? [] : [{ y: aloneMeanAccuracy, label: `alone ${percent(aloneMeanAccuracy)}` }],
    marks: marksOf(report),
    formatY: (value) => `${Math.round(value * 100)} %`,
    domainY: [0, 1]
  })
}

export function consensusChart (report: TestnetReport): string {
  const estimates = evaluated(meanByRound(report, (round) => round.neighbourDistance))
  const final = report.summary.consensusDistance
  const lastRound = roundNumbers(report).at(-1) ?? 0
  const measured: Series[] = final === null ? [] : [{ name: 'measured between all final models', kind: 'final', points: [{ x: lastRound, y: final }], label: `final ${significant(final)}` }]
  return lineChart({
    id: 'consensus',
    title: 'Consensus distance',
    description: `How far apart the models of the peers are: the peers' own estimate from their neighbours' updates before mixing, round by round${final === null ? '' : `, and ${significant(final)} measured between the final models`}.`,
    xLabel: 'round',
    yLabel: 'distance',
    series: [{ name: 'estimate from the neighbours\' updates', kind: 'mean', points: estimates, label: 'estimate', dots: true }, ...measured],
    marks: marksOf(report),
    formatY: significant
  })
}

export function bytesChart (report: TestnetReport): string {
  const sent = meanByRound(report, (round) => round.bytesSent)
  const received = meanByRound(report, (round) => round.bytesReceived)
  return lineChart({
    id: 'bytes',
    title: 'Bytes on the wire',
    description: `Bytes that an honest peer sent and received in each round, mean of the peers: ${bytes(report.summary.bytesSentPerPeerPerRound)} sent a round.`,
    xLabel: 'round',
    yLabel: 'bytes per peer',
    series: [
      { name: 'sent', kind: 'mean', points: sent, label: 'sent', dots: true },
      { name: 'received', kind: 'second', points: received, label: 'received' }
    ],
    formatY: (value) => bytes(value).replace(/\.0+ /, ' ')
  })
}

/**
 * Each peer's epsilon by the accountant that counts, and the limit. Infinite ones are left out: no chart is that high
 */
export function epsilonChart (report: TestnetReport, privacy: ReportPrivacy): string {
  const { accountant, limit } = privacy
  const peers = honest(report).map((peer): Series => ({
    name: peer.name,
    kind: 'peer',
    points: evaluated(peer.rounds.map((round) => ({ x: round.round, y: round.epsilon?.[accountant] ?? null })))
  }))
  const average = evaluated(meanByRound(report, (round) => round.epsilon?.[accountant] ?? null))
  return lineChart({
    id: 'epsilon',
    title: 'Privacy spent',
    description: `Epsilon that each peer has spent on its data after each round, and the mean: ${spentText(privacy)}.`,
    xLabel: 'round',
    yLabel: `epsilon (${termsText(privacy)})`,
    series: [...peers, { name: 'mean of the honest peers', kind: 'mean', points: average, label: `mean ${epsilonText(privacy.meanEpsilon)}`, dots: true }],
    references: [{ y: limit, label: `limit ${epsilonText(limit)}` }],
    marks: marksOf(report),
    formatY: significant
  })
}

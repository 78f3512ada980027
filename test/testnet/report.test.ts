import { describe, expect, it } from 'vitest'
import type { AloneScore } from '../../testnet/alone.ts'
import { buildReport } from '../../testnet/report.ts'
import { PeerRecord } from '../../testnet/peer-record.ts'
import { RoundBoard } from '../../testnet/round-board.ts'
import { summaryLines } from '../../testnet/summary.ts'
import { settingsOf } from '../../testnet/testnet-settings.ts'
import { exampleDocument, exampleReport } from './example-report.ts'
import { schemaProblems } from './report-schema.ts'
import type { RoundEnd } from '../../testnet/peer-events.ts'
import type { TestnetInit, TestnetReport } from '../../testnet/interface.ts'

const settings = (init: Partial<TestnetInit> = {}): ReturnType<typeof settingsOf> => settingsOf({
  peers: 3, rounds: 2, federation: exampleDocument(), data: { kind: 'idx', directory: '/nowhere' }, ...init
})

const roundEnd = (round: number, detail: Partial<RoundEnd> = {}): RoundEnd => ({
  type: 'round:end',
  time: 1_000_000 + round * 1000,
  round,
  accepted: 2,
  rejected: {},
  rejectedPeers: {},
  late: 0,
  keptOwn: false,
  trainLoss: 1,
  loss: 1,
  accuracy: 0.5,
  neighbourDistance: 1,
  suspects: {},
  quarantined: {},
  banned: [],
  bytesSent: 100,
  bytesReceived: 90,
  durationMs: 1000,
  phases: { trainMs: 500, encodeMs: 10, publishMs: 20, waitMs: 300, aggregateMs: 30, evaluateMs: 100, persistMs: 40 },
  examples: 10,
  privacy: null,
  ...detail
})

/** A peer that printed what a peer prints, with neighbours by number */
function peer (index: number, options: { byzantine?: string, neighbours?: number[], rounds?: RoundEnd[], stop?: boolean } = {}): PeerRecord {
  const record = new PeerRecord({ index, home: `/homes/${index}`, byzantine: options.byzantine })
  record.apply({ type: 'listening', time: 1, peer: `id-${index + 1}`, addresses: [] })
  record.apply({ type: 'joined', time: 1, federation: 'bafy', how: 'founded', round: 0, backend: 'wasm' })
  record.apply({ type: 'neighbours:change', time: 1, neighbours: (options.neighbours ?? []).map((number) => ({ peer: `id-${number}`, live: true })) })
  for (const round of options.rounds ?? [roundEnd(1), roundEnd(2)]) {
    record.apply({ type: 'round:start', time: round.time - round.durationMs, round: round.round })
    record.apply(round)
  }
  if (options.stop !== false) {
    record.apply({ type: 'stopped', time: 1_003_000, reason: 'rounds', round: 2 })
  }
  return record
}

const spent = (pld: number | null, exhausted = false): RoundEnd['privacy'] => ({ mechanism: 'dp-sgd', scope: 'example', epsilon: { rdp: 7.5, pld }, delta: 1e-5, accountant: 'pld', limit: 8, exhausted })

function build (records: PeerRecord[], alone = new Map<number, number | AloneScore>(), init: Partial<TestnetInit> = {}): TestnetReport {
  return buildReport({ settings: settings(init), records, alone: new Map([...alone].map(([index, score]) => [index, typeof score === 'number' ? { accuracy: score } : score])), consensusDistance: 0.5, startedAt: 1_000_000, readyAt: 1_000_500, endedAt: 1_004_000 })
}

describe('the report', () => {
  it('keeps to its schema', () => {
    expect(schemaProblems(exampleReport())).toEqual([])
    expect(schemaProblems(build([peer(0), peer(1), peer(2, { byzantine: 'sign-flip' })]))).toEqual([])
  })

  it('has the figures of each round and their means, where peers told some', () => {
    const figures = (accuracy: number): RoundEnd['figures'] => ({ kind: 'classes', balancedAccuracy: 0.7, auc: 0.8, baseline: { label: 'no', accuracy, balancedAccuracy: 0.5 } })
    const report = build([peer(0, { rounds: [roundEnd(1, { figures: figures(0.1) }), roundEnd(2, { figures: figures(0.9) })] }), peer(1, { rounds: [roundEnd(2, { figures: figures(0.8) })] }), peer(2)])
    expect(schemaProblems(report)).toEqual([])
    expect(report.peers[0]!.rounds[1]!.figures).toEqual(figures(0.9))
    expect(report.summary.figures).toEqual({ majorityAccuracy: expect.closeTo(0.85, 9) as number, balancedAccuracy: 0.7, auc: 0.8, r2: null, meanAbsoluteError: null })
    expect(summaryLines(report).join('\n')).toContain('balanced accuracy   70.0 %      mean; the majority class alone has accuracy 85.0 %; AUC 0.8')
    expect(build([peer(0), peer(1), peer(2)]).summary).not.toHaveProperty('figures')
  })

  it('shows of a predicted number R2 and error beside those of training alone', () => {
    const figures = (r2: number, meanAbsoluteError: number): RoundEnd['figures'] => ({ kind: 'regression', r2, meanAbsoluteError, baseline: { r2: 0, meanAbsoluteError: 5 } } as RoundEnd['figures'])
    const number = (index: number): PeerRecord => peer(index, { rounds: [roundEnd(2, { accuracy: null, figures: figures(0.8, 2) })] })
    const alone = (r2: number, meanAbsoluteError: number): AloneScore => ({ accuracy: null, figures: figures(r2, meanAbsoluteError) as never })
    const report = build([number(0), number(1)], new Map([[0, alone(0.5, 4)], [1, alone(0.3, 4)]]))
    expect(schemaProblems(report)).toEqual([])
    expect(report.summary.aloneFigures).toEqual({ r2: 0.4, meanAbsoluteError: 4 })
    const lines = summaryLines(report)
    expect(lines).toEqual(expect.arrayContaining([
      '  R2                  0.8         mean; absolute error 2 in the target\'s unit',
      '  R2 alone            0.4         mean; absolute error 4; gossip made it 50 % smaller'
    ]))
    expect(lines.join('\n')).not.toContain('accuracy')
    expect(summaryLines(build([number(0), number(1)])).join('\n')).toContain('R2 alone            -           not measured')
  })

  it('has a schema that notices a missing field, a percentage and a wrong format', () => {
    const broken = exampleReport()
    broken.summary.meanAccuracy = 87.1
    Object.assign(broken, { format: 2 })
    Reflect.deleteProperty(broken.peers[0]!, 'aloneAccuracy')
    expect(schemaProblems(broken)).toEqual(expect.arrayContaining([
      '/format must be equal to constant',
      '/peers/0 must have required property \'aloneAccuracy\'',
      '/summary/meanAccuracy must be <= 1'
    ]))
  })

  it('takes only honest peers that finished into its means', () => {
    const { summary } = build([
      peer(0, { rounds: [roundEnd(1), roundEnd(2, { accuracy: 0.9 })] }),
      peer(1, { rounds: [roundEnd(1), roundEnd(2, { accuracy: 0.8 })] }),
      peer(2, { rounds: [roundEnd(1, { accuracy: 0.1, bytesSent: 9999 })], stop: false }),
      peer(3, { byzantine: 'nan', rounds: [roundEnd(1), roundEnd(2, { accuracy: 0.2, bytesSent: 9999 })] })
    ], new Map([[0, 0.5], [1, 0.3], [2, 0.99]]))
    expect(summary).toMatchObject({ peers: 3, finished: 2, failed: 1, worstAccuracy: 0.8, bytesSentPerPeerPerRound: 100 })
    expect(summary.meanAccuracy).toBeCloseTo(0.85, 12)
    expect(summary.aloneMeanAccuracy).toBeCloseTo(0.4, 12)
  })

  it('uses the last evaluated round as the final accuracy', () => {
    const report = build([peer(0, { rounds: [roundEnd(1, { accuracy: 0.7 }), roundEnd(2, { accuracy: null, loss: null })] })])
    expect(report.peers[0]!.finalAccuracy).toBe(0.7)
  })

  it('counts what is neither training, waiting nor evaluating as not training', () => {
    expect(build([peer(0)]).summary.nonTrainingShare).toBeCloseTo(0.1, 12)
  })

  it('measures the time of a round from the first start to the last end', () => {
    const late = peer(1, { rounds: [roundEnd(1), roundEnd(2, { time: 1_003_000, durationMs: 2000 })] })
    expect(build([peer(0), late]).summary.secondsPerRound).toBeCloseTo(1.5, 12)
  })

  it('tells what the honest peers that finished have spent, and whose budget was gone', () => {
    const first = peer(0, { rounds: [roundEnd(1, { privacy: spent(1) }), roundEnd(2, { privacy: spent(2) })] })
    const second = peer(1, { rounds: [roundEnd(1, { privacy: spent(4) }), roundEnd(2, { privacy: spent(4, true) })] })
    second.apply({ type: 'privacy:exhausted', time: 1_002_000, round: 2, status: spent(4, true)! })
    const liar = peer(2, { byzantine: 'nan', rounds: [roundEnd(1, { privacy: spent(9) })] })
    const federation = { ...exampleDocument(), privacy: { mechanism: 'dp-sgd' as const, clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 } }
    const report = build([first, second, liar], new Map(), { federation })
    expect(schemaProblems(report)).toEqual([])
    expect(report.summary.privacy).toEqual({ mechanism: 'dp-sgd', scope: 'example', delta: 1e-5, accountant: 'pld', limit: 8, meanEpsilon: 3, worstEpsilon: 4, exhausted: 1 })
    expect(report.peers.map(({ exhaustedAtRound }) => exhaustedAtRound)).toEqual([null, 2, null])
    expect(report.peers[0]!.rounds.map(({ epsilon }) => epsilon)).toEqual([{ rdp: 7.5, pld: 1 }, { rdp: 7.5, pld: 2 }])
    // an infinite one is the worst, and makes a mean impossible
    const endless = build([first, peer(1, { rounds: [roundEnd(1, { privacy: spent(null) })] })], new Map(), { federation })
    expect(endless.summary.privacy).toMatchObject({ meanEpsilon: null, worstEpsilon: null })
    expect(schemaProblems(endless)).toEqual([])
  })

  it('asks those who still sent at the end what the mesh withstands: who observes or is gone holds nobody together', () => {
    const triangle = [peer(0, { neighbours: [2, 3] }), peer(1, { neighbours: [1, 3] }), peer(2, { neighbours: [1, 2] })]
    const observer = peer(3, { neighbours: [] })
    observer.apply({ type: 'privacy:exhausted', time: 1_002_000, round: 2, status: spent(4, true)! })
    const killed = peer(4, { neighbours: [] })
    killed.state = 'killed'
    const report = build([...triangle, observer, killed])
    expect(report.summary.honestGraph.peers).toBe(3)
    expect(report.summary.honestGraph.algebraicConnectivity).toBeCloseTo(3, 6)
    expect(build([observer]).summary.honestGraph).toEqual({ peers: 0, algebraicConnectivity: 0, toleratedLiars: 0 })
  })

  it('asks only those who were there at the end whom they suspected', () => {
    const killed = peer(1, { neighbours: [1, 3], rounds: [roundEnd(1)], stop: false })
    killed.state = 'killed'
    const report = build([peer(0, { neighbours: [2, 3], rounds: [roundEnd(1), roundEnd(2, { suspects: { 'id-3': 0.9 } })] }), killed, peer(2, { byzantine: 'sign-flip', neighbours: [1, 2] })])
    expect(report.attackers[0]).toMatchObject({ suspectedBy: 1, neighbours: 1 })
    expect(report.summary.detection).toEqual({ precision: 1, recall: 1 })
  })

  it('says how often attackers were left out where they could have been mixed in', () => {
    const report = build([
      peer(0, { neighbours: [2, 3], rounds: [roundEnd(1, { rejectedPeers: { 'id-3': { 'distance-gate': 1 } }, rejected: { 'distance-gate': 1 } }), roundEnd(2, { suspects: { 'id-3': 0.9 } })] }),
      peer(1, { neighbours: [1], rounds: [roundEnd(1), roundEnd(2, { rejectedPeers: { 'id-3': { norm: 2 } }, rejected: { norm: 2 }, suspects: { 'id-1': 0.7 } })] }),
      peer(2, { byzantine: 'sign-flip:2', neighbours: [1] })
    ])
    expect(report.attackers).toEqual([{ name: 'peer-3', attack: 'sign-flip:2', excluded: 2, of: 3, suspectedBy: 1, neighbours: 1 }])
    // peer-2 names an honest peer, and has no attacker beside it
    expect(report.summary.detection).toEqual({ precision: 0.5, recall: 1 })
    expect(report.summary.honestGraph.algebraicConnectivity).toBeCloseTo(2, 6)
    expect(report.summary.rejected).toEqual({ 'distance-gate': 1, norm: 2 })
    expect(report.peers.map((one) => one.neighbours)).toEqual([['peer-2', 'peer-3'], ['peer-1'], ['peer-1']])
  })

  it('tells how long survivors needed after a kill, and how the killed peer came back', () => {
    const killed = peer(1, { rounds: [roundEnd(1)], stop: false })
    killed.state = 'killed'
    killed.kills.push({ round: 2, killedAt: 1_001_700, restartedAtRound: 2, restartedAt: 1_001_800, resumedAtRound: null, backInMeshAt: null })
    killed.apply({ type: 'joined', time: 1_002_000, federation: 'bafy', how: 'resumed', round: 1, backend: 'wasm' })
    killed.apply({ type: 'mesh:ready', time: 1_002_300, members: 3, neighbours: 2 })
    killed.state = 'killed'
    const report = build([peer(0), killed, peer(2)])
    expect(report.kills).toEqual([{ name: 'peer-2', round: 2, survivorsMs: 300, restartedAtRound: 2, resumedAtRound: 1, backInMeshMs: 500 }])
    expect(report.peers[1]).toMatchObject({ state: 'killed' })
    expect(report.summary).toMatchObject({ peers: 3, finished: 2, failed: 0 })
  })

  it('holds when no peer did anything', () => {
    const report = build([new PeerRecord({ index: 0, home: '/homes/0', byzantine: undefined })])
    expect(schemaProblems(report)).toEqual([])
    expect(report.summary).toMatchObject({ meanAccuracy: null, secondsPerRound: 0, nonTrainingShare: 0 })
  })
})

describe('the board of rounds', () => {
  it('shows the epsilon of the worst honest peer so far, also of one that jumped, was killed or observes', () => {
    const jumped = peer(0, { rounds: [roundEnd(1, { privacy: spent(5) }), roundEnd(4, { privacy: spent(5, true) })] })
    const killed = peer(1, { rounds: [roundEnd(1, { privacy: spent(1) }), roundEnd(2, { privacy: spent(6) })] })
    killed.kills.push({ round: 3, killedAt: 1_003_000, restartedAtRound: null, restartedAt: null, resumedAtRound: null, backInMeshAt: null })
    const steady = peer(2, { rounds: [1, 2, 3, 4].map((round) => roundEnd(round, { privacy: spent(round / 10) })) })
    const liar = peer(3, { byzantine: 'nan', rounds: [roundEnd(1, { privacy: spent(9) })] })
    const summaries = [...new RoundBoard([jumped, killed, steady, liar]).completed()]
    expect(summaries.map(({ privacy }) => privacy!.worstEpsilon)).toEqual([5, 6, 6, 6])
    expect(summaries.map(({ round, peers }) => [round, peers])).toEqual([[1, 2], [2, 1], [3, 1], [4, 2]])
  })

  it('names who observes after the round in which that began, once', () => {
    const observer = peer(0, { rounds: [roundEnd(1)] })
    const other = peer(1, { rounds: [roundEnd(1)] })
    const board = new RoundBoard([observer, other])
    expect([...board.completed()].map(({ observing }) => observing)).toEqual([0])
    observer.apply({ type: 'privacy:exhausted', time: 1_002_000, round: 2, status: spent(4, true)! })
    expect(board.exhausted()).toEqual([])
    observer.apply(roundEnd(2))
    expect([...board.completed()]).toEqual([])
    other.apply(roundEnd(2))
    expect([...board.completed()].map(({ observing }) => observing)).toEqual([1])
    expect(board.exhausted()).toEqual([{ node: 'peer-1', round: 2 }])
    expect(board.exhausted(true)).toEqual([])
    other.apply({ type: 'privacy:exhausted', time: 1_003_000, round: 3, status: spent(4, true)! })
    expect(board.exhausted()).toEqual([])
    expect(board.exhausted(true)).toEqual([{ node: 'peer-2', round: 3 }])
  })
})

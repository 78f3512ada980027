/**
 * A made-up report with everything in it: attackers, a kill, a failure
 */
import type { ReportPeer, ReportRound, TestnetReport } from '../../testnet/interface.ts'
import { parseFederation } from '../../src/federation/document.ts'

function exampleRound (peer: number, round: number): ReportRound {
  return {
    round,
    accuracy: 0.93 - 0.5 / round - peer * 0.004,
    loss: 1 / round,
    trainLoss: 0.9 / round,
    accepted: 4,
    rejected: round === 2 ? { 'distance-gate': 1 } : {},
    late: 0,
    keptOwn: false,
    neighbourDistance: 3 / round,
    bytesSent: 230_000 + 1000 * ((peer * 7 + round * 3) % 11),
    bytesReceived: 250_000 + 1000 * ((peer * 5 + round) % 7),
    durationMs: 800,
    phases: { trainMs: 520, encodeMs: 4, publishMs: 6, waitMs: 120, aggregateMs: 20, evaluateMs: 110, persistMs: 20 },
    epsilon: null
  }
}

/** With so many peers and rounds; the last peer attacks, the one before it is killed, the one before that failed */
export function exampleReport (options: { peers?: number, rounds?: number, faults?: boolean } = {}): TestnetReport {
  const { peers = 8, rounds = 12, faults = true } = options
  const names = Array.from({ length: peers }, (_, index) => `peer-${index + 1}`)
  const made = names.map((name, index): ReportPeer => {
    const fromEnd = faults ? peers - index : 0
    const done = fromEnd === 2 ? 4 : fromEnd === 3 ? 6 : rounds
    return {
      id: `12D3KooWExample${index + 1}`,
      name,
      byzantine: fromEnd === 1 ? 'sign-flip:2' : false,
      backend: 'wasm',
      state: fromEnd === 2 ? 'killed' : fromEnd === 3 ? 'failed' : 'finished',
      finalAccuracy: 0.93 - 0.5 / rounds - index * 0.004,
      aloneAccuracy: fromEnd === 1 ? null : 0.55 + index * 0.01,
      neighbours: [1, 2].flatMap((step) => [names[(index + step) % peers]!, names[(index - step + peers) % peers]!]).sort(),
      exhaustedAtRound: null,
      rounds: Array.from({ length: done }, (_, round) => exampleRound(index, round + 1))
    }
  })
  return {
    format: 1,
    configuration: {
      preset: 'digits',
      peers,
      rounds,
      seed: 1,
      data: { kind: 'digits', seed: 1, trainExamples: 8000, testExamples: 2000 },
      partition: { strategy: 'dirichlet', alpha: 0.3 },
      backend: 'auto',
      threads: 1,
      evaluateEvery: 1,
      byzantine: faults ? [{ count: 1, attack: 'sign-flip:2' }] : [],
      kill: faults ? [{ count: 1, round: 5 }] : [],
      restart: [],
      federation: { id: 'bafyreiexample', document: exampleDocument() }
    },
    versions: { grapevine: '0.1.0', node: 'v20.20.2', platform: 'linux-x64', cores: 4 },
    startedAt: '2026-11-21T01:02:03.000Z',
    peers: made,
    kills: faults ? [{ name: `peer-${peers - 1}`, round: 5, survivorsMs: 1234, restartedAtRound: null, resumedAtRound: null, backInMeshMs: null }] : [],
    attackers: faults ? [{ name: `peer-${peers}`, attack: 'sign-flip:2', excluded: 40, of: 42, suspectedBy: 3, neighbours: 4 }] : [],
    summary: {
      peers: faults ? peers - 1 : peers,
      finished: faults ? peers - 3 : peers,
      failed: faults ? 1 : 0,
      meanAccuracy: 0.871,
      worstAccuracy: 0.84,
      aloneMeanAccuracy: 0.58,
      consensusDistance: 0.031,
      bytesSentPerPeerPerRound: 234_000,
      secondsPerRound: 0.83,
      phases: { trainMs: 520, encodeMs: 4, publishMs: 6, waitMs: 120, aggregateMs: 20, evaluateMs: 110, persistMs: 20 },
      nonTrainingShare: 0.0625,
      rejected: { 'distance-gate': 7 },
      late: 1,
      detection: detection(faults),
      honestGraph: { peers, algebraicConnectivity: 2.4, toleratedLiars: 1 },
      privacy: null,
      readyMs: 2100,
      totalMs: 15_400
    }
  }
}

/** The same under DP-SGD, where the last peer but one spent its budget */
export function privateReport (): TestnetReport {
  const report = exampleReport({ faults: false })
  report.configuration.federation.document = parseFederation({ ...exampleDocument(), privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1.1, epsilonLimit: 8, delta: 1e-5 } })
  for (const peer of report.peers) {
    peer.rounds.forEach((round) => { round.epsilon = { rdp: 0.7 * round.round, pld: 0.6 * round.round } })
  }
  report.peers.at(-2)!.exhaustedAtRound = 12
  report.summary.privacy = { mechanism: 'dp-sgd', scope: 'example', delta: 1e-5, accountant: 'pld', limit: 8, meanEpsilon: 7.2, worstEpsilon: 7.2, exhausted: 1 }
  return report
}

export function exampleDocument (): TestnetReport['configuration']['federation']['document'] {
  return parseFederation({
    format: 1,
    name: 'example digits',
    model: {
      topology: { class_name: 'Sequential', config: { name: '</pre><script>alert(1)</script>' } },
      seed: 1,
      loss: 'categoricalCrossentropy',
      input: { kind: 'image', shape: [28, 28, 1] },
      labels: ['0', '1']
    },
    training: { epochs: 2, batchSize: 32, optimizer: { name: 'adam', learningRate: 0.001 } },
    aggregation: { rule: 'gated-geometric-median', f: 1 },
    codec: { name: 'int8' },
    topology: { degree: 4 },
    round: { deadlineMs: 15_000, staleness: 1 },
    privacy: { mechanism: 'none' }
  })
}

function detection (faults: boolean): TestnetReport['summary']['detection'] {
  return faults ? { precision: 0.75, recall: 1 } : { precision: null, recall: null }
}

/**
 * Whole rounds of real peer processes, beside the same training without network, store or aggregation in the same run
 *
 *     npm run bench:rounds [-- 5]
 *
 * The number is how often each testnet runs; medians are shown. `training alone` is the wall time of one round of local
 * training in as many worker threads as there are peers, all at the same time: what a round would take if gossip were
 * free. `wire / payload` is what a peer sent, over what its neighbours had to get: 1 is the least. Uses the MNIST files
 * in ../shared/data/mnist or GRAPEVINE_MNIST where they are, else generated digits of the same shape.
 */
import { median } from '../src/aggregators/median.ts'
import { createCodec } from '../src/codec/codec.ts'
import { DIGITS_DEFAULTS } from '../src/data/digits.ts'
import { inspectTopology } from '../src/model/topology.ts'
import { createWorkerTrainer } from '../src/model/worker-trainer.ts'
import { presetDocument } from '../src/presets.ts'
import { findMnist } from '../testnet/find-mnist.ts'
import { createTestnet } from '../testnet/testnet.ts'
import type { DatasetSource } from '../src/interface.ts'
import type { PresetName } from '../src/presets.ts'
import type { TestnetReport } from '../testnet/interface.ts'

const SCENARIOS: ReadonlyArray<{ preset: PresetName, peers: number, rounds: number }> = [
  { preset: 'digits', peers: 4, rounds: 6 },
  { preset: 'mnist-mlp', peers: 4, rounds: 3 },
  { preset: 'mnist-noniid', peers: 8, rounds: 20 },
  { preset: 'wide', peers: 4, rounds: 3 }
]

const repeats = Number(process.argv[2] ?? 3)

/** Milliseconds of one round of training in `peers` worker threads at once, the first round left out */
async function trainingAlone (report: TestnetReport, data: DatasetSource): Promise<number> {
  const { peers, rounds, seed, federation } = report.configuration
  const backend = report.peers[0]!.backend
  const trainers = Array.from({ length: peers }, (_, index) =>
    createWorkerTrainer({ document: federation.document, data, backend, threads: report.configuration.threads, partition: { strategy: 'iid', index, count: peers, seed } }))
  try {
    await Promise.all(trainers.map((trainer) => trainer.start()))
    let models = await Promise.all(trainers.map((trainer) => trainer.initialParameters()))
    const times: number[] = []
    for (let round = 1; round <= rounds; round++) {
      const start = performance.now()
      models = await Promise.all(trainers.map(async (trainer, index) => (await trainer.train(models[index]!, { round })).parameters))
      times.push(performance.now() - start)
    }
    return median(times.slice(1))
  } finally {
    await Promise.all(trainers.map((trainer) => trainer.stop()))
  }
}

/** Bytes that the neighbours of a peer must get in a round */
function payloadBytes ({ configuration: { peers, federation: { document } } }: TestnetReport): number {
  const neighbours = Math.min(peers - 1, document.topology.degree)
  return neighbours * createCodec(document.codec.name).maxEncodedBytes(inspectTopology(document.model).parameterCount)
}

const mnist = await findMnist(['../shared/data/mnist', process.env['GRAPEVINE_MNIST']])
const rows: Array<Record<string, string | number>> = []
for (const { preset, peers, rounds } of SCENARIOS) {
  const data: DatasetSource = preset === 'digits' || mnist === undefined ? { kind: 'digits', ...DIGITS_DEFAULTS } : { kind: 'idx', directory: mnist }
  const reports: TestnetReport[] = []
  const alone: number[] = []
  for (let i = 0; i < repeats; i++) {
    const report = await createTestnet({ peers, rounds, federation: presetDocument(preset), data, evaluateEvery: rounds, alone: false }).run()
    reports.push(report)
    alone.push(await trainingAlone(report, data))
  }
  const of = (value: (report: TestnetReport) => number): number => median(reports.map(value))
  const roundMs = of(({ summary }) => summary.secondsPerRound * 1000)
  const aloneMs = median(alone)
  rows.push({
    preset,
    data: data.kind,
    peers,
    backend: reports[0]!.peers[0]!.backend,
    'round ms': roundMs.toFixed(0),
    'training alone ms': aloneMs.toFixed(0),
    'round / alone': (roundMs / aloneMs).toFixed(2),
    'train ms': of(({ summary }) => summary.phases.trainMs).toFixed(0),
    'wait ms': of(({ summary }) => summary.phases.waitMs).toFixed(0),
    'other ms': of(({ summary: { phases } }) => phases.encodeMs + phases.publishMs + phases.aggregateMs + phases.persistMs).toFixed(0),
    'not training %': of(({ summary }) => 100 * summary.nonTrainingShare).toFixed(1),
    'sent kB': of(({ summary }) => summary.bytesSentPerPeerPerRound / 1000).toFixed(0),
    'wire / payload': of((report) => report.summary.bytesSentPerPeerPerRound / payloadBytes(report)).toFixed(2)
  })
  console.error(`${preset}: ${roundMs.toFixed(0)} ms a round, ${aloneMs.toFixed(0)} ms of training alone`)
}
console.table(rows)

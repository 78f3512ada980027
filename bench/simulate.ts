/**
 * A mesh of any size in one process: npm run simulate -- --peers 1000
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { loadDigits } from '../src/data/digits.ts'
import { parseFederation } from '../src/federation/document.ts'
import { loadBackend } from '../src/model/backend.ts'
import { denseTopology, inspectTopology } from '../src/model/topology.ts'
import { presetDocument } from '../src/presets.ts'
import { simulate } from '../src/simulation/simulate.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** Enough for a part of its own for every peer */
const EXAMPLES_PER_PEER = 40
const TEST_EXAMPLES = 500
const MEBIBYTE = 1_048_576
const PROGRESS_MS = 5_000

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    /** Share of the peers that lie */
    byzantine: { type: 'string', default: '0.1' },
    attack: { type: 'string', default: 'sign-flip' },
    rule: { type: 'string', default: 'gated-geometric-median' },
    f: { type: 'string', default: '2' },
    degree: { type: 'string', default: '8' },
    /** Units of the hidden layer: 32 make 25,450 parameters */
    hidden: { type: 'string', default: '32' },
    /** Concentration of the Dirichlet split; without it all peers' data are alike */
    alpha: { type: 'string' },
    json: { type: 'boolean', default: false }
  }
})

/** Grid of the robustness tables, smaller: the default rule, int8, five steps a round */
function simulated (): FederationDocument {
  const preset = presetDocument('mnist-noniid')
  const { labels } = preset.model
  return parseFederation({
    ...preset,
    name: 'simulation',
    model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [Number(values.hidden)], classes: labels.length }) },
    codec: { name: 'int8' },
    topology: { degree: Number(values.degree) },
    aggregation: { rule: values.rule, f: Number(values.f) }
  })
}

const document = simulated()
const peers = Number(values.peers)
const byzantine = Math.round(Number(values.byzantine) * peers)
const dataset = loadDigits({ kind: 'digits', seed: 1, trainExamples: EXAMPLES_PER_PEER * peers, testExamples: TEST_EXAMPLES }, document.model)
const backend = await loadBackend('wasm')
const beganMs = performance.now()
let finished = 0
let toldMs = beganMs
const result = await simulate({
  ...{ document, dataset, backend, peers, byzantine, rounds: Number(values.rounds), seed: values.seed, attack: values.attack },
  ...(values.alpha === undefined ? {} : { alpha: Number(values.alpha) }),
  onRound: () => {
    finished += 1
    if (performance.now() - toldMs > PROGRESS_MS) {
      toldMs = performance.now()
      console.error(`${finished} of ${(peers - byzantine) * Number(values.rounds)} rounds of honest peers, ${((toldMs - beganMs) / 1_000).toFixed(0)} s`)
    }
  }
})
const seconds = (performance.now() - beganMs) / 1_000
const peakMiB = process.resourceUsage().maxRSS * 1_024 / MEBIBYTE
if (values.json) {
  const { models: _, ...told } = result
  console.log(JSON.stringify({ peers, byzantine, rounds: Number(values.rounds), seed: values.seed, ...told, wallSeconds: seconds, peakMiB }))
} else {
  const { aggregation: { rule, f }, topology: { degree } } = document
  console.log(`${peers} peers, ${byzantine} of them ${byzantine === 0 ? 'Byzantine' : `"${values.attack}"`}, ${degree}-regular, ${inspectTopology(document.model).parameterCount} parameters, ${rule} with f = ${f}`)
  console.log(`accuracy of the honest peers ${(100 * result.accuracy).toFixed(2)} %, of the worst ${(100 * result.worst).toFixed(2)} %, consensus distance ${result.consensus.toFixed(4)}`)
  console.log(`${result.accepted.toFixed(2)} updates took part in a round; ${(result.bytesSent / MEBIBYTE).toFixed(2)} MiB sent by each; ${result.seconds.toFixed(1)} s simulated`)
  console.log(`models ${result.digest.slice(0, 16)}; ${seconds.toFixed(1)} s of ${availableParallelism()} cores, ${peakMiB.toFixed(0)} MiB at most`)
}
process.exit()

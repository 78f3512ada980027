/**
 * What a step of DP-SGD costs as a whole (Poisson sample, clipping, noise, update) against a plain step on a batch of
 * the same expected size, one thread. Milliseconds are the process's own, of its processors. The two alternate, and the
 * ratio is the median of the pairs' ratios, so that both meet the same machine. Usage: node dist/bench/private-step.js
 * [backend …]
 */
import { BACKEND_NAMES } from '../src/model/backend-names.ts'
import { loadBackend } from '../src/model/backend.ts'
import { initialParameters } from '../src/model/initial-parameters.ts'
import { LayerGraph } from '../src/model/layer-graph.ts'
import { BatchBuffer, ContinuousIndices } from '../src/model/mini-batches.ts'
import { createOptimizer } from '../src/model/optimizer.ts'
import { PrivateSteps, sampleCapacity } from '../src/model/private-steps.ts'
import { planModel } from '../src/model/topology.ts'
import { createSecureNoise } from '../src/privacy/noise/secure-noise.ts'
import { presetDocument } from '../src/presets.ts'
import { seededRandom } from '../src/seeded-random.ts'
import type { Examples } from '../src/data/examples.ts'
import type { BackendName } from '../src/interface.ts'
import type { Batch } from '../src/model/layer-graph.ts'
import type { ModelPlan } from '../src/model/topology.ts'
import type { PresetName } from '../src/presets.ts'

/** Stop after so many pairs of steps, or after so long */
const MAX_PAIRS = 100
const MAX_MS = 6000

const PRESETS: readonly PresetName[] = ['mnist-mlp', 'mnist-cnn']
const BATCHES = [64, 256]
/** Of one peer of sixteen that share MNIST */
const EXAMPLES = 3750
const OPTIMIZER = { name: 'sgd' as const, learningRate: 1e-3, momentum: 0.9 }

/** Plain code takes minutes for convolutions of larger batches */
const isSlow = (backend: BackendName, preset: PresetName, batch: number): boolean => backend === 'cpu' && preset === 'mnist-cnn' && batch > 64

function randomExamples ({ inputShape, outputs }: ModelPlan): Examples {
  const random = seededRandom(1)
  const featureCount = inputShape.reduce((product, size) => product * size, 1)
  const inputs = Float32Array.from({ length: EXAMPLES * featureCount }, random)
  return {
    count: EXAMPLES,
    featureCount,
    labels: Uint16Array.from({ length: EXAMPLES }, () => random() * outputs),
    writeInputs: (index, target, offset) => { target.set(inputs.subarray(index * featureCount, (index + 1) * featureCount), offset) }
  }
}

/** Of processor time: others that use the machine do not count */
function elapsedMs (work: () => void): number {
  const start = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

interface Medians { plainMs: number, privateMs: number, ratio: number }

/** The first tenth is warm-up */
function alternate (plain: () => void, whole: () => void): Medians {
  const pairs: Array<[number, number]> = []
  const began = performance.now()
  for (let i = 0; i < MAX_PAIRS && (i < 4 || performance.now() - began < MAX_MS); i++) {
    pairs.push([elapsedMs(plain), elapsedMs(whole)])
  }
  const timed = pairs.slice(Math.ceil(pairs.length / 10))
  return { plainMs: median(timed.map(([ms]) => ms)), privateMs: median(timed.map(([, ms]) => ms)), ratio: median(timed.map(([plainMs, ms]) => ms / plainMs)) }
}

/** Half of the examples are clipped when the training starts */
function medianNorm (graph: LayerGraph, parameters: Float32Array, batch: Batch): number {
  const { norms } = graph.clippedGradientSum(parameters, batch, new Float64Array(parameters.length), { clipNorm: Infinity, random: seededRandom(1) })
  return median([...norms])
}

async function measure (preset: PresetName, batchSize: number, backendName: BackendName): Promise<Medians> {
  const { model } = presetDocument(preset)
  const plan = planModel(model)
  const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
  const examples = randomExamples(plan)
  const batches = new BatchBuffer(examples, sampleCapacity(batchSize, EXAMPLES))
  const order = new ContinuousIndices(EXAMPLES, '1')
  const optimizers = { plain: createOptimizer(OPTIMIZER, plan.parameterCount), whole: createOptimizer(OPTIMIZER, plan.parameterCount) }
  for (const { parameters } of Object.values(optimizers)) {
    parameters.set(initialParameters(model))
  }
  const clipNorm = medianNorm(graph, optimizers.plain.parameters, batches.fill(order.next(batchSize)))
  const random = seededRandom(1)
  const steps = new PrivateSteps({
    settings: { mechanism: 'dp-sgd', clipNorm, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5, accountant: 'pld' },
    document: { training: { batchSize, steps: Infinity, optimizer: OPTIMIZER } },
    exampleCount: EXAMPLES,
    graph,
    optimizer: optimizers.whole,
    batches,
    noise: createSecureNoise()
  }).steps(random)
  return alternate(
    () => {
      graph.gradients(optimizers.plain.parameters, batches.fill(order.next(batchSize)), optimizers.plain.gradients, random)
      optimizers.plain.step()
    },
    () => {
      steps.next()
      optimizers.whole.step()
    }
  )
}

process.env.TF_NUM_INTRAOP_THREADS ??= '1'
process.env.TF_NUM_INTEROP_THREADS ??= '1'
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'

const wanted = process.argv.slice(2)
const rows: Array<Record<string, string | number>> = []
for (const backend of BACKEND_NAMES.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  try {
    await loadBackend(backend)
  } catch (err) {
    console.log(`${backend}: ${(err as Error).message}`)
    continue
  }
  for (const preset of PRESETS) {
    for (const batch of BATCHES.filter((size) => !isSlow(backend, preset, size))) {
      const { plainMs, privateMs, ratio } = await measure(preset, batch, backend)
      rows.push({
        backend,
        model: preset,
        batch,
        'plain ms': Number(plainMs.toFixed(2)),
        'private ms': Number(privateMs.toFixed(2)),
        'private / plain': Number(ratio.toFixed(2))
      })
    }
  }
}
console.table(rows)

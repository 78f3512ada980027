/**
 * What clipping each example's gradient costs: the gradient of a batch's mean loss against the sum of the clipped gradients of
 * its examples (DP-SGD without the noise), both as flat vectors, one thread. The two alternate, so that both meet the same
 * machine. Usage: node dist/bench/private-step.js [backend …]
 */
import { BACKEND_NAMES } from '../src/model/backend-names.ts'
import { loadBackend } from '../src/model/backend.ts'
import { initialParameters } from '../src/model/initial-parameters.ts'
import { LayerGraph } from '../src/model/layer-graph.ts'
import { planModel } from '../src/model/topology.ts'
import { presetDocument } from '../src/presets.ts'
import { seededRandom } from '../src/seeded-random.ts'
import type { BackendName } from '../src/interface.ts'
import type { Batch } from '../src/model/layer-graph.ts'
import type { ModelPlan } from '../src/model/topology.ts'
import type { PresetName } from '../src/presets.ts'

/** Stop after so many pairs of steps, or after so long */
const MAX_PAIRS = 100
const MAX_MS = 6000

const PRESETS: readonly PresetName[] = ['mnist-mlp', 'mnist-cnn']
const BATCHES = [64, 256]

/** Plain code takes minutes for convolutions of larger batches */
const isSlow = (backend: BackendName, preset: PresetName, batch: number): boolean => backend === 'cpu' && preset === 'mnist-cnn' && batch > 64

function randomBatch ({ inputShape, outputs }: ModelPlan, count: number): Batch {
  const random = seededRandom(1)
  const features = inputShape.reduce((product, size) => product * size, 1)
  return {
    inputs: Float32Array.from({ length: count * features }, random),
    labels: Uint16Array.from({ length: count }, () => random() * outputs),
    count
  }
}

function elapsedMs (work: () => void): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

interface Medians { plainMs: number, privateMs: number }

/** The first tenth is warm-up */
function alternate (plain: () => void, clipped: () => void): Medians {
  const pairs: Array<[number, number]> = []
  const began = performance.now()
  for (let i = 0; i < MAX_PAIRS && (i < 4 || performance.now() - began < MAX_MS); i++) {
    pairs.push([elapsedMs(plain), elapsedMs(clipped)])
  }
  const timed = pairs.slice(Math.ceil(pairs.length / 10))
  return { plainMs: median(timed.map(([ms]) => ms)), privateMs: median(timed.map(([, ms]) => ms)) }
}

async function measure (preset: PresetName, count: number, backendName: BackendName): Promise<Medians & { clipped: number }> {
  const { model } = presetDocument(preset)
  const plan = planModel(model)
  const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
  const parameters = initialParameters(model)
  const batch = randomBatch(plan, count)
  const gradients = new Float32Array(plan.parameterCount)
  const random = seededRandom(1)
  const sum = new Float64Array(plan.parameterCount)
  const { norms } = graph.clippedGradientSum(parameters, batch, sum, { clipNorm: Infinity, random })
  const clipNorm = median([...norms])
  let clipped = 0
  const medians = alternate(
    () => { graph.gradients(parameters, batch, gradients, random) },
    () => { clipped = graph.clippedGradientSum(parameters, batch, sum, { clipNorm, random }).clipped }
  )
  return { ...medians, clipped }
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
      const { plainMs, privateMs, clipped } = await measure(preset, batch, backend)
      rows.push({
        backend,
        model: preset,
        batch,
        clipped,
        'plain ms': Number(plainMs.toFixed(2)),
        'private ms': Number(privateMs.toFixed(2)),
        'private / plain': Number((privateMs / plainMs).toFixed(2))
      })
    }
  }
}
console.table(rows)

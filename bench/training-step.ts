/**
 * One training step per backend and model: the stock way (tfjs-layers, variableGrads, the stock optimiser) against this
 * project's. Median of many steps after warm-up, one thread. Usage: node dist/bench/training-step.js [backend …]
 */
import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { median } from '../src/aggregators/median.ts'
import { BACKEND_NAMES } from '../src/model/backend-names.ts'
import { loadBackend } from '../src/model/backend.ts'
import { LocalTraining } from '../src/model/local-training.ts'
import { initialParameters } from '../src/model/initial-parameters.ts'
import { planModel } from '../src/model/topology.ts'
import { presetDocument } from '../src/presets.ts'
import { seededRandom } from '../src/seeded-random.ts'
import type { Dataset, Examples } from '../src/data/examples.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { BackendName } from '../src/interface.ts'
import type { PresetName } from '../src/presets.ts'

/** Stop after so many steps, or after so long */
const MAX_STEPS = 200
const MAX_MS = 4000

const PRESETS: readonly PresetName[] = ['digits', 'mnist-mlp', 'mnist-noniid', 'mnist-cnn', 'wide']

function randomExamples (count: number, featureCount: number, classes: number): Examples {
  const random = seededRandom(1)
  const inputs = Float32Array.from({ length: count * featureCount }, random)
  const labels = Uint16Array.from({ length: count }, () => random() * classes)
  return {
    count,
    featureCount,
    labels,
    writeInputs: (index, out, offset) => { out.set(inputs.subarray(index * featureCount, (index + 1) * featureCount), offset) }
  }
}

function medianMs (step: () => void): number {
  const times: number[] = []
  const began = performance.now()
  for (let i = 0; i < MAX_STEPS && (i < 4 || performance.now() - began < MAX_MS); i++) {
    const start = performance.now()
    step()
    times.push(performance.now() - start)
  }
  // the first tenth is warm-up
  return median(times.slice(Math.ceil(times.length / 10)))
}

/** The model of tfjs-layers with the same weights, and one step of the stock optimiser */
async function stockStep ({ model, training }: FederationDocument): Promise<() => void> {
  const { layout, inputShape } = planModel(model)
  const weightSpecs = layout.map(({ name, shape }) => ({ name, shape: [...shape], dtype: 'float32' as const }))
  const weightData = initialParameters(model).buffer as ArrayBuffer
  const layers = await loadLayersModel(tf.io.fromMemory({ modelTopology: model.topology, weightSpecs, weightData }))
  const settings = training.optimizer
  const optimizer = settings.name === 'adam'
    ? tf.train.adam(settings.learningRate, settings.beta1, settings.beta2, settings.epsilon)
    : tf.train.momentum(settings.learningRate, settings.momentum)
  const { batchSize } = training
  const inputs = Float32Array.from({ length: batchSize * inputShape.reduce((product, size) => product * size, 1) }, seededRandom(1))
  const labels = Int32Array.from({ length: batchSize }, (_, i) => i % model.labels.length)
  return () => {
    const loss = tf.tidy((): tf.Tensor => optimizer.minimize(() => {
      const x = tf.tensor(inputs, [batchSize, ...inputShape])
      const y = layers.apply(x) as tf.Tensor
      const target = tf.oneHot(tf.tensor1d(labels, 'int32'), model.labels.length)
      return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.log(tf.clipByValue(y, 1e-7, 1))), -1))) as tf.Scalar
    }, true)!)
    loss.dataSync()
    loss.dispose()
  }
}

async function baseline (document: FederationDocument): Promise<number | undefined> {
  try {
    return medianMs(await stockStep(document))
  } catch {
    // the stock wasm backend cannot train convolutions
    return undefined
  }
}

/** Before ours replaces its kernels */
async function loadStock (name: BackendName): Promise<boolean> {
  const require = createRequire(import.meta.url)
  try {
    if (name === 'wasm') {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
      setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep)
      return await tf.setBackend('wasm')
    }
    await loadBackend(name)
    return true
  } catch (err) {
    console.log(`${name}: ${(err as Error).message}`)
    return false
  }
}

process.env.TF_NUM_INTRAOP_THREADS ??= '1'
process.env.TF_NUM_INTEROP_THREADS ??= '1'
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'

const wanted = process.argv.slice(2)
const rows: Array<Record<string, string | number>> = []
for (const name of BACKEND_NAMES.filter((backend) => wanted.length === 0 || wanted.includes(backend))) {
  if (!await loadStock(name)) {
    continue
  }
  const documents = PRESETS.filter((preset) => name !== 'cpu' || preset !== 'wide').map((preset) => presetDocument(preset))
  const stock: Array<number | undefined> = []
  for (const document of documents) {
    stock.push(await baseline(document))
  }
  const backend = await loadBackend(name)
  for (const [i, document] of documents.entries()) {
    const plan = planModel(document.model)
    const features = plan.inputShape.reduce((product, size) => product * size, 1)
    const examples = randomExamples(document.training.batchSize, features, plan.outputs)
    const dataset: Dataset = { train: examples, test: examples }
    const training = new LocalTraining({ document: { ...document, training: { ...document.training, epochs: undefined, steps: 1 } }, dataset, backend, seed: 1 })
    const parameters = initialParameters(document.model)
    const ours = medianMs(() => { training.rehearse(parameters) })
    const before = stock[i]
    rows.push({
      backend: name,
      model: document.name,
      parameters: plan.parameterCount,
      batch: document.training.batchSize,
      optimizer: document.training.optimizer.name,
      'stock ms': before === undefined ? 'cannot' : Number(before.toFixed(2)),
      'ours ms': Number(ours.toFixed(2)),
      'stock / ours': before === undefined ? '' : Number((before / ours).toFixed(2))
    })
  }
}
console.table(rows)

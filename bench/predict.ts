/**
 * Predictions from file to file against the bare forward pass over as many inputs in memory, and against reading the
 * file alone; and the memory that a file and a tenth of it take. Usage: node dist/bench/predict.js [rows]
 */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { csvRows } from '../peer/prediction-rows.ts'
import { WholeFile } from '../peer/whole-file.ts'
import { readInputs } from '../src/data/input-formats.ts'
import { parseFederation } from '../src/federation/document.ts'
import { loadBackend } from '../src/model/backend.ts'
import { initialParameters } from '../src/model/initial-parameters.ts'
import { LayerGraph } from '../src/model/layer-graph.ts'
import { createPredictor } from '../src/model/predictor.ts'
import { denseTopology, planModel } from '../src/model/topology.ts'
import { presetDocument } from '../src/presets.ts'
import { seededRandom } from '../src/seeded-random.ts'
import type { FederationDocument } from '../src/federation/document.ts'

const BATCH = 1024
const SAMPLES = 3
/** Batches between two looks at the memory */
const MEMORY_EVERY = 4

interface Case {
  name: string
  document: FederationDocument
  rows: number
  write: (file: string, rows: number) => Promise<void>
}

/** Columns of numbers */
function tableCase (columns: number, hidden: readonly number[], rows: number): Case {
  const names = Array.from({ length: columns }, (_, i) => `x${i}`)
  const preset = presetDocument('digits')
  const document = parseFederation({
    ...preset,
    model: {
      topology: denseTopology({ inputShape: [columns], hidden, classes: 2 }),
      seed: 1,
      loss: 'categoricalCrossentropy',
      input: { kind: 'table', label: 'y', columns: names.map((name) => ({ kind: 'numeric', name, mean: 50, stdDev: 25 })) },
      labels: ['no', 'yes']
    }
  })
  return { name: `table of ${columns} columns, ${hidden.join(' and ')} hidden units`, document, rows, write: async (file, count) => writeTable(file, names, count) }
}

async function written (file: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  const stream = createWriteStream(file)
  for (const piece of pieces) {
    if (!stream.write(piece)) {
      await once(stream, 'drain')
    }
  }
  stream.end()
  await once(stream, 'close')
}

async function writeTable (file: string, names: readonly string[], rows: number): Promise<void> {
  const random = seededRandom(1)
  await written(file, (function * () {
    yield `${names.join(',')}\n`
    for (let row = 0; row < rows; row++) {
      yield `${names.map(() => (random() * 100).toFixed(2)).join(',')}\n`
    }
  })())
}

async function writeImages (file: string, rows: number): Promise<void> {
  const random = seededRandom(1)
  const header = Buffer.alloc(16)
  header.writeUInt32BE(0x803)
  ;[rows, 28, 28].forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i))
  const image = Uint8Array.from({ length: 784 }, () => random() * 256)
  await written(file, (function * () {
    yield header
    for (let row = 0; row < rows; row++) {
      yield image
    }
  })())
}

async function bareMs ({ document, rows }: Case): Promise<number> {
  const plan = planModel(document.model)
  const graph = new LayerGraph(plan, document.model.loss, await loadBackend('wasm'))
  const inputs = Float32Array.from({ length: BATCH * plan.inputShape.reduce((a, b) => a * b, 1) }, seededRandom(2))
  const batch = { inputs, labels: new Uint16Array(0), count: BATCH }
  const batches = Math.ceil(rows / BATCH)
  const began = performance.now()
  graph.evaluate(initialParameters(document.model), Array.from({ length: batches }, () => batch), () => {})
  return performance.now() - began
}

async function fileMs ({ document }: Case, file: string, output: string): Promise<{ ms: number, rows: number, peak: number }> {
  const predictor = await createPredictor({ document, parameters: initialParameters(document.model), backend: 'wasm' })
  const writer = csvRows(predictor.labels)
  const began = performance.now()
  const out = await WholeFile.create(output)
  let first = 0
  let batches = 0
  let peak = 0
  const rows = await readInputs({ path: file }, document.model, ({ inputs, count }) => {
    const text = writer.lines({ ...predictor.predict(inputs, count), count, first })
    first += count
    if (++batches % MEMORY_EVERY === 0) {
      peak = Math.max(peak, process.memoryUsage.rss())
    }
    return out.write(text)
  })
  await out.finish()
  return { ms: performance.now() - began, rows, peak }
}

async function readMs ({ document: { model } }: Case, file: string): Promise<number> {
  const began = performance.now()
  await readInputs({ path: file }, model, () => undefined)
  return performance.now() - began
}

function median (values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

const million = Number(process.argv[2] ?? 1_000_000)
const images = (preset: 'mnist-mlp' | 'mnist-cnn', rows: number): Case => ({ name: `images of 28 x 28, ${preset}`, document: presetDocument(preset), rows, write: writeImages })
const cases = [
  // layers as `init` proposes them
  tableCase(4, [16, 16], million),
  tableCase(30, [32, 16], million),
  tableCase(30, [512, 256], million),
  images('mnist-mlp', Math.round(million / 10)),
  images('mnist-cnn', Math.round(million / 50))
]
const folder = await mkdtemp(join(tmpdir(), 'grapevine-bench-'))
const results: Array<Record<string, string | number>> = []
try {
  for (const each of cases) {
    const file = join(folder, 'input')
    const output = join(folder, 'output')
    await each.write(file, Math.round(each.rows / 10))
    const tenth = await fileMs(each, file, output)
    await each.write(file, each.rows)
    const bare: number[] = []
    const whole: number[] = []
    const reading: number[] = []
    let peak = 0
    for (let sample = 0; sample < SAMPLES; sample++) {
      bare.push(await bareMs(each))
      reading.push(await readMs(each, file))
      const run = await fileMs(each, file, output)
      whole.push(run.ms)
      peak = Math.max(peak, run.peak)
    }
    results.push({
      model: each.name,
      rows: each.rows,
      'forward pass s': Number((median(bare) / 1000).toFixed(2)),
      'reading alone s': Number((median(reading) / 1000).toFixed(2)),
      'from file to file s': Number((median(whole) / 1000).toFixed(2)),
      'share of the pass': Number((median(bare) / median(whole)).toFixed(2)),
      'share of pass and reading': Number(((median(bare) + median(reading)) / median(whole)).toFixed(2)),
      'peak of a tenth MB': Math.round(tenth.peak / 1e6),
      'peak MB': Math.round(peak / 1e6)
    })
  }
} finally {
  await rm(folder, { recursive: true })
}
console.table(results)

/**
 * DP-SGD on generated digits with canaries among them, as parts that a test can break one by one
 */
import { createCanaries, tossCoins, withCanaries } from '../../../src/privacy/audit/canaries.ts'
import { consecutiveSteps } from '../../../src/privacy/audit/canary-scores.ts'
import { DIGIT_LABELS, DIGITS_INPUT, loadDigits } from '../../../src/data/digits.ts'
import { loadBackend } from '../../../src/model/backend.ts'
import { initialParameters } from '../../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../../src/model/layer-graph.ts'
import { BatchBuffer } from '../../../src/model/mini-batches.ts'
import { denseTopology, planModel } from '../../../src/model/topology.ts'
import { seededRandom } from '../../../src/seeded-random.ts'
import { federation } from '../../model/models.ts'
import { seededNoise } from '../noise/seeded-noise.ts'
import type { Examples } from '../../../src/data/examples.ts'
import type { GradientProducts, ObservedStep } from '../../../src/privacy/audit/canary-scores.ts'
import type { NoiseSource } from '../../../src/privacy/noise/noise-source.ts'

const CLASSES = DIGIT_LABELS.length

export interface MechanismSettings {
  sampleRate: number
  noiseMultiplier: number
  clipNorm: number
  steps: number
  learningRate: number
}

/** The parts of DP-SGD that a fault may be in; each has the honest one as default */
export interface Mechanism {
  /** Clip norm that the gradients are really clipped to */
  clipNorm?: number
  /** Makes the clipped sum private, in place. `expectedBatch` is q N */
  addNoise?: (sums: Float64Array, noise: NoiseSource, expectedBatch: number) => void
  /** What becomes of the parameters on their way out */
  publish?: (parameters: Float32Array) => Float32Array
}

export interface AuditedTraining {
  steps: ObservedStep[]
  products: GradientProducts
  losses: (parameters: Float32Array) => Float64Array
  canaries: Examples
  included: Uint8Array
  graph: LayerGraph
  /** Examples in each batch */
  batchSizes: number[]
}

const model = federation({ shape: [28, 28, 1], classes: CLASSES, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: CLASSES }) }).model
const plan = planModel(model)
const backend = await loadBackend('wasm')
const graph = new LayerGraph(plan, model.loss, backend)

export function digits (count: number): Examples {
  return loadDigits({ kind: 'digits', seed: 3, trainExamples: count, testExamples: 1 }, { ...model, input: DIGITS_INPUT }).train
}

/** Softmax regression by DP-SGD: Abadi et al. 2016, algorithm 1, with Poisson sampling, every step published */
export function train (settings: MechanismSettings, examples: Examples, mechanism: Mechanism & { seed: string }): { models: Float32Array[], batchSizes: number[] } {
  const { sampleRate, noiseMultiplier, clipNorm, steps, learningRate } = settings
  const noise = seededNoise(mechanism.seed)
  const addNoise = mechanism.addNoise ?? ((sums) => { noise.addGaussian(sums, noiseMultiplier * clipNorm) })
  const batches = new BatchBuffer(examples, examples.count)
  const expectedBatch = sampleRate * examples.count
  const sums = new Float64Array(plan.parameterCount)
  const batchSizes: number[] = []
  let parameters = initialParameters(model)
  const models = [parameters]
  for (let step = 0; step < steps; step++) {
    const batch = batches.fill(noise.sample(examples.count, sampleRate))
    batchSizes.push(batch.count)
    graph.clippedGradientSum(parameters, batch, sums, { clipNorm: mechanism.clipNorm ?? clipNorm, random: seededRandom(0) })
    addNoise(sums, noise, expectedBatch)
    parameters = parameters.map((parameter, at) => parameter - learningRate / expectedBatch * sums[at]!)
    parameters = mechanism.publish?.(parameters) ?? parameters
    models.push(parameters)
  }
  return { models, batchSizes }
}

export function trainAudited (settings: MechanismSettings, { digitCount, canaryCount }: { digitCount: number, canaryCount: number }, mechanism: Mechanism & { seed: string }): AuditedTraining {
  const random = seededRandom(`canaries/${mechanism.seed}`)
  const canaries = createCanaries({ input: DIGITS_INPUT, classes: CLASSES }, canaryCount, random)
  const included = tossCoins(canaryCount, random)
  const { models, batchSizes } = train(settings, withCanaries(digits(digitCount), canaries, included), mechanism)
  return { steps: consecutiveSteps(models), canaries, included, graph, batchSizes, products: softmaxProducts(canaries, settings.clipNorm), losses: (parameters) => softmaxErrors(canaries, parameters).losses }
}

/** p - e_label of each example, and its loss */
function softmaxErrors (examples: Examples, parameters: Float32Array): { errors: Float64Array, losses: Float64Array } {
  const errors = new Float64Array(examples.count * CLASSES)
  const losses = new Float64Array(examples.count)
  let example = 0
  graph.evaluate(parameters, new BatchBuffer(examples, 128).inOrder(128), ({ logits, count }) => {
    for (let row = 0; row < count; row++, example++) {
      const scores = Float64Array.from(logits.subarray(row * CLASSES, (row + 1) * CLASSES))
      const largest = Math.max(...scores)
      const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0)
      const label = examples.labels[example]!
      losses[example] = Math.log(sum) + largest - scores[label]!
      errors.set(scores.map((score, output) => Math.exp(score - largest) / sum - (output === label ? 1 : 0)), example * CLASSES)
    }
  })
  return { errors, losses }
}

/** The gradient of softmax regression is (x, 1) times the error: its products need no gradient to be written out */
export function softmaxProducts (examples: Examples, clipNorm: number): GradientProducts {
  const { count, featureCount } = examples
  const inputs = new Float32Array(count * featureCount)
  const squares = new Float64Array(count)
  for (let example = 0; example < count; example++) {
    examples.writeInputs(example, inputs, example * featureCount)
    squares[example] = inputs.subarray(example * featureCount, (example + 1) * featureCount).reduce((sum, x) => sum + x * x, 1)
  }
  const [kernel, bias] = plan.layout
  return (parameters, direction) => {
    const { errors } = softmaxErrors(examples, parameters)
    return Float64Array.from({ length: count }, (_, example) => {
      const error = errors.subarray(example * CLASSES, (example + 1) * CLASSES)
      const along = direction.slice(bias!.offset, bias!.offset + CLASSES)
      for (let feature = 0, at = kernel!.offset; feature < featureCount; feature++) {
        const x = inputs[example * featureCount + feature]!
        for (let output = 0; output < CLASSES; output++, at++) {
          along[output]! += x * direction[at]!
        }
      }
      const norm = Math.sqrt(squares[example]! * error.reduce((sum, e) => sum + e * e, 0))
      return Math.min(1, clipNorm / norm) * error.reduce((sum, e, output) => sum + e * along[output]!, 0)
    })
  }
}

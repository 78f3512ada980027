/**
 * DP-SGD on generated digits with canaries among them, in parts that a test can break one by one
 */
import { createCanaries, tossCoins, withCanaries } from '../../../src/privacy/audit/canaries.ts'
import { consecutiveSteps } from '../../../src/privacy/audit/canary-scores.ts'
import { DIGIT_LABELS, DIGITS_INPUT, loadDigits } from '../../../src/data/digits.ts'
import { loadBackend } from '../../../src/model/backend.ts'
import { initialParameters } from '../../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../../src/model/layer-graph.ts'
import { exampleLosses } from '../../../src/model/loss.ts'
import { BatchBuffer } from '../../../src/model/mini-batches.ts'
import { denseTopology, planModel } from '../../../src/model/topology.ts'
import { seededRandom } from '../../../src/seeded-random.ts'
import { federation } from '../../model/models.ts'
import { seededNoise } from '../noise/seeded-noise.ts'
import type { Dataset, Examples } from '../../../src/data/examples.ts'
import type { GradientProducts, ObservedStep } from '../../../src/privacy/audit/canary-scores.ts'
import type { NoiseSource } from '../../../src/privacy/noise/noise-source.ts'

export const CLASSES = DIGIT_LABELS.length

/** Most examples that are evaluated at a time */
const CHUNK = 128

export interface MechanismSettings {
  /** q */
  sampleRate: number
  /** sigma */
  noiseMultiplier: number
  clipNorm: number
  steps: number
  learningRate: number
}

/** The parts of DP-SGD that a fault may be in. A part left out is the honest one */
export interface Mechanism {
  /** What the gradients are really clipped to */
  clipNorm?: number
  /** Chooses a batch of `count` examples */
  sample?: (count: number, noise: NoiseSource) => Uint32Array
  /** Makes the clipped sum private, in place; `expectedBatch` is q N */
  addNoise?: (sums: Float64Array, noise: NoiseSource, expectedBatch: number) => void
  /** What becomes of the parameters on their way out */
  publish?: (parameters: Float32Array) => Float32Array
}

export interface Training {
  /** The initial one, and that after each step */
  models: Float32Array[]
  batchSizes: number[]
  /** What was really added to the clipped sum, step by step */
  noises: Float64Array[]
}

export interface AuditedTraining extends Training {
  /** As a neighbour sees them */
  steps: ObservedStep[]
  canaries: Examples
  included: Uint8Array
}

const { model } = federation({ shape: [28, 28, 1], classes: CLASSES, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: CLASSES }) })
const plan = planModel(model)
const graph = new LayerGraph(plan, model.loss, await loadBackend('wasm'))

export function digits (trainExamples: number, testExamples = 1): Dataset {
  return loadDigits({ kind: 'digits', seed: 3, trainExamples, testExamples }, { ...model, input: DIGITS_INPUT })
}

/** Softmax regression by DP-SGD, every step published: Abadi et al. 2016, algorithm 1, with Poisson sampling */
export function train (settings: MechanismSettings, examples: Examples, { seed, ...mechanism }: Mechanism & { seed: string }): Training {
  const { sampleRate, noiseMultiplier, clipNorm, steps, learningRate } = settings
  const honest: Required<Mechanism> = {
    clipNorm,
    sample: (count, noise) => noise.sample(count, sampleRate),
    addNoise: (sums, noise) => { noise.addGaussian(sums, noiseMultiplier * clipNorm) },
    publish: (parameters) => parameters
  }
  const part = { ...honest, ...mechanism }
  const noise = seededNoise(seed)
  const batches = new BatchBuffer(examples, examples.count)
  const expectedBatch = sampleRate * examples.count
  const sums = new Float64Array(plan.parameterCount)
  const training: Training = { models: [initialParameters(model)], batchSizes: [], noises: [] }
  for (let step = 0; step < steps; step++) {
    const parameters = training.models[step]!
    const batch = batches.fill(part.sample(examples.count, noise))
    graph.clippedGradientSum(parameters, batch, sums, { clipNorm: part.clipNorm, random: seededRandom(0) })
    const clean = sums.slice()
    part.addNoise(sums, noise, expectedBatch)
    training.models.push(part.publish(parameters.map((parameter, at) => parameter - learningRate / expectedBatch * sums[at]!)))
    training.batchSizes.push(batch.count)
    training.noises.push(clean.map((sum, at) => sums[at]! - sum))
  }
  return training
}

/** Trains on digits and those of the canaries that a coin says */
export function trainAudited (settings: MechanismSettings, { digitCount, canaryCount }: { digitCount: number, canaryCount: number }, mechanism: Mechanism & { seed: string }): AuditedTraining {
  const random = seededRandom(`canaries/${mechanism.seed}`)
  const canaries = createCanaries({ input: DIGITS_INPUT, classes: CLASSES }, canaryCount, random)
  const included = tossCoins(canaryCount, random)
  const training = train(settings, withCanaries(digits(digitCount).train, canaries, included), mechanism)
  return { ...training, steps: consecutiveSteps(training.models), canaries, included }
}

export interface Evaluation {
  /** count x CLASSES */
  logits: Float32Array
  losses: Float64Array
  /** d(loss)/d(logits), count x CLASSES */
  errors: Float32Array
}

export function evaluate (examples: Examples, parameters: Float32Array): Evaluation {
  const logits = new Float32Array(examples.count * CLASSES)
  let at = 0
  graph.evaluate(parameters, new BatchBuffer(examples, CHUNK).inOrder(CHUNK), (batch) => {
    logits.set(batch.logits, at)
    at += batch.logits.length
  })
  const errors = new Float32Array(logits.length)
  const losses = exampleLosses(model.loss, { logits, labels: examples.labels, count: examples.count, outputs: CLASSES }, errors)
  return { logits, losses, errors }
}

/** The clipped gradient of one example, as the mechanism computes it */
export function clippedGradient (examples: Examples, index: number, { parameters, clipNorm }: { parameters: Float32Array, clipNorm: number }): Float64Array {
  const out = new Float64Array(plan.parameterCount)
  graph.clippedGradientSum(parameters, new BatchBuffer(examples, 1).fill([index]), out, { clipNorm, random: seededRandom(0) })
  return out
}

/** The gradient of softmax regression is the inputs, and 1, times d(loss)/d(logits): its products need not write it out */
export function softmaxProducts (examples: Examples, clipNorm: number): GradientProducts {
  const { count, featureCount } = examples
  const inputs = Array.from({ length: count }, (_, example) => {
    const row = new Float32Array(featureCount)
    examples.writeInputs(example, row, 0)
    return row
  })
  const squares = inputs.map((row) => row.reduce((sum, x) => sum + x * x, 1))
  const [kernel, bias] = plan.layout
  return (parameters, direction) => {
    const { errors } = evaluate(examples, parameters)
    return Float64Array.from(inputs, (row, example) => {
      const error = errors.subarray(example * CLASSES, (example + 1) * CLASSES)
      const along = direction.slice(bias!.offset, bias!.offset + CLASSES)
      for (let feature = 0, at = kernel!.offset; feature < featureCount; feature++) {
        for (let output = 0; output < CLASSES; output++, at++) {
          along[output]! += row[feature]! * direction[at]!
        }
      }
      const norm = Math.sqrt(squares[example]! * error.reduce((sum, e) => sum + e * e, 0))
      return Math.min(1, clipNorm / norm) * along.reduce((sum, value, output) => sum + value * error[output]!, 0)
    })
  }
}

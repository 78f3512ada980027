/**
 * The training of a peer on generated digits with canaries among them, and what an auditor computes from its models
 */
import { createCanaries, tossCoins, withCanaries } from '../../src/audit/canaries.ts'
import { consecutiveSteps } from '../../src/audit/canary-scores.ts'
import { DIGIT_LABELS, DIGITS_INPUT, loadDigits } from '../../src/data/digits.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { exampleLosses } from '../../src/model/loss.ts'
import { BatchBuffer } from '../../src/model/mini-batches.ts'
import { denseTopology, planModel } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { federation } from '../model/models.ts'
import { seededNoise } from '../privacy/noise/seeded-noise.ts'
import type { Dataset, Examples } from '../../src/data/examples.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { GradientProducts, ObservedStep } from '../../src/audit/canary-scores.ts'
import type { NoiseSource } from '../../src/privacy/noise/noise-source.ts'

export const CLASSES = DIGIT_LABELS.length

/** Most examples that are evaluated at a time */
const CHUNK = 128

export interface Settings {
  /** Expected number of examples in a step */
  batchSize: number
  /** Left out: no privacy at all */
  privacy?: { clipNorm: number, noiseMultiplier: number }
  /** Each of one step, after which the model is published */
  rounds: number
}

/** Where a fault may be. A part left out is the honest one */
export interface Fault {
  /** What the gradients are clipped to, noise being as announced */
  clipNorm?: number
  /** Takes the place of the noise source, which it is given */
  noise?: (honest: NoiseSource) => NoiseSource
}

export interface Training {
  /** The initial one, and that after each round */
  models: Float32Array[]
  /** What was added to the clipped sum in each round */
  noises: Float64Array[]
  document: FederationDocument
}

export interface AuditedTraining extends Training {
  /** As a neighbour sees them */
  steps: ObservedStep[]
  canaries: Examples
  included: Uint8Array
  /** All examples, the canaries that are in among them */
  exampleCount: number
}

const base = federation({ shape: [28, 28, 1], classes: CLASSES, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: CLASSES }) })
const model = { ...base.model, input: DIGITS_INPUT }
const plan = planModel(model)
const backend = await loadBackend('wasm')
const graph = new LayerGraph(plan, model.loss, backend)

export function digits (trainExamples: number, testExamples = 1): Dataset {
  return loadDigits({ kind: 'digits', seed: 3, trainExamples, testExamples }, model)
}

function documentOf ({ batchSize, privacy }: Settings, clipNorm = privacy?.clipNorm): FederationDocument {
  return parseFederation({
    ...base,
    model,
    training: { batchSize, steps: 1, optimizer: { name: 'sgd', learningRate: 0.5, momentum: 0 } },
    privacy: privacy === undefined ? { mechanism: 'none' } : { ...privacy, mechanism: 'dp-sgd', clipNorm: clipNorm!, epsilonLimit: 1000, delta: 1e-5 }
  })
}

/** Softmax regression by the code that trains in a node, on a noise source that repeats itself */
export function train (settings: Settings, dataset: Dataset, { seed, ...fault }: Fault & { seed: string }): Training {
  const honest = seededNoise(seed)
  const scale = fault.clipNorm === undefined ? 1 : settings.privacy!.clipNorm / fault.clipNorm
  const part = fault.noise?.(honest) ?? honest
  const noises: Float64Array[] = []
  const noise: NoiseSource = {
    sample: part.sample,
    addGaussian: (sums, deviation) => {
      const before = sums.slice()
      part.addGaussian(sums, scale * deviation)
      noises.push(before.map((sum, at) => sums[at]! - sum))
    }
  }
  const training = new LocalTraining({ document: documentOf(settings, fault.clipNorm), dataset, backend, seed, noise })
  const models = [initialParameters(model)]
  for (let round = 0; round < settings.rounds; round++) {
    models.push(training.train(models[round]!, { round }).parameters)
  }
  return { models, noises, document: documentOf(settings) }
}

/** Trains on digits and those of the canaries that a coin says */
export function trainAudited (settings: Settings, { digitCount, canaryCount }: { digitCount: number, canaryCount: number }, fault: Fault & { seed: string }): AuditedTraining {
  const random = seededRandom(`canaries/${fault.seed}`)
  const canaries = createCanaries({ input: model.input, classes: CLASSES }, canaryCount, random)
  const included = tossCoins(canaryCount, random)
  const { train: honest, test } = digits(digitCount)
  const examples = withCanaries(honest, canaries, included)
  const training = train(settings, { train: examples, test }, fault)
  return { ...training, steps: consecutiveSteps(training.models), canaries, included, exampleCount: examples.count }
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

/**
 * The gradient of softmax regression is the inputs, and 1, times d(loss)/d(logits): its products need not write it out
 */
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

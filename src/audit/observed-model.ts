/**
 * What an observer computes from a published model on examples of his own choice
 */
import { onFeatures } from '../model/frozen-prefix.ts'
import { LayerGraph } from '../model/layer-graph.ts'
import { BatchBuffer } from '../model/mini-batches.ts'
import { planModel } from '../model/topology.ts'
import { seededRandom } from '../seeded-random.ts'
import { gradientProjections } from './canary-scores.ts'
import type { Examples } from '../data/examples.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Backend } from '../model/backend.ts'
import type { ModelWeights } from '../model/canonical-weights.ts'
import type { LogitsBatch, LossName } from '../model/loss.ts'
import type { ModelPlan } from '../model/topology.ts'
import type { GradientProjections } from './canary-scores.ts'

/** Examples at a time, where memory allows */
const MOST_AT_ONCE = 256
/** Activations of them: 32 MiB */
const MOST_ACTIVATIONS = 8_388_608

export class ObservedModel {
  private readonly plan: ModelPlan
  private readonly graph: LayerGraph
  private readonly loss: LossName
  private readonly classWeights: readonly number[] | undefined
  private readonly backend: Backend

  /** Throws InvalidFederationError, WeightsError */
  constructor (model: FederationDocument['model'], backend: Backend, weights?: ModelWeights) {
    this.plan = planModel(model, weights)
    this.loss = model.loss
    this.backend = backend
    this.classWeights = model.classWeights
    this.graph = new LayerGraph(this.plan, model.loss, backend, model.classWeights)
  }

  /** Logits of all examples, count x outputs; `parameters` has d elements */
  logits (examples: Examples, parameters: Float32Array): LogitsBatch {
    const { outputs, activations } = this.plan
    const logits = new Float32Array(examples.count * outputs)
    const capacity = Math.max(1, Math.min(MOST_AT_ONCE, examples.count, Math.floor(MOST_ACTIVATIONS / activations)))
    let at = 0
    this.graph.evaluate(parameters, new BatchBuffer(examples, capacity).inOrder(capacity), (batch) => {
      logits.set(batch.logits, at)
      at += batch.logits.length
    })
    return { logits, labels: examples.labels, count: examples.count, outputs }
  }

  /** Projections on the gradient of each example, clipped to `clipNorm`, by one backward pass for each */
  gradientProjections (examples: Examples, clipNorm: number): GradientProjections {
    // what comes before the layers that learn is computed once, not in every round
    const { plan, dataset: { train: inputs } } = onFeatures(this.plan, { train: examples, test: examples }, this.backend)
    const graph = new LayerGraph(plan, this.loss, this.backend, this.classWeights)
    const one = new BatchBuffer(inputs, 1)
    // dropout masks: an observer does not know those of the training either
    const random = seededRandom('observer')
    return gradientProjections(examples.count, (example, parameters, out) => {
      graph.clippedGradientSum(parameters, one.fill([example]), out, { clipNorm, random })
    })
  }
}

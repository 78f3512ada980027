/**
 * DP-SGD: the gradients of a step from a Poisson sample, clipped for each example, summed, made noisy
 *
 * Abadi et al. 2016, Algorithm 1: g = (sum of clipped gradients + N(0, (sigma C)^2)) / B with the *expected* batch size
 * B. Every step adds noise, an empty sample too. Whatever turns g into a step (momentum, Adam) is post-processing.
 */
import { AdaptiveClip } from '../privacy/adaptive-clip.ts'
import { gradientNoiseMultiplier } from '../federation/noise-multiplier.ts'
import { stepsOf } from '../privacy/mechanism.ts'
import { addNoise } from '../privacy/noisy-sum.ts'
import { sensitivityFactor } from '../privacy/sum-rounding.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Random } from '../interface.ts'
import type { NoiseSource } from '../privacy/noise/noise-source.ts'
import type { DpSgdSettings } from '../federation/privacy-settings.ts'
import type { LayerGraph } from './layer-graph.ts'
import type { BatchBuffer } from './mini-batches.ts'
import type { Optimizer } from './optimizer.ts'

export interface PrivateStepsInit {
  settings: DpSgdSettings
  document: Pick<FederationDocument, 'training'>
  /** N */
  exampleCount: number
  graph: LayerGraph
  optimizer: Optimizer
  /** Examples are clipped this many at a time at most */
  batches: BatchBuffer
  noise: NoiseSource
}

/** What a step saw. Private: it never leaves the machine */
export interface StepStatistics {
  /** Sum of the losses of the sampled examples */
  loss: number
  examples: number
}

/**
 * Examples to clip at a time: three deviations more than a sample is expected to hold, so that few samples need a
 * second pass
 */
export function sampleCapacity (batchSize: number, exampleCount: number): number {
  return Math.min(exampleCount, batchSize + Math.ceil(3 * Math.sqrt(batchSize)))
}

export class PrivateSteps {
  private readonly init: PrivateStepsInit
  private readonly sum: Float64Array
  private readonly noiseMultiplier: number
  private readonly sensitivityFactor: number
  private readonly clip: { clipNorm: number, observe?: AdaptiveClip['observe'] }

  /** Throws RangeError when adaptive clipping leaves no noise for the gradients */
  constructor (init: PrivateStepsInit) {
    const { settings, optimizer, noise, exampleCount: examples, graph } = init
    this.init = init
    this.sum = new Float64Array(optimizer.gradients.length)
    this.noiseMultiplier = gradientNoiseMultiplier(settings)
    this.sensitivityFactor = sensitivityFactor({ examples, parameterCount: this.sum.length }, graph.rounding)
    const { clipNorm, adaptiveClipping } = settings
    this.clip = adaptiveClipping === undefined ? { clipNorm } : new AdaptiveClip({ clipNorm, adaptiveClipping }, noise)
  }

  /** The steps of one round: before each yield the optimiser's gradients were written; the caller lets it step */
  * steps (random: Random): Generator<StepStatistics> {
    const count = stepsOf(this.init.document, this.init.exampleCount)
    for (let step = 0; step < count; step++) {
      yield this.write(random)
    }
  }

  private write (random: Random): StepStatistics {
    const { document: { training }, exampleCount, optimizer, noise } = this.init
    const expected = Math.min(training.batchSize, exampleCount)
    const indices = noise.sample(exampleCount, expected / exampleCount)
    const { clipNorm } = this.clip
    const { loss, clipped } = this.sumOf(indices, clipNorm, random)
    addNoise(this.sum, { clipNorm, noiseMultiplier: this.noiseMultiplier, sensitivityFactor: this.sensitivityFactor, noise })
    const { gradients } = optimizer
    const { sum } = this
    const share = 1 / expected
    for (let i = 0; i < sum.length; i++) {
      gradients[i] = share * sum[i]!
    }
    this.clip.observe?.(indices.length - clipped, indices.length, expected)
    return { loss, examples: indices.length }
  }

  private sumOf (indices: Uint32Array, clipNorm: number, random: Random): { loss: number, clipped: number } {
    const { graph, optimizer, batches } = this.init
    const totals = { loss: 0, clipped: 0 }
    this.sum.fill(0)
    for (let first = 0; first < indices.length; first += batches.capacity) {
      const batch = batches.fill(indices.subarray(first, first + batches.capacity))
      const { lossSum, clipped, discarded } = graph.addClippedGradients(optimizer.parameters, batch, this.sum, { clipNorm, random, sampleSize: indices.length })
      totals.loss += lossSum
      totals.clipped += clipped + discarded
    }
    return totals
  }
}

/**
 * A clip norm that follows a quantile of the gradients' norms, learned from noisy counts
 *
 * Andrew, Thakkar, McMahan, Ramaswamy 2021, "Differentially Private Learning with Adaptive Clipping": C <- C exp(-rate
 * (b - quantile)), b the noisy share of examples whose norm is at most C. The paper's count of b - 1/2 halves the
 * sensitivity; what it costs is taken off the noise of the gradients (mechanism.ts).
 */
import { addNoise } from './noisy-sum.ts'
import type { NoiseSource } from './noise/noise-source.ts'
import type { DpSgdSettings } from '../federation/privacy-settings.ts'

type ClippingSettings = NonNullable<DpSgdSettings['adaptiveClipping']>

/** So that a run of unlucky counts does not end in zero or infinity */
const BOUNDS = 1e6

export class AdaptiveClip {
  private readonly settings: ClippingSettings
  private readonly noise: NoiseSource
  private readonly initial: number
  clipNorm: number

  constructor (settings: { clipNorm: number, adaptiveClipping: ClippingSettings }, noise: NoiseSource) {
    this.settings = settings.adaptiveClipping
    this.initial = settings.clipNorm
    this.clipNorm = settings.clipNorm
    this.noise = noise
  }

  /**
   * Moves the clip norm after a step
   *
   * `whole` of `count` examples had norms of at most the clip norm; `expected` is the expected size of the batch
   */
  observe (whole: number, count: number, expected: number): void {
    const { quantile, learningRate, countDeviation } = this.settings
    // each example adds 1/2 or -1/2, which does not round
    const sum = Float64Array.of(whole - count / 2)
    addNoise(sum, { clipNorm: 0.5, sensitivityFactor: 1, noiseMultiplier: 2 * countDeviation, noise: this.noise })
    const share = Math.min(1, Math.max(0, sum[0]! / expected + 0.5))
    const next = this.clipNorm * Math.exp(-learningRate * (share - quantile))
    this.clipNorm = Math.min(this.initial * BOUNDS, Math.max(this.initial / BOUNDS, next))
  }
}

/**
 * What a federation document may say of the noise, in units of clipNorm, and what it means: apart from its schema, so
 * that planning does not load zod
 */
export const MIN_NOISE_MULTIPLIER = 0.01
export const MAX_NOISE_MULTIPLIER = 1e6

interface GradientNoise {
  noiseMultiplier: number
  /** See privacy-settings.ts */
  adaptiveClipping?: { countDeviation: number } | undefined
}

/**
 * Noise multiplier of the gradients. With adaptive clipping a part of the budget goes to the noisy count: both together
 * cost as much as `noiseMultiplier` alone (Andrew et al. 2021, theorem 1: z_gradient = (z^-2 - (2 sigma_b)^-2)^-1/2)
 *
 * Throws RangeError when the count's noise is so small that nothing is left
 */
export function gradientNoiseMultiplier ({ noiseMultiplier, adaptiveClipping }: GradientNoise): number {
  if (adaptiveClipping === undefined) {
    return noiseMultiplier
  }
  const left = noiseMultiplier ** -2 - (2 * adaptiveClipping.countDeviation) ** -2
  if (left <= 0) {
    throw new RangeError(`privacy.adaptiveClipping.countDeviation must be more than half of privacy.noiseMultiplier (${noiseMultiplier}), not ${adaptiveClipping.countDeviation}: the count alone would spend the whole budget`)
  }
  return left ** -0.5
}

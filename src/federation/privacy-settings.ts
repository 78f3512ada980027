/**
 * What a federation document says about privacy
 */
import * as z from 'zod'
import { MAX_NOISE_MULTIPLIER, MIN_NOISE_MULTIPLIER } from './noise-multiplier.ts'

const positive = z.number().positive()

const mechanism = {
  /** L2 norm C to which the part of one example (dp-sgd) or the update of one peer (update-level) is clipped */
  clipNorm: positive.min(1e-6).max(1e6),
  /** Standard deviation of the noise, in units of clipNorm */
  noiseMultiplier: positive.min(MIN_NOISE_MULTIPLIER).max(MAX_NOISE_MULTIPLIER),
  /** A peer sends nothing that is computed from its data once its epsilon would be more than this */
  epsilonLimit: positive.max(1_000),
  /** Of the (epsilon, delta) that is spent and limited: well below one over the number of examples */
  delta: positive.max(0.01),
  /** Whose epsilon counts against the limit: both are upper bounds, `pld` is the tighter one */
  accountant: z.enum(['pld', 'rdp']).default('pld')
}

/** The clip norm follows a quantile of the norms, learned with noise (Andrew et al. 2021) */
const adaptiveClipping = z.strictObject({
  /** Share of the examples whose gradients shall be left whole */
  quantile: z.number().gt(0).lt(1),
  /** Step on the logarithm of the clip norm */
  learningRate: positive.max(10),
  /** Standard deviation of the noise on the number of examples that are left whole */
  countDeviation: positive.max(1e9)
})

export const privacySchema = z.discriminatedUnion('mechanism', [
  /** Nothing is promised */
  z.strictObject({ mechanism: z.literal('none') }),
  /** Protects each example of a peer: DP-SGD */
  z.strictObject({ mechanism: z.literal('dp-sgd'), ...mechanism, adaptiveClipping: adaptiveClipping.optional() }),
  /** Protects a peer's whole data set: the update of a round is clipped and made noisy as one */
  z.strictObject({ mechanism: z.literal('update-level'), ...mechanism })
])

export type PrivacySettings = z.output<typeof privacySchema>
export type PrivateSettings = Exclude<PrivacySettings, { mechanism: 'none' }>
export type DpSgdSettings = Extract<PrivacySettings, { mechanism: 'dp-sgd' }>

/**
 * From what somebody wants to spend to what a federation document says about it
 */
import { createAccountant } from './accounting/accountants.ts'
import { noiseForEpsilon } from './accounting/noise-for-epsilon.ts'
import { roundCharge } from './mechanism.ts'
import { MAX_NOISE_MULTIPLIER, MIN_NOISE_MULTIPLIER } from '../federation/noise-multiplier.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { PrivacySettings, PrivateSettings } from '../federation/privacy-settings.ts'

/**
 * What a document promises whose founder asks for privacy and says no more; numbers are the same with `update-level`
 */
export const DP_SGD_DEFAULTS: PrivateSettings = { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5, accountant: 'pld' }

/** `none` promises nothing */
export const MECHANISMS = ['none', 'dp-sgd', 'update-level'] as const satisfies ReadonlyArray<PrivacySettings['mechanism']>

/** Rounds of one peer, and the epsilon that they may spend */
export interface PrivacyPlan {
  /** Above 0 */
  epsilon: number
  rounds: number
  /** Examples of the smallest training set: it spends the most */
  examples: number
}

/** Digits of a noise multiplier in a document: enough to lose nothing, few enough to read */
const DIGITS = 4

/**
 * The settings with the noise that the plan needs, and its epsilon as the limit
 *
 * Never less noise than a document may say. Takes up to some seconds with `pld`. Throws RangeError when a number is
 * outside its bounds, or no noise that a document may say is enough
 */
export function plannedPrivacy ({ privacy, training }: Pick<FederationDocument, 'training'> & { privacy: PrivateSettings }, { epsilon, rounds, examples }: PrivacyPlan): PrivateSettings {
  const { sampleRate, steps } = roundCharge({ privacy, training }, examples)!
  const { delta, accountant } = privacy
  const all = { sampleRate, steps: steps * rounds }
  if (createAccountant(accountant).compose({ ...all, noiseMultiplier: MAX_NOISE_MULTIPLIER }).epsilon(delta) > epsilon) {
    throw new RangeError(`epsilon ${epsilon} cannot be had: ${all.steps} steps (${rounds} rounds) with sampling rate ${Number(sampleRate.toPrecision(3))} would spend more at delta ${delta} even with noise multiplier ${MAX_NOISE_MULTIPLIER}, the most that a federation document may say`)
  }
  const noiseMultiplier = Math.max(MIN_NOISE_MULTIPLIER, roundedUp(noiseForEpsilon({ ...all, epsilon, delta, accountant })))
  return { ...privacy, noiseMultiplier, epsilonLimit: epsilon }
}

/** What a founder asks for */
export interface PrivacyWish {
  /** Left out: the document's own, or dp-sgd where it has none */
  mechanism: PrivacySettings['mechanism'] | undefined
  /** Left out: the document's own limit, or that of the defaults */
  epsilon: number | undefined
  /** With epsilon: the noise is what so many rounds need. Left out: the noise stays as it is */
  rounds: number | undefined
  /** Examples of the smallest training set, counted when the noise depends on them: that of whole updates does not */
  examples: () => Promise<number>
}

/** What a document is to say. Throws RangeError when the wishes do not go together, or there is no such noise */
export async function promisedPrivacy ({ privacy, training }: Pick<FederationDocument, 'privacy' | 'training'>, { mechanism, epsilon, rounds, examples }: PrivacyWish): Promise<PrivacySettings> {
  if (mechanism === 'none') {
    if (epsilon !== undefined) {
      throw new RangeError('an epsilon cannot be promised without privacy: choose one of the two')
    }
    return { mechanism }
  }
  const own = privacy.mechanism === 'none' || (mechanism !== undefined && mechanism !== privacy.mechanism) ? { ...DP_SGD_DEFAULTS, mechanism: mechanism ?? 'dp-sgd' } : privacy
  if (epsilon === undefined || rounds === undefined) {
    return { ...own, epsilonLimit: epsilon ?? own.epsilonLimit }
  }
  return plannedPrivacy({ privacy: own, training }, { epsilon, rounds, examples: own.mechanism === 'update-level' ? 1 : await examples() })
}

/** Less noise would spend more than was asked for */
function roundedUp (value: number): number {
  const nearest = Number(value.toPrecision(DIGITS))
  return nearest >= value ? nearest : Number((nearest + 10 ** (Math.floor(Math.log10(value)) + 1 - DIGITS)).toPrecision(DIGITS))
}

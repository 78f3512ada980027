/**
 * From what somebody wants to spend to what a federation document says about it
 */
import { noiseForEpsilon } from './accounting/noise-for-epsilon.ts'
import { roundCharge } from './mechanism.ts'
import type { FederationDocument } from '../federation.ts'
import type { PrivateSettings } from './settings.ts'

/** What a document promises whose founder asks for privacy and says no more */
export const DP_SGD_DEFAULTS: PrivateSettings = { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5, accountant: 'pld' }

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
 * Takes up to some seconds with `pld`. Throws RangeError when a number is outside its bounds, or there is no such noise
 */
export function plannedPrivacy ({ privacy, training }: Pick<FederationDocument, 'training'> & { privacy: PrivateSettings }, { epsilon, rounds, examples }: PrivacyPlan): PrivateSettings {
  const { sampleRate, steps } = roundCharge({ privacy, training }, examples)!
  const { delta, accountant } = privacy
  const noiseMultiplier = roundedUp(noiseForEpsilon({ epsilon, delta, sampleRate, steps: steps * rounds, accountant }))
  return { ...privacy, noiseMultiplier, epsilonLimit: epsilon }
}

/** Less noise would spend more than was asked for */
function roundedUp (value: number): number {
  const nearest = Number(value.toPrecision(DIGITS))
  return nearest >= value ? nearest : Number((nearest + 10 ** (Math.floor(Math.log10(value)) + 1 - DIGITS)).toPrecision(DIGITS))
}

/**
 * What a mechanism leaves of membership inference by all its (epsilon, delta) at once
 *
 * A mechanism keeps one delta at every epsilon, its privacy profile (Balle, Barthe, Gaboardi 2018, "Privacy
 * amplification by subsampling"). Each pair caps every attack, and the lowest of these caps is the mechanism's
 * trade-off function, below which no cap is true (Dong, Roth, Su 2022, "Gaussian differential privacy", section 2.3, on
 * duality). The pair of epsilon 8 alone caps next to nothing; the profile from which it is taken does (Kaissis, Kolek,
 * Balle, Hayes, Rueckert 2024, "Beyond the calibration point: mechanism comparison in differential privacy").
 */
import { advantageCap, truePositiveRateCap } from './privacy-region.ts'
import type { Accountant } from '../privacy/accounting/accountant.ts'
import type { PrivacyClaim } from './privacy-region.ts'

type Pair = Required<PrivacyClaim>

/** Pairs that hold together; none: nothing is claimed */
export type PrivacyProfile = readonly Pair[]

interface Search {
  pairAt: (epsilon: number) => Pair
  largestDrop: number
  /** Halvings left */
  depth: number
}

/**
 * What a pair in the middle of two others may still lower the cap by, absolute and relative to the cap: four times what
 * more pairs would then
 */
const TOLERANCE = 2e-3
const RELATIVE_TOLERANCE = 0.05

/** Share of the delta of epsilon 0: between pairs that differ by more the cap could turn unnoticed */
const LARGEST_DROP = 0.1

/** Pairs below this delta bear only on rates that no audit can measure */
const LEAST_DELTA = 1e-8

/** Halvings of the range of epsilon: never needed but for what rounds to a step */
const DEEPEST = 16

/** Least rate, and points for each decade above it, of the area under the cap */
const LEAST_RATE = 1e-9
const POINTS_OF_A_DECADE = 400

/**
 * The pairs of an accountant that its trade-off function needs, by ascending epsilon: within 0.001 and 2 % of the
 * lowest cap at every rate, and never below it
 *
 * Some 10 to 40 evaluations of delta, which take up to a second with `pld`. Empty when the accountant can prove nothing
 */
export function privacyProfile (accountant: Accountant): PrivacyProfile {
  const pairAt = (epsilon: number): Pair => ({ epsilon, delta: accountant.delta(epsilon) })
  const last = accountant.epsilon(LEAST_DELTA)
  if (last === Infinity) {
    return []
  }
  const first = pairAt(0)
  return last === 0 ? [first] : [first, ...pairsBetween([first, pairAt(last)], { pairAt, largestDrop: LARGEST_DROP * first.delta, depth: DEEPEST })]
}

/**
 * The highest true positive rate at this false positive rate, both in [0, 1]. Throws RangeError for impossible numbers
 */
export function profileRateCap (falsePositiveRate: number, profile: PrivacyProfile): number {
  return profile.reduce((least, claim) => Math.min(least, truePositiveRateCap(falsePositiveRate, claim)), 1)
}

/** The highest TPR - FPR at any threshold, which is delta at epsilon 0. Throws RangeError for impossible numbers */
export function profileAdvantageCap (profile: PrivacyProfile): number {
  return profile.reduce((least, claim) => Math.min(least, advantageCap(claim)), 1)
}

/**
 * The largest area under a ROC curve: that under `profileRateCap`
 *
 * By the middles of intervals, which for a concave curve are never too little. Throws RangeError for impossible numbers
 */
export function profileAreaCap (profile: PrivacyProfile): number {
  const points = -POINTS_OF_A_DECADE * Math.log10(LEAST_RATE)
  let area = 0
  let from = 0
  for (let point = 0; point <= points; point++) {
    const to = LEAST_RATE ** (1 - point / points)
    area += (to - from) * profileRateCap((from + to) / 2, profile)
    from = to
  }
  return Math.min(1, area)
}

/** The pairs after the first of these two, up to the second */
function pairsBetween ([low, high]: [low: Pair, high: Pair], { pairAt, largestDrop, depth }: Search): Pair[] {
  const middle = pairAt((low.epsilon + high.epsilon) / 2)
  const drop = low.delta - high.delta
  // where TPR = e^epsilon FPR + delta of both meet; written so that no power overflows
  const meeting = low.delta + drop / Math.expm1(high.epsilon - low.epsilon)
  const gain = meeting - middle.delta + drop * Math.exp(middle.epsilon - high.epsilon) / Math.expm1(low.epsilon - high.epsilon)
  const isEnough = drop <= largestDrop && gain <= Math.min(TOLERANCE, RELATIVE_TOLERANCE * meeting)
  if (isEnough || depth === 0) {
    return [middle, high]
  }
  const search = { pairAt, largestDrop, depth: depth - 1 }
  return [...pairsBetween([low, middle], search), ...pairsBetween([middle, high], search)]
}

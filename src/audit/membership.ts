/**
 * How well a score tells members, the examples that were trained on, from others
 *
 * A threshold attack calls a member whatever scores at least the threshold. An average, such as AUC, hides the few whom
 * the attack is sure of: what counts is the true positive rate at a low false positive rate (Carlini et al. 2022,
 * "Membership inference attacks from first principles").
 */
import { rateUpperBound } from './binomial.ts'

/** Of the bounds that are reported beside measured rates */
const CONFIDENCE = 0.95

/** The false positive rates that are usually reported */
export const REPORTED_RATES: readonly number[] = [0.001, 0.01]

export interface MembershipScores {
  /** Of examples that were trained on; higher speaks for membership */
  members: ArrayLike<number>
  /** Of examples from the same distribution that were not */
  nonMembers: ArrayLike<number>
}

/** One threshold of the attack */
export interface RocPoint {
  /** The least score that is called a member; Infinity at the first point, which calls nobody */
  threshold: number
  truePositives: number
  falsePositives: number
  truePositiveRate: number
  falsePositiveRate: number
}

/** The best threshold that keeps a false positive rate */
export interface OperatingPoint extends RocPoint {
  /** The false positive rate that was to be kept */
  limit: number
  /**
   * With 95 % confidence the false positive rate of this threshold is not above this one (Clopper–Pearson): with n
   * non-members it cannot be shown to be below 3 / n
   */
  falsePositiveRateBound: number
  /**
   * False when there are fewer than 1 / limit non-members: the rate is that of no false positive at all, not of `limit`
   */
  isResolved: boolean
}

export interface MembershipReport {
  /** Area under the curve: the probability that a member scores above a non-member; 0.5 is a coin */
  auc: number
  /** Largest TPR - FPR over all thresholds */
  advantage: number
  /** At each of REPORTED_RATES */
  operatingPoints: OperatingPoint[]
  points: RocPoint[]
}

/** Throws RangeError when there are no members or no non-members, or a score is NaN */
export function membershipReport (scores: MembershipScores): MembershipReport {
  const points = rocPoints(scores)
  return {
    auc: areaUnderCurve(points),
    advantage: points.reduce((most, { truePositiveRate, falsePositiveRate }) => Math.max(most, truePositiveRate - falsePositiveRate), 0),
    operatingPoints: REPORTED_RATES.map((limit) => operatingPoint(points, limit)),
    points
  }
}

/**
 * The ROC curve, from (0, 0) to (1, 1): one point for each distinct score, so that no point splits examples that the
 * attack cannot tell apart
 *
 * Throws RangeError when there are no members or no non-members, or a score is NaN
 */
export function rocPoints ({ members, nonMembers }: MembershipScores): RocPoint[] {
  const member = descending('member', members)
  const other = descending('non-member', nonMembers)
  const points: RocPoint[] = []
  let truePositives = 0
  let falsePositives = 0
  let threshold = Infinity
  const add = (): void => {
    points.push({ threshold, truePositives, falsePositives, truePositiveRate: truePositives / member.length, falsePositiveRate: falsePositives / other.length })
  }
  add()
  while (truePositives < member.length || falsePositives < other.length) {
    threshold = Math.max(member[truePositives] ?? -Infinity, other[falsePositives] ?? -Infinity)
    truePositives = countFrom(member, threshold, truePositives)
    falsePositives = countFrom(other, threshold, falsePositives)
    add()
  }
  return points
}

/** The points where the curve turns: all that is needed to draw it */
export function rocCorners (points: readonly RocPoint[]): RocPoint[] {
  const isFlat = (a: RocPoint, b: RocPoint, c: RocPoint): boolean =>
    (b.truePositives - a.truePositives) * (c.falsePositives - b.falsePositives) === (b.falsePositives - a.falsePositives) * (c.truePositives - b.truePositives)
  return points.filter((point, at) => at === 0 || at === points.length - 1 || !isFlat(points[at - 1]!, point, points[at + 1]!))
}

/**
 * Area under the points of `rocPoints`; a member and a non-member of the same score count one half, as in Mann and
 * Whitney's U
 */
export function areaUnderCurve (points: readonly RocPoint[]): number {
  let area = 0
  for (let i = 1; i < points.length; i++) {
    const from = points[i - 1]!
    const to = points[i]!
    area += (to.falsePositives - from.falsePositives) * (to.truePositives + from.truePositives)
  }
  const { truePositives, falsePositives } = points.at(-1)!
  return area / 2 / truePositives / falsePositives
}

/**
 * The threshold of most true positives whose false positive rate is at most `limit`, of the points of `rocPoints`
 *
 * The threshold is chosen on the scores it is judged by, as is usual: with few scores the rate flatters the attack.
 * Throws RangeError unless the limit is in [0, 1]
 */
export function operatingPoint (points: readonly RocPoint[], limit: number): OperatingPoint {
  if (!(limit >= 0 && limit <= 1)) {
    throw new RangeError(`the false positive rate must be from 0 to 1, not ${limit}`)
  }
  // both rates grow from point to point
  const best = points.findLast(({ falsePositiveRate }) => falsePositiveRate <= limit)!
  const nonMembers = points.at(-1)!.falsePositives
  return { ...best, limit, falsePositiveRateBound: rateUpperBound(best.falsePositives, nonMembers, CONFIDENCE), isResolved: nonMembers * limit >= 1 }
}

function descending (what: string, scores: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(scores).sort().reverse()
  if (sorted.length === 0) {
    throw new RangeError(`there is no ${what} to tell from the others`)
  }
  if (sorted.some(Number.isNaN)) {
    throw new RangeError(`the score of a ${what} is not a number`)
  }
  return sorted
}

/** How many of the descending scores are at least `threshold`, given that the first `known` are */
function countFrom (scores: Float64Array, threshold: number, known: number): number {
  let count = known
  while (count < scores.length && scores[count]! >= threshold) {
    count++
  }
  return count
}

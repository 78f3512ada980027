/**
 * What (epsilon, delta)-differential privacy leaves of membership inference, whatever the attack
 *
 * Any test of whether an example took part has TPR <= e^epsilon FPR + delta and 1 - FPR <= e^epsilon (1 - TPR) + delta
 * (Wasserman, Zhou 2010, "A statistical framework for differential privacy"; Kairouz, Oh, Viswanath 2015, "The
 * composition theorem for differential privacy", section 2).
 */

export interface PrivacyClaim {
  /** Nats, at least 0; Infinity claims nothing */
  epsilon: number
  /** @default 0 */
  delta?: number
}

/**
 * The highest true positive rate at this false positive rate, both in [0, 1]. Throws RangeError for impossible numbers
 */
export function truePositiveRateCap (falsePositiveRate: number, claim: PrivacyClaim): number {
  const { epsilon, delta } = checkedClaim(claim)
  if (!(falsePositiveRate >= 0 && falsePositiveRate <= 1)) {
    throw new RangeError(`falsePositiveRate must be from 0 to 1, not ${falsePositiveRate}`)
  }
  if (epsilon === Infinity) {
    return 1
  }
  // e^epsilon may overflow, and must not meet a rate of zero then
  const few = falsePositiveRate === 0 ? delta : Math.exp(epsilon) * falsePositiveRate + delta
  const many = 1 - Math.exp(-epsilon) * (1 - falsePositiveRate - delta)
  return Math.min(1, few, many)
}

/**
 * The highest TPR - FPR at any threshold: (e^epsilon - 1 + 2 delta) / (e^epsilon + 1). Throws RangeError for impossible
 * numbers
 */
export function advantageCap (claim: PrivacyClaim): number {
  const { epsilon, delta } = checkedClaim(claim)
  return Math.tanh(epsilon / 2) + 2 * delta / (Math.exp(epsilon) + 1)
}

/**
 * The largest area under a ROC curve: that under `truePositiveRateCap`, which is made of three straight lines
 *
 * Throws RangeError for impossible numbers
 */
export function areaCap (claim: PrivacyClaim): number {
  const { epsilon, delta } = checkedClaim(claim)
  // where the first two lines cross, TPR = 1 - FPR
  const turn = (1 - delta) / (1 + Math.exp(epsilon))
  return turn * (delta + 1 - turn) / 2 + (1 - delta - turn) * (2 - turn) / 2 + delta
}

/** The claim with its delta. Throws RangeError, saying which number is wrong */
export function checkedClaim ({ epsilon, delta = 0 }: PrivacyClaim): Required<PrivacyClaim> {
  if (!(epsilon >= 0)) {
    throw new RangeError(`epsilon must be at least 0, not ${epsilon}`)
  }
  if (!(delta >= 0 && delta <= 1)) {
    throw new RangeError(`delta must be from 0 to 1, not ${delta}`)
  }
  return { epsilon, delta }
}

/**
 * Scores for membership inference from what a model says about single examples: higher speaks for a member
 */
import type { LogitsBatch, LossName } from '../model/loss.ts'

/** With fewer non-members of a class, the spread of all non-members is a better guess than their own */
const FEWEST_OF_A_CLASS = 20

export interface LabelledScores {
  scores: ArrayLike<number>
  /** Class of each, 0 .. classes - 1 */
  labels: ArrayLike<number>
}

/** Of the scores of examples that were not trained on */
export interface OutDistribution {
  mean: number
  standardDeviation: number
}

/**
 * The attack by one threshold on the loss of all examples: Yeom, Giacomelli, Fredrikson, Jha 2018, "Privacy risk in
 * machine learning"
 */
export function lossScores (losses: ArrayLike<number>): Float64Array {
  return Float64Array.from(losses, (loss) => -loss)
}

/**
 * phi = ln(p / (1 - p)), p the probability that the model gives to the label: the logit scaling of Carlini et al. 2022,
 * "Membership inference attacks from first principles". It is close to normally distributed, unlike p and the loss
 *
 * Straight from the logits, so that it is exact where p rounds to 0 or 1. For `binaryCrossentropy` p is the product
 * over the outputs
 */
export function confidenceScores (loss: LossName, { logits, labels, count, outputs }: LogitsBatch): Float64Array {
  return Float64Array.from({ length: count }, (_, example) => {
    const row = logits.subarray(example * outputs, (example + 1) * outputs)
    return -(loss === 'categoricalCrossentropy' ? softmaxLogOdds(row, labels[example]!) : sigmoidLogOdds(row, labels[example]!))
  })
}

/**
 * Mean and standard deviation of the scores of each class, of `classes`
 *
 * Takes those of all classes where a class has too few. Throws RangeError when there are fewer than two scores, or one
 * is not finite
 */
export function fitOutDistributions ({ scores, labels }: LabelledScores, classes: number): OutDistribution[] {
  const all = Array.from(scores)
  const wrong = all.find((score) => !Number.isFinite(score))
  if (all.length < 2 || wrong !== undefined) {
    throw new RangeError(wrong === undefined ? `${all.length} scores have no spread` : `a score of ${wrong} has no place in a normal distribution`)
  }
  const pooled = fit(all)
  return Array.from({ length: classes }, (_, label) => {
    const own = all.filter((_, example) => labels[example] === label)
    return own.length < FEWEST_OF_A_CLASS ? pooled : fit(own)
  })
}

/**
 * How far each phi lies above those of non-members of its class, in their standard deviations
 *
 * After the offline likelihood-ratio attack (LiRA) of Carlini et al. 2022, whose score is P[out <= phi] for the normal
 * distribution that shadow models without the example give its phi; this is a monotone function of it that does not
 * saturate at 1. Simplified in one point: no shadow models are trained, and the distribution is that of other examples
 * of the class under the model in hand, as in the population attack of Ye et al. 2022 ("Enhanced membership inference
 * attacks against machine learning models"), not that of the example itself under other models. So a hard example is
 * not told from a non-member, and the attack is weaker than the real one: a live gauge, not a bound. The examples of
 * the fit must not be scored themselves, neither as members nor as non-members
 */
export function likelihoodRatioScores ({ scores, labels }: LabelledScores, out: readonly OutDistribution[]): Float64Array {
  return Float64Array.from(scores, (score, example) => {
    const { mean, standardDeviation } = out[labels[example]!]!
    return (score - mean) / standardDeviation
  })
}

/** ln((1 - p) / p) of a softmax: only the other logits take part, so that nothing cancels */
function softmaxLogOdds (row: Float32Array, label: number): number {
  let logOdds = -Infinity
  for (let output = 0; output < row.length; output++) {
    logOdds = output === label ? logOdds : logAdd(logOdds, row[output]! - row[label]!)
  }
  return logOdds
}

/**
 * ln((1 - p) / p), 1 / p = the product of 1 + e^-z, z the logit of the right answer: ln(product - 1), one factor at a
 * time
 */
function sigmoidLogOdds (row: Float32Array, label: number): number {
  let logOdds = -Infinity
  for (let output = 0; output < row.length; output++) {
    const isTarget = label === (row.length === 1 ? 1 : output)
    const wrong = isTarget ? -row[output]! : row[output]!
    logOdds = logAdd(logAdd(logOdds, wrong), logOdds + wrong)
  }
  return logOdds
}

/** ln(e^a + e^b) */
function logAdd (a: number, b: number): number {
  const larger = Math.max(a, b)
  return larger === -Infinity ? larger : larger + Math.log1p(Math.exp(Math.min(a, b) - larger))
}

/** Unbiased variance. Equal scores have a deviation of 1: any unit serves where there is no spread */
function fit (scores: readonly number[]): OutDistribution {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / (scores.length - 1)
  return { mean, standardDeviation: Math.sqrt(variance) || 1 }
}

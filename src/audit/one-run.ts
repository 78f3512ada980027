/**
 * A lower bound of epsilon from one training run with canaries: Steinke, Nasr, Jagielski 2023, "Privacy auditing with
 * one (1) training run"
 *
 * Each of m canaries is put into the training data, or left out, by the toss of a coin. Whoever sees the output guesses
 * r of the coins. Were training (epsilon, delta)-differentially private for one example added or removed, then the
 * guesses could not be right more often than independent coins that land right with probability e^epsilon /
 * (1 + e^epsilon), up to a term in delta (theorem 5.2). More right guesses than that refute the epsilon.
 *
 * The bound is loose by construction: it does not say what the epsilon is, only what it is not.
 */
import { logBinomialMasses } from './binomial.ts'
import { largestWhere } from './largest-where.ts'
import { checkedClaim } from './privacy-region.ts'
import type { PrivacyClaim } from './privacy-region.ts'

const DEFAULT_CONFIDENCE = 0.95

/** Below it the p-value need not grow with epsilon where it crosses 1 - confidence */
const LEAST_CONFIDENCE = 0.75

export interface OneRunResult {
  /** m: coins that were tossed, those that nobody guessed included */
  canaries: number
  /** r: coins that were guessed */
  guesses: number
  /** v: guesses that were right */
  correct: number
}

export interface LowerBoundOptions {
  /** At which the bound on epsilon is asked for. @default 0 */
  delta?: number
  /** Probability that the bound holds, at least 0.75. @default 0.95 */
  confidence?: number
}

/**
 * How many coins to guess. To be fixed before the scores are seen: choosing the best of several voids the confidence
 */
export interface GuessPlan {
  /** k+: the canaries with the highest scores, which are guessed to be in */
  guessedIn: number
  /** k-: the canaries with the lowest scores, which are guessed to be out */
  guessedOut: number
}

export interface OneRunAudit extends OneRunResult {
  /** Nats: with the confidence asked for, training is not (epsilon, delta)-private for any smaller epsilon */
  lowerBound: number
}

/**
 * The largest probability, under the claim, of at least as many right guesses: theorem 5.2
 *
 * f(v) + 2 m delta max_i (f(v - i) - f(v)) / i, where f(v) = P[Binomial(r, e^epsilon / (1 + e^epsilon)) >= v]. Throws
 * RangeError for impossible numbers
 */
export function oneRunPValue (result: OneRunResult, claim: PrivacyClaim): number {
  requireResult(result)
  return pValue(result, checkedClaim(claim))
}

/**
 * Nats: the least epsilon that the result does not refute, 0 when it refutes none; from below, to 1e-12
 *
 * Throws RangeError for impossible numbers
 */
export function oneRunLowerBound (result: OneRunResult, { delta = 0, confidence = DEFAULT_CONFIDENCE }: LowerBoundOptions = {}): number {
  requireResult(result)
  checkedClaim({ epsilon: 0, delta })
  if (!(confidence >= LEAST_CONFIDENCE && confidence < 1)) {
    throw new RangeError(`confidence must be at least ${LEAST_CONFIDENCE} and below 1, not ${confidence}`)
  }
  const limit = 1 - confidence
  // Where the p-value is below 1/4, v - i lies above the median for every i that could count, and the p-value grows
  // with epsilon: it crosses the limit once
  const isRefuted = (epsilon: number): boolean => pValue(result, { epsilon, delta }) < limit
  return isRefuted(0) ? largestWhere(isRefuted, 0, 1) : 0
}

/**
 * Guesses by score, one for each canary: 1 in, -1 out, 0 abstained
 *
 * A higher score speaks for in. Equal scores are told apart by index, which knows nothing of the coins. Throws
 * RangeError when a score is NaN, or more is to be guessed than there are canaries
 */
export function guessCanaries (scores: ArrayLike<number>, { guessedIn, guessedOut }: GuessPlan): Int8Array {
  for (const [name, count] of Object.entries({ guessedIn, guessedOut })) {
    requireCount(name, count, scores.length)
  }
  requireCount('guessedIn + guessedOut', guessedIn + guessedOut, scores.length)
  const order = Array.from(scores, (score, canary) => {
    if (Number.isNaN(score)) {
      throw new RangeError(`the score of canary ${canary} is not a number`)
    }
    return canary
  })
  // A difference of two infinite scores would be NaN
  order.sort((a, b) => scores[a]! < scores[b]! ? 1 : scores[a]! > scores[b]! ? -1 : a - b)
  const guesses = new Int8Array(scores.length)
  for (const [rank, canary] of order.entries()) {
    guesses[canary] = rank < guessedIn ? 1 : rank >= order.length - guessedOut ? -1 : 0
  }
  return guesses
}

/**
 * Guesses the coins from the scores and says which epsilon that refutes
 *
 * `included` holds 1 for each canary that was in the data and 0 for each that was not. Throws RangeError as its parts
 * do, and when there is not one score for each coin
 */
export function auditOneRun (scores: ArrayLike<number>, included: Uint8Array, { guessedIn, guessedOut, ...options }: GuessPlan & LowerBoundOptions): OneRunAudit {
  if (scores.length !== included.length) {
    throw new RangeError(`there are ${scores.length} scores for ${included.length} canaries`)
  }
  const guesses = guessCanaries(scores, { guessedIn, guessedOut })
  const correct = guesses.reduce((sum, guess, canary) => sum + (guess === (included[canary] === 1 ? 1 : -1) ? 1 : 0), 0)
  const result = { canaries: included.length, guesses: guessedIn + guessedOut, correct }
  return { ...result, lowerBound: oneRunLowerBound(result, options) }
}

function pValue ({ canaries, guesses, correct }: OneRunResult, { epsilon, delta }: Required<PrivacyClaim>): number {
  if (epsilon === Infinity) {
    return 1
  }
  const masses = logBinomialMasses(guesses, epsilon).map(Math.exp)
  const tail = masses.subarray(correct).reduce((sum, mass) => sum + mass, 0)
  if (delta === 0) {
    return Math.min(1, tail)
  }
  let between = 0
  let steepest = 0
  for (let i = 1; i <= correct; i++) {
    between += masses[correct - i]!
    steepest = Math.max(steepest, between / i)
  }
  return Math.min(1, tail + 2 * canaries * delta * steepest)
}

function requireResult ({ canaries, guesses, correct }: OneRunResult): void {
  requireCount('canaries', canaries, Number.MAX_SAFE_INTEGER)
  requireCount('guesses', guesses, canaries)
  requireCount('correct', correct, guesses)
}

function requireCount (name: string, count: number, most: number): void {
  if (!(Number.isInteger(count) && count >= 0 && count <= most)) {
    throw new RangeError(`${name} must be a whole number from 0 to ${most}, not ${count}`)
  }
}

/**
 * How far one example can change a clipped sum as it is computed, in clip norms: a little more than one, and proven
 *
 * Write c_e = w_e g_e for what example e contributes to the exact sum: g_e is its gradient as floats, a function of e
 * and the parameters alone; w_e is its clip factor. With C the clip norm, d the parameters, N the examples, u = 2^-53,
 * gamma(k) = k u / (1 - k u):
 *
 * 1. Norm and factor are computed in doubles. A sum of k products of floats has a relative error of at most gamma(k) of
 *    the sum of their lengths (Higham 2002, lemma 3.1). Squares do not cancel, k <= d; in the products of pairs
 *    (model/pair-square.ts) the lengths are at most 256 times the square. So ||c_e|| <= C (1 + eta), eta = 512 (d +
 *    256) u, which has room for root and division.
 * 2. The sum is computed in doubles. A term of it passes at most k = (P + 3)(N + 1) roundings on its way, in any order:
 *    those of its two products, P rows for each example, and the sums of the parts of a batch. So the error is at most
 *    gamma(k) times the sum of the lengths of all terms: gamma(k) S N C (1 + eta), where an example's terms are at most
 *    S times as long as their sum c_e. P = S = 1 where an example gives one term, which is everywhere but in the
 *    products of pairs.
 * 3. For two neighbouring sets the exact sums differ by one c_e, and each computed sum from its own by 2.:
 *    sensitivity <= C (1 + eta) (1 + 2 gamma(k) S N).
 *
 * The products of layers of one position may be added as floats, in blocks of examples (model/outer-products.ts). With
 * v = 2^-24 and gamma_v in the place of u and gamma:
 *
 * 4. c_e is x (w d)^T, and w d is rounded to floats before all else, by itself: a coordinate gets longer by at most 1 +
 *    v, never by an underflow, which makes it zero. So ||c_e|| <= C (1 + eta)(1 + v), still a function of e alone.
 * 5. In a block of m examples, each coordinate is a sum of m products, with at most m roundings for each. Its error is
 *    at most gamma_v(m) times the sum of their absolute values. That is so for each coordinate, hence in L2 over all of
 *    them and all blocks, with n examples in the sample: gamma_v(m) n C (1 + eta)(1 + v).
 * 6. m is chosen by n and C alone, such that 2 gamma_v(m) n <= FLOAT_SLACK; where blocks would be too short for that,
 *    all is in doubles. Two neighbours may have other n, m and borders of blocks, or one of them none: each sum differs
 *    from its own exact one by half of FLOAT_SLACK at most, with any n. The block sums are added in doubles as in 2.,
 *    by then longer by less than 1 + FLOAT_SLACK: sensitivity <= C (1 + eta)(1 + v)(1 + FLOAT_SLACK)(1 + 2 gamma(k) S
 *    N).
 * 7. A product below 2^-126 may be wrong by 2^-150, sums there are exact. FLOAT_SLACK keeps n below 2^13, so that this
 *    is less than 2^14 sqrt(d) 2^-150 in two neighbours, and C is at least 1 / LARGEST_FLOAT_CLIP_NORM = 2^-64: less
 *    than 2^-72 sqrt(d) C, for which 2 v stands in the place of v. Nothing overflows: all products and partial sums are
 *    below 2 n C < 2^78.
 *
 * That g_e does not depend on who else is in the batch holds for the backends wasm and cpu, whose products treat each
 * row alike (test/model/clipped-sum.test.ts compares bits); the native one rounds the last rows of a batch differently.
 */

/** Unit roundoff of a double */
const ROUNDOFF = 2 ** -53
/** Unit roundoff of a float */
const FLOAT_ROUNDOFF = 2 ** -24

/** Shorter blocks are no faster than doubles */
const SHORTEST_BLOCK = 8

/** What sums of floats may add to the sensitivity, in clip norms: one block of 89 examples, nine of 29 */
export const FLOAT_SLACK = 0.00096
/**
 * Sums of floats are for clip norms from its inverse to it: no product of them can overflow, and what underflows is
 * nothing
 */
const LARGEST_FLOAT_CLIP_NORM = 2 ** 64

/** What the sum of a model's gradients is made of */
export interface SumRounding {
  /** P: terms that an example adds to an element of the sum, at most */
  positions: number
  /** S: how much longer than their sum these terms are together, at most */
  spread: number
  /** Whether blocks of examples may be summed as floats */
  floatBlocks: boolean
}

/** One term for each example, in doubles */
const ONE_TERM: SumRounding = { positions: 1, spread: 1, floatBlocks: false }

function gamma (roundings: number): number {
  const error = roundings * ROUNDOFF
  return error < 1 ? error / (1 - error) : Infinity
}

/**
 * The sensitivity of a clipped sum of `parameterCount` elements over at most `examples` examples, divided by the clip
 * norm
 */
export function sensitivityFactor ({ examples, parameterCount }: { examples: number, parameterCount: number }, { positions, spread, floatBlocks }: SumRounding = ONE_TERM): number {
  const one = 1 + 512 * (parameterCount + 256) * ROUNDOFF
  const floats = floatBlocks ? (1 + 2 * FLOAT_ROUNDOFF) * (1 + FLOAT_SLACK) : 1
  return one * floats * (1 + 2 * gamma((positions + 3) * (examples + 1)) * spread * examples)
}

/**
 * The largest m such that 2 gamma_v(m) n <= FLOAT_SLACK, for a clipped sum over n = `sampleSize` examples; 0 where all
 * must be in doubles: for large samples, whose blocks would be too short, and for clip norms out of the range of floats
 */
export function floatBlockLength (sampleSize: number, clipNorm: number): number {
  const share = FLOAT_SLACK / (2 * sampleSize)
  const longest = Math.min(sampleSize, Math.floor(share / (1 + share) / FLOAT_ROUNDOFF))
  const fits = clipNorm >= 1 / LARGEST_FLOAT_CLIP_NORM && clipNorm <= LARGEST_FLOAT_CLIP_NORM && longest >= Math.min(SHORTEST_BLOCK, sampleSize)
  return fits ? longest : 0
}

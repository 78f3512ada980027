/**
 * How far one example can change a clipped sum as it is computed, in clip norms: a little more than one, and proven
 *
 * Write c_e = w_e g_e for what example e contributes to the exact sum: g_e is its gradient as floats, a function of e and the parameters
 * alone; w_e is its clip factor. With C the clip norm, d the parameters, N the examples, u = 2^-53, gamma(k) = k u / (1 - k u):
 *
 * 1. Norm and factor are computed in doubles. A sum of k products of floats has a relative error of at most gamma(k) of the sum of
 *    their lengths (Higham 2002, lemma 3.1). Squares do not cancel, k <= d; in the products of pairs (model/pair-square.ts) the lengths
 *    are at most 256 times the square. So ||c_e|| <= C (1 + eta), eta = 512 (d + 256) u, which has room for root and division.
 * 2. The sum is computed in doubles. A term of it passes at most k = (P + 3)(N + 1) roundings on its way, in any order: those of its two
 *    products, P rows for each example, and the sums of the parts of a batch. So the error is at most gamma(k) times the sum of the lengths of
 *    all terms: gamma(k) S N C (1 + eta), where an example's terms are at most S times as long as their sum c_e. P = S = 1 where an
 *    example gives one term, which is everywhere but in the products of pairs.
 * 3. For two neighbouring sets the exact sums differ by one c_e, and each computed sum from its own by 2.:
 *    sensitivity <= C (1 + eta) (1 + 2 gamma(k) S N).
 *
 * That g_e does not depend on who else is in the batch holds for the backends wasm and cpu, whose products treat each row alike
 * (test/model/clipped-sum.test.ts compares bits); the native one rounds the last rows of a batch differently.
 */

/** Unit roundoff of a double */
const ROUNDOFF = 2 ** -53

/** What the sum of a model's gradients is made of */
export interface SumRounding {
  /** P: terms that an example adds to an element of the sum, at most */
  positions: number
  /** S: how much longer than their sum these terms are together, at most */
  spread: number
}

/** One term for each example */
export const ONE_TERM: SumRounding = { positions: 1, spread: 1 }

function gamma (roundings: number): number {
  const error = roundings * ROUNDOFF
  return error < 1 ? error / (1 - error) : Infinity
}

/** The sensitivity of a clipped sum of `parameterCount` elements over at most `examples` examples, divided by the clip norm */
export function sensitivityFactor ({ examples, parameterCount }: { examples: number, parameterCount: number }, { positions, spread }: SumRounding = ONE_TERM): number {
  const one = 1 + 512 * (parameterCount + 256) * ROUNDOFF
  return one * (1 + 2 * gamma((positions + 3) * (examples + 1)) * spread * examples)
}

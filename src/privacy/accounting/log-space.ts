/**
 * Sums of numbers that are kept as logarithms, since they overflow float64
 */

/** ln(e^a + e^b); either may be -Infinity */
export function logAdd (a: number, b: number): number {
  const larger = Math.max(a, b)
  const smaller = Math.min(a, b)
  return smaller === -Infinity || larger === Infinity ? larger : larger + Math.log1p(Math.exp(smaller - larger))
}

/** ln(e^a - 1), a > 0 */
export function logExpm1 (a: number): number {
  return a > 40 ? a : Math.log(Math.expm1(a))
}

/** ln(1 + e^a) */
export function log1pExp (a: number): number {
  return a > 40 ? a : Math.log1p(Math.exp(a))
}

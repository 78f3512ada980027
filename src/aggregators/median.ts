/**
 * The median of a few numbers
 */

/** Mean of the two in the middle when their count is even; NaN of no numbers */
export function median (numbers: ArrayLike<number>): number {
  const sorted = Float64Array.from(numbers).sort()
  const upper = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2
}

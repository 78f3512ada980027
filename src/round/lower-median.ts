/**
 * The lower median: with k reports it takes more than half of them to raise it
 *
 * 0 for an empty list
 */
export function lowerMedian (values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

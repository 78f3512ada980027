/**
 * How far a node is among its neighbours, by the rounds that they published
 *
 * Nobody's number is believed alone. Who is ahead of the lower median waits a little, who is behind what half of its
 * neighbours reached, and at least as many as the rule needs, jumps: so the numbers meet again after an outage.
 */
import { LEAST_QUORUM } from '../number-limits.ts'

/**
 * The lower median: with k reports it takes more than half of them to raise it
 *
 * 0 for an empty list
 */
export function lowerMedian (values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

/**
 * The round that at least half of the neighbours published, and at least `needed` and two of them, or all where they
 * are fewer
 *
 * @param rounds - Of all neighbours; 0 for those of whom nothing is known
 * @param needed - Updates that the rule needs: with f liars among the neighbours, more than f
 */
export function supportedRound (rounds: readonly number[], needed: number): number {
  const quorum = Math.max(LEAST_QUORUM, needed)
  const place = Math.max(1, Math.min(quorum, rounds.length), Math.ceil(rounds.length / 2))
  return [...rounds].sort((a, b) => b - a)[place - 1] ?? 0
}

/** Rounds that the own number is ahead of the lower median of the others', itself counted; negative when behind */
export function lead (own: number, others: readonly number[]): number {
  return own - lowerMedian([...others, own])
}

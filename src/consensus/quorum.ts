/**
 * How many voters make a decision, so that any two decisions share an honest voter
 *
 * "2F + 1" is right for n = 3F + 1 alone: with n = 5, 6, 8, 9, 11 or 12 two such quorums can meet in liars only.
 */

/** Liars among n voters that agreement survives: the largest F with n >= 3F + 1 */
export function toleratedLiars (voters: number): number {
  return Math.floor((voters - 1) / 3)
}

/** Voters that make a decision: any two quorums share more than F of the n. floor((n + F) / 2) + 1 */
export function quorum (voters: number): number {
  return Math.floor((voters + toleratedLiars(voters)) / 2) + 1
}

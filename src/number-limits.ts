/**
 * How far round numbers may go, and on whose word
 *
 * Rounds of one author only grow, so a number that is too high cannot be taken back: a peer that signed it is heard no
 * more by whoever counts less. The protocol ends at 2^31 - 1 (network/signed/update-header.ts); at a round a second,
 * 2^29 are 17 years.
 */
import { RoundLimitError } from './errors.ts'

/** No peer signs a later round: far below what others call malformed */
export const MAX_OWN_ROUND = 0x3fffffff
/** Nobody's word takes a peer further: what is left is for rounds of its own */
export const MAX_ADOPTED_ROUND = 0x1fffffff
/**
 * A single author takes a peer this many rounds ahead, in one run and all its words together. Less than the 10,000 that
 * others accept of somebody who is ahead of them (network/signed/author-log.ts), so that who believed a liar is still
 * heard by the honest
 */
export const MAX_LONE_RAISE = 5_000
/** Fewest authors whose word takes a peer further: one more than may be alone with it */
export const LEAST_QUORUM = 2

/**
 * Rounds ahead of the own one whose messages of steps are taken: neighbours are a round or two apart, and wait for
 * others
 */
export const STEP_ROUNDS_AHEAD = 2

/** Throws RoundLimitError for a round that no other peer would take */
export function requireOwnRound (round: number): number {
  if (round > MAX_OWN_ROUND) {
    throw new RoundLimitError(`this peer is in round ${round}, and no peer takes updates of rounds above ${MAX_OWN_ROUND}: its numbers are beyond repair`)
  }
  return round
}

/**
 * The kinds of updates, as headers number them (network/wire/update.proto)
 */

/** The payload alone gives the replica */
export const KEYFRAME = 1

/** Stands on the replica of the update before it in its stream */
export const DELTA = 2

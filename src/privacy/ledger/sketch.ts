/**
 * How much of a training set is in another one, estimated from 16 KB of each
 *
 * A sketch holds the smallest of the examples' keyed hashes (bottom-k, Broder 1997). Below the smaller of two sketches'
 * largest hashes both are complete samples of their sets, by the same rule; what they share there estimates what the
 * sets share. Keyed with a secret of the user, a sketch tells nobody else whether an example is in the set.
 */
import { hash } from 'node:crypto'
import { DIGEST_BYTES } from './fingerprint.ts'

/** With n comparable hashes a share of 0.5 is known to 0.5 / sqrt(n): to 0.016 for sets of equal size, 0.16 if one is 100 times the other */
export const SKETCH_HASHES = 1024
/** No two examples of 10^9 share the first 16 bytes */
export const HASH_BYTES = 16
export const SECRET_BYTES = 32

export interface Sketch {
  /** Up to SKETCH_HASHES hashes of HASH_BYTES bytes, ascending, each once */
  hashes: Uint8Array
  /** The hashes are those of all examples */
  complete: boolean
}

/** One more than the sketch holds: with it, the examples are more than the sketch tells of */
const KEPT = SKETCH_HASHES + 1

/** The smallest, each once */
function smallest (hashes: Buffer[]): Buffer[] {
  return hashes.sort((a, b) => a.compare(b)).filter((each, i) => i === 0 || !each.equals(hashes[i - 1]!)).slice(0, KEPT)
}

/**
 * The sketch of the training set with these `exampleDigests`
 *
 * Examples that occur twice count once. Throws RangeError when the secret has not SECRET_BYTES bytes
 */
export function sketchOf (digests: Uint8Array, secret: Uint8Array): Sketch {
  if (secret.length !== SECRET_BYTES) {
    throw new RangeError(`the secret must have ${SECRET_BYTES} bytes, not ${secret.length}`)
  }
  // both parts have a fixed length: a plain hash of secret and digest is as good a keyed hash as HMAC, in half the time
  const message = Buffer.alloc(SECRET_BYTES + DIGEST_BYTES)
  message.set(secret)
  let kept: Buffer[] = []
  let limit: Buffer | undefined
  for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
    message.set(digests.subarray(at, at + DIGEST_BYTES), SECRET_BYTES)
    const keyed = hash('sha256', message, 'buffer').subarray(0, HASH_BYTES)
    if (limit === undefined || keyed.compare(limit) < 0) {
      kept.push(keyed)
    }
    if (kept.length === 2 * KEPT) {
      kept = smallest(kept)
      limit = kept[KEPT - 1]
    }
  }
  const all = smallest(kept)
  return { hashes: new Uint8Array(Buffer.concat(all.slice(0, SKETCH_HASHES))), complete: all.length < KEPT }
}

function hashesOf ({ hashes }: Sketch): string[] {
  return Array.from({ length: hashes.length / HASH_BYTES }, (_, i) => Buffer.from(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)).toString('hex'))
}

/** Up to where both sketches name every example of their sets; undefined: everywhere */
function commonLimit (sketches: Sketch[]): string | undefined {
  return sketches.filter(({ complete }) => !complete).map((sketch) => hashesOf(sketch).at(-1) ?? '').sort()[0]
}

/**
 * Estimated share, 0 to 1, of the smaller set's distinct examples that are in the other one too
 *
 * Of the smaller set: a spent set is recognised in part of itself, and in a larger one that was made by adding to it.
 * Sets without a common example have exactly 0. Sketches with different secrets cannot be compared: they have 0 as well
 */
export function overlap (a: Sketch, b: Sketch): number {
  const limit = commonLimit([a, b])
  const [ofA, ofB] = [a, b].map((sketch) => hashesOf(sketch).filter((each) => limit === undefined || each <= limit)) as [string[], string[]]
  const known = new Set(ofB)
  const common = ofA.filter((each) => known.has(each)).length
  return common === 0 ? 0 : common / Math.min(ofA.length, ofB.length)
}

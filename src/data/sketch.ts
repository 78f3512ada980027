/**
 * How much of a training set is in another one, estimated from 96 KiB of each
 *
 * A sketch holds the smallest of the examples' keyed hashes (bottom-k, Broder 1997). Below the smaller of two sketches'
 * largest hashes both are complete samples of their sets, by the same rule; what they share there estimates what the
 * sets share. Keyed with a secret of the user, a sketch tells nobody else whether an example is in the set.
 */
import { hash } from 'node:crypto'
import { DIGEST_BYTES } from './fingerprint.ts'
import type { Sketch } from '../interface.ts'

/**
 * With n comparable hashes a share s is known to sqrt(s (1 - s) / n), n being SKETCH_HASHES for two large sets of one
 * size, a tenth of it where one set is ten times the other: a share of 0.02 to 0.001 and 0.0035
 */
export const SKETCH_HASHES = 16_384
/** Of two sets of 10^9 different examples, less than one hash in the sketches is expected to agree by chance */
export const HASH_BYTES = 6
export const SECRET_BYTES = 32

/** One more than the sketch holds: with it, the examples are more than the sketch tells of */
const KEPT = SKETCH_HASHES + 1

/** The smallest, each once, ascending: a view that is sorted in place */
function smallest (hashes: Float64Array): Float64Array {
  hashes.sort()
  let count = 0
  for (const each of hashes) {
    if (count === 0 || each !== hashes[count - 1]) {
      hashes[count++] = each
    }
  }
  return hashes.subarray(0, Math.min(count, KEPT))
}

/** As many hashes as fit twice into what is kept; sorted down to the smallest whenever they are full */
class Smallest {
  private readonly hashes = new Float64Array(2 * KEPT)
  private count = 0
  private limit = Infinity

  add (each: number): void {
    if (each >= this.limit) {
      return
    }
    this.hashes[this.count++] = each
    if (this.count === this.hashes.length) {
      const kept = this.sorted()
      this.count = kept.length
      this.limit = kept[KEPT - 1] ?? Infinity
    }
  }

  sorted (): Float64Array {
    return smallest(this.hashes.subarray(0, this.count))
  }
}

function written (hashes: Float64Array): Uint8Array {
  const bytes = Buffer.alloc(hashes.length * HASH_BYTES)
  hashes.forEach((each, i) => bytes.writeUIntBE(each, i * HASH_BYTES, HASH_BYTES))
  return new Uint8Array(bytes)
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
  const kept = new Smallest()
  for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
    message.set(digests.subarray(at, at + DIGEST_BYTES), SECRET_BYTES)
    kept.add(hash('sha256', message, 'buffer').readUIntBE(0, HASH_BYTES))
  }
  const all = kept.sorted()
  return { hashes: written(all.subarray(0, SKETCH_HASHES)), complete: all.length < KEPT }
}

/** A plain loop: a start reads the sketches of all ledgers */
function hashesOf ({ hashes }: Sketch): Float64Array {
  const view = new DataView(hashes.buffer, hashes.byteOffset, hashes.byteLength)
  const numbers = new Float64Array(hashes.length / HASH_BYTES)
  for (let i = 0, at = 0; i < numbers.length; i++, at += HASH_BYTES) {
    numbers[i] = view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
  }
  return numbers
}

/** Numbers that are in both; both ascending, each once */
function inBoth (a: Float64Array, b: Float64Array): number {
  let common = 0
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const difference = a[i]! - b[j]!
    common += difference === 0 ? 1 : 0
    i += difference <= 0 ? 1 : 0
    j += difference >= 0 ? 1 : 0
  }
  return common
}

/** How many are at most `limit`; ascending */
function upTo (hashes: Float64Array, limit: number): number {
  const beyond = hashes.findIndex((each) => each > limit)
  return beyond === -1 ? hashes.length : beyond
}

/**
 * Estimated share, 0 to 1, of the smaller set's distinct examples that are in the other one too
 *
 * Of the smaller set: a spent set is recognised in part of itself, and in a larger one that was made by adding to it.
 * Sets without a common example have exactly 0. Sketches with different secrets cannot be compared: they have 0 as well
 */
export function overlap (a: Sketch, b: Sketch): number {
  const [ofA, ofB] = [hashesOf(a), hashesOf(b)]
  // up to there both sketches name every example of their sets
  const limit = Math.min(a.complete ? Infinity : ofA.at(-1) ?? 0, b.complete ? Infinity : ofB.at(-1) ?? 0)
  const [fromA, fromB] = [ofA.subarray(0, upTo(ofA, limit)), ofB.subarray(0, upTo(ofB, limit))]
  const common = inBoth(fromA, fromB)
  return common === 0 ? 0 : common / Math.min(fromA.length, fromB.length)
}

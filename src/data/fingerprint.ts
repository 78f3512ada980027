/**
 * Which training set is it? A sha-256 over all examples that does not depend on their order
 *
 * Every example is hashed, the digests are sorted, their concatenation is hashed. A shuffled copy, from any file or
 * folder, has the same fingerprint; an example that occurs twice counts twice.
 *
 * An image is hashed as it lies in the file, with the number of its label; a row of a table as its file says it, cells
 * and names of columns (record-digest.ts). Until version 0.1 rows were hashed as training sees them, with another
 * fingerprint for every standardisation and numbering of labels: `rowsOfExamples` still says so, for the ledgers of
 * that time (dataset-identity.ts).
 *
 * What it cannot see: one example more, less, or changed in its last bit gives another fingerprint. Such a set is met
 * with a ledger of its own; by sketch.ts it is known for what it is, and inherited.ts counts what was spent before.
 *
 * The fingerprint has no secret in it: who can guess the whole set can confirm the guess.
 */
import { createHash, hash } from 'node:crypto'
import { endianness } from 'node:os'
import type { Examples } from './examples.ts'

/** Bytes of one example's digest */
export const DIGEST_BYTES = 32

/** Kind of the features, then the label */
const HEADER_BYTES = 9
const BUCKETS = 2 ** 16

export interface TrainingRows {
  count: number
  /** One for each row */
  labels: ArrayLike<number>
  /** Features of one example, the same number for each. May be a view that the next call overwrites */
  row: (index: number) => Uint8Array | Float32Array
}

/** Rows of a flat array, row after row. Throws RangeError when it cannot be divided into labels.length of them */
export function flatRows (features: Uint8Array | Float32Array, labels: ArrayLike<number>): TrainingRows {
  const count = labels.length
  const width = count === 0 ? 0 : features.length / count
  if (!Number.isInteger(width) || width * count !== features.length) {
    throw new RangeError(`${features.length} features are not ${count} rows`)
  }
  return { count, labels, row: (index) => features.subarray(index * width, (index + 1) * width) }
}

/**
 * Rows as they came where they are held so (images: another document's standardisation changes nothing), else as
 * training sees them
 */
export function rowsOfExamples (examples: Pick<Examples, 'count' | 'featureCount' | 'labels' | 'targets' | 'writeInputs' | 'original'>): TrainingRows {
  const labels = examples.targets ?? examples.labels
  if (examples.original !== undefined) {
    return { count: examples.count, labels, row: examples.original }
  }
  const inputs = new Float32Array(examples.featureCount)
  return {
    count: examples.count,
    labels,
    row: (index) => {
      examples.writeInputs(index, inputs, 0)
      return inputs
    }
  }
}

/** Little-endian on every machine. Bytes and floats of equal bits are different features */
function writeExample (scratch: Buffer, row: Uint8Array | Float32Array, label: number): Buffer {
  const message = scratch.subarray(0, HEADER_BYTES + row.byteLength)
  const isFloat = row instanceof Float32Array
  message[0] = isFloat ? 4 : 1
  message.writeDoubleLE(label, 1)
  message.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength), HEADER_BYTES)
  if (isFloat && endianness() === 'BE') {
    message.subarray(HEADER_BYTES).swap32()
  }
  return message
}

/** Ascending, equal ones kept: by counting the first two bytes, then by comparing within the 65,536 buckets */
function sortDigests (digests: Buffer): Buffer {
  const count = digests.length / DIGEST_BYTES
  const ends = new Uint32Array(BUCKETS + 1)
  for (let i = 0; i < count; i++) {
    ends[digests.readUInt16BE(i * DIGEST_BYTES) + 1]!++
  }
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    ends[bucket + 1]! += ends[bucket]!
  }
  const order = new Uint32Array(count)
  const next = ends.slice()
  for (let i = 0; i < count; i++) {
    order[next[digests.readUInt16BE(i * DIGEST_BYTES)]!++] = i
  }
  const compare = (a: number, b: number): number => digests.compare(digests, b * DIGEST_BYTES, (b + 1) * DIGEST_BYTES, a * DIGEST_BYTES, (a + 1) * DIGEST_BYTES)
  const sorted = Buffer.allocUnsafe(digests.length)
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    order.subarray(ends[bucket], ends[bucket + 1]).sort(compare)
  }
  for (let i = 0; i < count; i++) {
    digests.copy(sorted, i * DIGEST_BYTES, order[i]! * DIGEST_BYTES, (order[i]! + 1) * DIGEST_BYTES)
  }
  return sorted
}

/** sha-256 of one example alone, as `exampleDigests` has it for each: DIGEST_BYTES */
export function exampleDigest (row: Uint8Array | Float32Array, label: number): Uint8Array {
  return hash('sha256', writeExample(Buffer.allocUnsafe(HEADER_BYTES + row.byteLength), row, label), 'buffer')
}

/**
 * sha-256 of every example, sorted: what fingerprint and sketch are made of. Needs 68 bytes of memory for each example
 *
 * Throws RangeError when there are not as many labels as rows, or rows differ in length
 */
export function exampleDigests ({ count, labels, row }: TrainingRows): Uint8Array {
  if (labels.length !== count) {
    throw new RangeError(`${labels.length} labels are not those of ${count} rows`)
  }
  const digests = Buffer.allocUnsafe(count * DIGEST_BYTES)
  const rowBytes = count === 0 ? 0 : row(0).byteLength
  const scratch = Buffer.allocUnsafe(HEADER_BYTES + rowBytes)
  for (let i = 0; i < count; i++) {
    const features = row(i)
    if (features.byteLength !== rowBytes) {
      throw new RangeError(`row ${i} has ${features.byteLength} bytes, row 0 has ${rowBytes}`)
    }
    hash('sha256', writeExample(scratch, features, labels[i]!), 'buffer').copy(digests, i * DIGEST_BYTES)
  }
  return sortDigests(digests)
}

/** The same for examples that have digests already; the caller's stay as they are */
export function sortedDigests (digests: Uint8Array): Uint8Array {
  return sortDigests(Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength))
}

/** Fingerprint of the training set with these `exampleDigests`: sha-256, hex */
export function fingerprintOf (digests: Uint8Array): string {
  return createHash('sha256').update('grapevine training set 1\n').update(digests).digest('hex')
}

/** Fingerprint of a training set: sha-256, hex. Throws RangeError as `exampleDigests` does */
export function fingerprint (rows: TrainingRows): string {
  return fingerprintOf(exampleDigests(rows))
}

/**
 * Which records a node holds, in 256 buckets by the first byte of their id, with digests that two nodes compare
 */
import { createHash } from 'node:crypto'
import type { RecordDigests } from './governance-interface.ts'

const BUCKETS = 256
const DIGEST_BYTES = 8
const ID_BYTES = 32

function bytesOf (id: string): Uint8Array {
  return new Uint8Array(Buffer.from(id, 'hex'))
}

export class RecordBuckets implements RecordDigests {
  readonly #buckets = Array.from({ length: BUCKETS }, () => new Map<string, Uint8Array>())
  /** Ids of a bucket in order, until it changes */
  readonly #ordered = new Map<number, string[]>()
  #root: Uint8Array | undefined
  #digests: Uint8Array | undefined
  #size = 0

  get size (): number {
    return this.#size
  }

  #bucketOf (id: string): Map<string, Uint8Array> {
    return this.#buckets[Number.parseInt(id.slice(0, 2), 16)]!
  }

  #changed (id: string): void {
    this.#ordered.delete(Number.parseInt(id.slice(0, 2), 16))
    this.#root = undefined
    this.#digests = undefined
  }

  has (id: string): boolean {
    return this.#bucketOf(id).has(id)
  }

  add (id: string, record: Uint8Array): void {
    const bucket = this.#bucketOf(id)
    this.#size += bucket.has(id) ? 0 : 1
    bucket.set(id, record)
    this.#changed(id)
  }

  remove (id: string): void {
    if (this.#bucketOf(id).delete(id)) {
      this.#size--
      this.#changed(id)
    }
  }

  #idsOf (bucket: number): string[] {
    const known = this.#ordered.get(bucket)
    if (known !== undefined) {
      return known
    }
    const ids = [...this.#buckets[bucket]?.keys() ?? []].sort()
    this.#ordered.set(bucket, ids)
    return ids
  }

  root (): Uint8Array {
    if (this.#root === undefined) {
      const hash = createHash('sha256')
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        hash.update(this.#idsOf(bucket).join(''), 'hex')
      }
      this.#root = new Uint8Array(hash.digest())
    }
    return this.#root.slice()
  }

  buckets (): Uint8Array {
    if (this.#digests === undefined) {
      this.#digests = new Uint8Array(BUCKETS * DIGEST_BYTES)
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const ids = this.#idsOf(bucket)
        if (ids.length > 0) {
          this.#digests.set(createHash('sha256').update(ids.join(''), 'hex').digest().subarray(0, DIGEST_BYTES), bucket * DIGEST_BYTES)
        }
      }
    }
    return this.#digests.slice()
  }

  idsIn (bucket: number): Uint8Array[] {
    return Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS ? this.#idsOf(bucket).map(bytesOf) : []
  }

  get (id: Uint8Array): Uint8Array | undefined {
    if (id.byteLength !== ID_BYTES) {
      return undefined
    }
    const hex = Buffer.from(id).toString('hex')
    return this.#bucketOf(hex).get(hex)
  }
}

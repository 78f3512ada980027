/**
 * Tokens of many texts, one after another without padding: a note of ten words takes the room of ten
 */
import { DatasetError } from '../../errors.ts'
import { MAX_EXAMPLE_BYTES, requirePlace } from '../examples.ts'
import type { Examples } from '../examples.ts'

export class TokenStore {
  private readonly name: string
  private tokens = new Uint16Array(65_536)
  private readonly ends: Uint32Array
  private count = 0

  /** `name`: what a message calls the source; `most`: texts that come */
  constructor (name: string, most: number) {
    this.name = name
    this.ends = new Uint32Array(most)
  }

  /** Throws DatasetError when a peer may not hold more */
  add (ids: Uint16Array): void {
    const from = this.count === 0 ? 0 : this.ends[this.count - 1]!
    if (from + ids.length > this.tokens.length) {
      this.grow(from + ids.length)
    }
    this.tokens.set(ids, from)
    this.ends[this.count++] = from + ids.length
  }

  private grow (length: number): void {
    const most = MAX_EXAMPLE_BYTES / this.tokens.BYTES_PER_ELEMENT
    if (length > most) {
      throw new DatasetError(`${this.name}: the tokens of ${this.ends.length} texts are more than the ${MAX_EXAMPLE_BYTES / 2 ** 30} GiB one peer can hold; give each peer a part of them (--partition i/n)`)
    }
    const larger = new Uint16Array(Math.min(most, Math.max(length, 2 * this.tokens.length)))
    larger.set(this.tokens)
    this.tokens = larger
  }

  /** Inputs are numbers of tokens, padded with 0 to `length` */
  examples (length: number, labels: Uint16Array): Examples {
    const { tokens, ends, count } = this
    return {
      count,
      featureCount: length,
      labels,
      writeInputs (index, out, offset) {
        requirePlace(this, index, out, offset)
        const from = index === 0 ? 0 : ends[index - 1]!
        out.set(tokens.subarray(from, ends[index]), offset)
        out.fill(0, offset + ends[index]! - from, offset + length)
      }
    }
  }
}

/**
 * Random bits in buffered pairs of 32-bit words: 64 bits for each draw
 *
 * What is in the buffer has made noise or is about to, and noise that is known can be subtracted from what was sent.
 * So callers erase it when they are done, and nothing is kept from one call to the next.
 */

/** Fills all words with independent uniform bits, other ones at each call. Throws when there is no randomness */
export type Keystream = (words: Uint32Array) => void

/** 16 KiB: a small vector asks for little too much, and a large one is within a few per cent of the best speed */
const WORDS = 4096

const TWO_TO_21 = 2 ** 21
const TWO_TO_32 = 2 ** 32
const RESOLUTION = 2 ** -53

/** A whole number in 0 .. 2^53 - 1, from all of `low` and the lowest 21 bits of `high` */
export function integer53 (high: number, low: number): number {
  return (high & (TWO_TO_21 - 1)) * TWO_TO_32 + low
}

export class RandomWords {
  readonly words = new Uint32Array(WORDS)
  /** Where in `words` the next pair is; at their end when none is left. Who reads pairs moves it past them */
  position = WORDS
  private readonly fill: Keystream

  constructor (fill: Keystream) {
    this.fill = fill
  }

  /** Where in `words` the next pair is: the caller alone reads it, and no other caller ever does */
  nextPair (): number {
    if (this.position === WORDS) {
      this.fill(this.words)
      this.position = 0
    }
    const at = this.position
    this.position += 2
    return at
  }

  /** Uniform over the 2^53 multiples of 2^-53 in (0, 1]: never zero, so that it has a logarithm */
  uniform (): number {
    const at = this.nextPair()
    return (integer53(this.words[at + 1]!, this.words[at]!) + 1) * RESOLUTION
  }

  /** Forgets all bits, those not used as well */
  erase (): void {
    this.words.fill(0)
    this.position = WORDS
  }
}

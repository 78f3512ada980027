/**
 * The most common words of many texts, in bounded memory
 */
import { MAX_WORD } from '../../federation/text-input.ts'
import { wordsOf } from '../../federation/words.ts'
import { ownText } from '../own-text.ts'

/** Different words that are counted at once */
const MAX_COUNTED = 2 ** 20

/**
 * Counts in how many texts each word stands, so that one text that repeats a word tells no more of it than another
 *
 * Exact up to MAX_COUNTED different words. Beyond that the rarest are forgotten on the way, and may come to be counted
 * short (Manku and Motwani 2002, Approximate Frequency Counts over Data Streams)
 */
export class WordCounter {
  private readonly texts = new Map<string, number>()

  add (text: string): void {
    for (const word of new Set(wordsOf(text))) {
      if (word.length <= MAX_WORD) {
        const before = this.texts.get(word)
        this.texts.set(before === undefined ? ownText(word) : word, (before ?? 0) + 1)
      }
    }
    for (let rare = 1; this.texts.size > MAX_COUNTED; rare++) {
      for (const [word, count] of this.texts) {
        if (count <= rare) {
          this.texts.delete(word)
        }
      }
    }
  }

  /** At most `size` words that stand in `fewest` texts or more: the most common first, then by their code units */
  vocabulary (size: number, fewest: number): string[] {
    return [...this.texts]
      .filter(([, count]) => count >= fewest)
      .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, size)
      .map(([word]) => word)
  }
}

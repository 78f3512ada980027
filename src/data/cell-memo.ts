/**
 * Recognises a cell that was met before without making a text of it: most words of a table are a few, over and over
 */
import type { Row } from './row.ts'

/** A power of two */
const PLACES = 512

/** Where a place is taken, the next one is looked at, too */
const PROBES = 2

/** Keeps the last of those that share a place: a cell that is not found may have been kept all the same */
export class CellMemo<T extends { readonly text: string }> {
  private readonly kept: Array<T | undefined> = []

  /** What was kept for the text of the field `at`, if it still is */
  find (row: Row, at: number): T | undefined {
    const { kept } = this
    if (kept.length === 0) {
      return undefined
    }
    const hash = row.hashOf(at)
    for (let probe = 0; probe < PROBES; probe++) {
      const found = kept[(hash + probe) & (PLACES - 1)]
      if (found !== undefined && row.is(at, found.text)) {
        return found
      }
    }
    return undefined
  }

  /** For the field `at`, whose text must be `cell.text`; that is not to be part of a larger text (own-text.ts) */
  keep (row: Row, at: number, cell: T): void {
    const { kept } = this
    if (kept.length === 0) {
      kept.length = PLACES
      kept.fill(undefined)
    }
    const hash = row.hashOf(at)
    const free = kept[hash & (PLACES - 1)] === undefined ? hash : hash + 1
    kept[(kept[free & (PLACES - 1)] === undefined ? free : hash) & (PLACES - 1)] = cell
  }

  clear (): void {
    this.kept.length = 0
  }
}

/**
 * The known word nearest to a mistyped one, for "did you mean"
 */

/** No name that is asked for is longer; a stranger's word may be */
const MAX_LENGTH = 64

/** Letters changed, dropped, added, or swapped with the next one (optimal string alignment) */
function editDistance (a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1, isSwap ? beforePrevious[j - 2]! + 1 : Infinity))
    }
    beforePrevious = previous
    previous = row
  }
  return previous[b.length]!
}

/** Undefined when nothing is close enough to be a slip of the finger */
export function closest (word: string, known: readonly string[]): string | undefined {
  const start = word.slice(0, MAX_LENGTH).toLowerCase()
  // one letter of two may be a slip, the only letter is another word
  const limit = start.length < 2 ? 0 : Math.max(1, Math.floor(start.length / 3))
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of known) {
    const distance = editDistance(start, candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/**
 * The known word nearest to a mistyped one, for "did you mean"
 */

/** No name that is asked for is longer; a stranger's word may be */
const MAX_LENGTH = 64

function editDistance (a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1))
    }
    previous = row
  }
  return previous[b.length]!
}

/** Undefined when nothing is close enough to be a slip of the finger */
export function closest (word: string, known: readonly string[]): string | undefined {
  const start = word.slice(0, MAX_LENGTH).toLowerCase()
  const limit = Math.max(1, Math.floor(start.length / 3))
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

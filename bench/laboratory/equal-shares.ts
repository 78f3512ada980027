/**
 * Shares of equal size with different mixtures of classes, so that all peers sample at the same rate and spend the same
 * epsilon
 *
 * The Dirichlet split of the product gives every class away in random proportions, which leaves some peers with little.
 * Here each peer draws its own mixture, and rows and columns are scaled in turn (Sinkhorn) until all peers have as much
 * and every example has one owner.
 */
import { dirichlet } from '../../src/data/dirichlet.ts'
import { rowsByClass } from '../../src/data/partition.ts'
import { seededRandom } from '../../src/seeded-random.ts'

const SCALINGS = 500

export interface EqualSplit {
  peers: number
  /** Dirichlet concentration */
  alpha: number
  seed: number
}

/**
 * Rows of each peer, ascending: floor(examples / peers) each, of all examples but a rest smaller than the number of
 * peers
 */
export function equalShares (labels: Uint16Array, { peers, alpha, seed }: EqualSplit): Uint32Array[] {
  const random = seededRandom(`equal shares ${seed}`)
  const classes = rowsByClass(labels, random)
  const mixtures = Array.from({ length: peers }, () => Array.from(dirichlet(alpha, classes.length, random), (value) => value + 1e-9))
  const size = Math.floor(labels.length / peers)
  const counts = whole(balanced(mixtures, classes.map(({ length }) => length), size), classes.map(({ length }) => length), size)
  const next = classes.map(() => 0)
  return counts.map((row) => Uint32Array.from(row.flatMap((count, c) => {
    const from = next[c]!
    next[c] = from + count
    return classes[c]!.slice(from, from + count)
  })).sort())
}

function total (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

/** Scaled so that rows add up to `size`, and columns to what there is of each class */
function balanced (mixtures: number[][], available: readonly number[], size: number): number[][] {
  let matrix = mixtures
  for (let i = 0; i < SCALINGS; i++) {
    matrix = matrix.map((row) => { const sum = total(row); return row.map((value) => value * size / sum) })
    const columns = available.map((count, c) => count / total(matrix.map((row) => row[c]!)))
    matrix = matrix.map((row) => row.map((value, c) => value * columns[c]!))
  }
  return matrix
}

/** Rounded down, then filled up from the classes of which most is left */
function whole (matrix: readonly number[][], available: readonly number[], size: number): number[][] {
  const counts = matrix.map((row) => row.map(Math.floor))
  const left = available.map((count, c) => count - total(counts.map((row) => row[c]!)))
  for (const row of counts) {
    for (let excess = total(row) - size; excess > 0; excess--) {
      const c = row.indexOf(Math.max(...row))
      row[c]!--
      left[c]!++
    }
  }
  for (const row of counts) {
    for (let missing = size - total(row); missing > 0; missing--) {
      const c = left.indexOf(Math.max(...left))
      row[c]!++
      left[c]!--
    }
  }
  return counts
}

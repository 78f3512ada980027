/**
 * How well a mesh holds together, and how many liars that lets it withstand
 *
 * The algebraic connectivity mu_2 is the second smallest eigenvalue of the graph's Laplacian (Fiedler 1973). On a
 * sparse graph it, and not the half of a neighbourhood, limits what any aggregation rule can withstand: with b
 * Byzantine neighbours at every honest peer, no rule works from about 2 b >= mu_2 on (Gaucher, Dieuleveut, Hendrikx
 * 2025).
 */
import { seededRandom } from '../seeded-random.ts'

/** Lanczos steps: the extreme eigenvalue of graphs of some thousand nodes has settled long before */
const STEPS = 80

export interface Connectivity {
  /** mu_2; 0 when the graph is in pieces */
  algebraicConnectivity: number
  /** b: the most liars among the neighbours of every honest peer that a rule could withstand on this graph */
  toleratedLiars: number
}

type Graph = ReadonlyMap<string, readonly string[]>

/** The graph without some of its nodes */
export function without (graph: Graph, removed: ReadonlySet<string>): Map<string, string[]> {
  const left = [...graph].filter(([node]) => !removed.has(node))
  return new Map(left.map(([node, neighbours]) => [node, neighbours.filter((other) => !removed.has(other))]))
}

/**
 * Connectivity of an undirected graph, given by the neighbours of each node
 *
 * Lanczos with full reorthogonalisation on c I - L, orthogonal to the constant vector. Work: 80 passes over the edges
 */
export function connectivity (graph: Graph): Connectivity {
  const nodes = [...graph.keys()]
  if (nodes.length < 2) {
    return { algebraicConnectivity: 0, toleratedLiars: 0 }
  }
  const index = new Map(nodes.map((node, i) => [node, i]))
  const edges = nodes.map((node) => graph.get(node)!.map((other) => index.get(other)).filter((other) => other !== undefined))
  const shift = 2 * Math.max(...edges.map(({ length }) => length))
  const mu = Math.max(0, shift - largestEigenvalue(edges, shift))
  // below what rounding leaves of zero: in pieces
  const algebraicConnectivity = mu < 1e-8 * Math.max(1, shift) ? 0 : mu
  return { algebraicConnectivity, toleratedLiars: Math.max(0, Math.ceil(algebraicConnectivity / 2 - 1e-9) - 1) }
}

/** Of c I - L, orthogonal to the constant vector */
function largestEigenvalue (edges: ReadonlyArray<readonly number[]>, shift: number): number {
  const n = edges.length
  const random = seededRandom('lanczos')
  const basis: Float64Array[] = []
  const diagonal: number[] = []
  const offDiagonal: number[] = []
  let vector = normalised(centred(Float64Array.from({ length: n }, () => random() - 0.5)))
  for (let step = 0; step < Math.min(STEPS, n - 1); step++) {
    basis.push(vector)
    const next = centred(applied(edges, shift, vector))
    diagonal.push(dot(next, vector))
    // twice is enough (Kahan, Parlett)
    for (const earlier of [...basis, ...basis]) {
      subtract(next, earlier, dot(next, earlier))
    }
    const length = Math.sqrt(dot(next, next))
    if (length < 1e-10 * Math.max(1, shift)) {
      break
    }
    offDiagonal.push(length)
    vector = next.map((value) => value / length)
  }
  return largestOfTridiagonal(diagonal, offDiagonal)
}

/** (c I - L) v */
function applied (edges: ReadonlyArray<readonly number[]>, shift: number, vector: Float64Array): Float64Array {
  return vector.map((value, i) => edges[i]!.reduce((sum, j) => sum + vector[j]!, (shift - edges[i]!.length) * value))
}

function centred (vector: Float64Array): Float64Array {
  const mean = vector.reduce((sum, value) => sum + value, 0) / vector.length
  return vector.map((value) => value - mean)
}

function normalised (vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector))
  return vector.map((value) => value / length)
}

function subtract (vector: Float64Array, other: Float64Array, factor: number): void {
  for (let i = 0; i < vector.length; i++) {
    vector[i]! -= factor * other[i]!
  }
}

function dot (a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

/** By bisection on the number of sign changes (Sturm) */
function largestOfTridiagonal (diagonal: readonly number[], offDiagonal: readonly number[]): number {
  const size = diagonal.length
  const reach = (i: number): number => Math.abs(offDiagonal[i - 1] ?? 0) + Math.abs(i < size - 1 ? offDiagonal[i] ?? 0 : 0)
  let low = Math.min(...diagonal.map((value, i) => value - reach(i)))
  let high = Math.max(...diagonal.map((value, i) => value + reach(i)))
  while (high - low > 1e-12 * Math.max(1, Math.abs(high))) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) {
      break
    }
    if (allBelow(middle, diagonal, offDiagonal)) {
      high = middle
    } else {
      low = middle
    }
  }
  return (low + high) / 2
}

/** True when every eigenvalue is smaller than x: all pivots of T - x I are negative */
function allBelow (x: number, diagonal: readonly number[], offDiagonal: readonly number[]): boolean {
  let pivot = -1
  for (const [i, value] of diagonal.entries()) {
    const off = i === 0 ? 0 : offDiagonal[i - 1]!
    pivot = value - x - (i === 0 ? 0 : off * off / pivot)
    if (pivot >= 0) {
      return false
    }
  }
  return true
}

/**
 * Who mixes with whom: a random k-regular graph that every holder of the same member list computes alike
 *
 * Every pair of members has a hash of (seed, both ids). Walking the pairs in ascending order and keeping each pair
 * whose ends both have room is greedy b-matching; because all members rank pairs by the same numbers, its outcome is
 * the unique stable configuration (Gai, Mathieu, de Montgolfier and Reynier, "Stratification in P2P networks", 2007),
 * and a member that comes or goes disturbs only a few chains of pairs. What greedy leaves open is closed by edge
 * swaps, which keep every other degree, and so are separate components. A dense graph is drawn through its complement.
 *
 * Nobody can choose a neighbour except by making keys until one has a suitable hash, because the order of the pairs
 * comes from sha-256 of the ids. Nobody is asked, so nobody can refuse or lie about a degree.
 */
import { PairRanks } from './pair-ranks.ts'
import type { PeerName } from '../interface.ts'
import type { Rotation } from './pair-ranks.ts'

interface Pair {
  a: number
  b: number
  hash: number
}

/** Indices of the members' neighbours; a Set keeps membership tests cheap */
type Adjacency = Array<Set<number>>

/** Candidate pairs drawn for each member in the first pass of the greedy walk: enough that few members need more */
const CANDIDATES_PER_EDGE = 4
const EXTRA_CANDIDATES = 16

/** Members are in ascending order, so that equal hashes are ordered alike whoever else is in the list */
function byHash (x: Pair, y: Pair): number {
  return x.hash - y.hash || x.a - y.a || x.b - y.b
}

/** Every pair of n members that ranks below `bound` */
function pairsBelow (bound: number, n: number, ranks: PairRanks): Pair[] {
  const pairs: Pair[] = []
  for (let a = 0; a < n; a++) {
    for (const b of ranks.below(a, bound)) {
      const hash = ranks.of(a, b)
      if (hash < bound) {
        pairs.push({ a, b, hash })
      }
    }
  }
  return sortedEvenly(pairs, bound)
}

/**
 * In order of hashes that are spread evenly up to `bound`: put about where each belongs, then by insertion. A fraction
 * of the time of a sort
 */
function sortedEvenly (pairs: readonly Pair[], bound: number): Pair[] {
  const drawerOf = ({ hash }: Pair): number => Math.floor(hash / bound * (pairs.length - 1))
  const next = new Uint32Array(pairs.length + 1)
  pairs.forEach((pair) => { next[drawerOf(pair) + 1]! += 1 })
  for (let drawer = 0; drawer < pairs.length; drawer++) {
    next[drawer + 1]! += next[drawer]!
  }
  const sorted = [...pairs]
  pairs.forEach((pair) => { sorted[next[drawerOf(pair)]!++] = pair })
  for (let i = 1; i < sorted.length; i++) {
    const pair = sorted[i]!
    let place = i
    for (; place > 0 && byHash(pair, sorted[place - 1]!) < 0; place--) {
      sorted[place] = sorted[place - 1]!
    }
    sorted[place] = pair
  }
  return sorted
}

function pairsFrom (bound: number, nodes: readonly number[], ranks: PairRanks): Pair[] {
  const pairs: Pair[] = []
  for (let i = 0; i < nodes.length; i++) {
    for (let j = i + 1; j < nodes.length; j++) {
      const hash = ranks.of(nodes[i]!, nodes[j]!)
      if (hash >= bound) {
        pairs.push({ a: nodes[i]!, b: nodes[j]!, hash })
      }
    }
  }
  return pairs.sort(byHash)
}

function link (graph: Adjacency, a: number, b: number): void {
  graph[a]!.add(b)
  graph[b]!.add(a)
}

function unlink (graph: Adjacency, a: number, b: number): void {
  graph[a]!.delete(b)
  graph[b]!.delete(a)
}

/** Exactly the greedy walk over all pairs, but only pairs that can still matter are ever sorted */
function greedyMatching (ranks: PairRanks, targets: readonly number[]): Adjacency {
  const n = targets.length
  const graph: Adjacency = targets.map(() => new Set<number>())
  const take = (pairs: Pair[]): void => {
    for (const { a, b } of pairs) {
      if (graph[a]!.size < targets[a]! && graph[b]!.size < targets[b]!) {
        link(graph, a, b)
      }
    }
  }
  const degree = targets.reduce((most, target) => Math.max(most, target), 0)
  const bound = (degree * CANDIDATES_PER_EDGE + EXTRA_CANDIDATES) / n
  take(pairsBelow(bound, n, ranks))
  const open = targets.map((_, index) => index).filter((node) => graph[node]!.size < targets[node]!)
  take(pairsFrom(bound, open, ranks))
  return graph
}

/** The edge (a, b) that gives way so that u-a and v-b can be joined: the one whose two replacements rank best */
function findSwap (graph: Adjacency, ranks: PairRanks, u: number, v: number): Pair | undefined {
  let best: Pair | undefined
  for (let a = 0; a < graph.length; a++) {
    if (a === u || a === v || graph[u]!.has(a)) {
      continue
    }
    for (const b of graph[a]!) {
      if (b === u || b === v || graph[v]!.has(b)) {
        continue
      }
      const candidate = { a, b, hash: ranks.of(u, a) + ranks.of(v, b) }
      if (best === undefined || byHash(candidate, best) < 0) {
        best = candidate
      }
    }
  }
  return best
}

/** The next two places to fill: of one member that lacks two neighbours or more, or of two members */
function openPlaces (graph: Adjacency, targets: readonly number[]): [number, number] | undefined {
  let first: number | undefined
  for (let node = 0; node < graph.length; node++) {
    const open = targets[node]! - graph[node]!.size
    if (open >= 2) {
      return [node, node]
    }
    if (open === 1 && first !== undefined) {
      return [first, node]
    }
    first ??= open === 1 ? node : undefined
  }
  return undefined
}

/** After greedy, members with room are all joined to each other already: room is made by taking edges apart */
function fillDegrees (graph: Adjacency, targets: readonly number[], ranks: PairRanks): void {
  for (let places = openPlaces(graph, targets); places !== undefined; places = openPlaces(graph, targets)) {
    const [u, v] = places
    const swap = findSwap(graph, ranks, u, v)
    if (swap === undefined) {
      return
    }
    unlink(graph, swap.a, swap.b)
    link(graph, u, swap.a)
    link(graph, v, swap.b)
  }
}

function reach (graph: Adjacency, from: number, seen: Set<number>): number[] {
  const found = [from]
  seen.add(from)
  for (let next = 0; next < found.length; next++) {
    for (const neighbour of graph[found[next]!]!) {
      if (!seen.has(neighbour)) {
        seen.add(neighbour)
        found.push(neighbour)
      }
    }
  }
  return found
}

/**
 * The edge of a component that ranks last among those whose loss does not split it; the last of all if every one would
 */
function weakestEdge (graph: Adjacency, component: readonly number[], ranks: PairRanks): Pair {
  const edges = component
    .flatMap((a) => [...graph[a]!].filter((b) => a < b).map((b) => ({ a, b, hash: ranks.of(a, b) })))
    .sort((x, y) => byHash(y, x))
  const spare = edges.find(({ a, b }) => {
    unlink(graph, a, b)
    const whole = reach(graph, a, new Set()).length === component.length
    link(graph, a, b)
    return whole
  })
  return spare ?? edges[0]!
}

/** Joins components by exchanging the ends of one edge of each: no degree changes */
function connect (graph: Adjacency, ranks: PairRanks): void {
  const seen = new Set<number>()
  let main: number[] | undefined
  for (let node = 0; node < graph.length; node++) {
    if (seen.has(node)) {
      continue
    }
    const component = reach(graph, node, seen)
    if (main === undefined) {
      main = component
      continue
    }
    const near = weakestEdge(graph, main, ranks)
    const far = weakestEdge(graph, component, ranks)
    unlink(graph, near.a, near.b)
    unlink(graph, far.a, far.b)
    link(graph, near.a, far.a)
    link(graph, near.b, far.b)
    main = [...main, ...component]
  }
}

function complement (graph: Adjacency): Adjacency {
  return graph.map((neighbours, node) => {
    const others = graph.map((_, other) => other).filter((other) => other !== node && !neighbours.has(other))
    return new Set(others)
  })
}

/** Which member has one neighbour less when n·k is odd */
function oddOneOut (ranks: PairRanks, n: number): number {
  let chosen = 0
  for (let node = 1; node < n; node++) {
    if (ranks.mark(node) < ranks.mark(chosen)) {
      chosen = node
    }
  }
  return chosen
}

function regularGraph (ranks: PairRanks, n: number, degree: number): Adjacency {
  const targets = new Array<number>(n).fill(degree)
  if (degree * 2 < n) {
    const graph = greedyMatching(ranks, targets)
    fillDegrees(graph, targets, ranks)
    if (degree > 1) {
      connect(graph, ranks)
    }
    return graph
  }
  const absent = targets.map((target) => n - 1 - target)
  if (n * degree % 2 === 1) {
    absent[oddOneOut(ranks, n)]! += 1
  }
  const graph = greedyMatching(ranks, absent)
  fillDegrees(graph, absent, ranks)
  return complement(graph)
}

/**
 * For how many rounds pairs keep their ranks so that about `resample` of each member's k neighbours change every round
 *
 * A fit to graphs of 8 to 200 members with k of 4 and 8, good to a third: a pair that gets a new rank moves a few
 * others. A dense graph is drawn through its complement, so that its absent edges are what changes. Infinity when none
 * shall change
 */
export function rotationPeriod (members: number, degree: number, resample: number): number {
  const drawn = Math.max(1, Math.min(degree, members - 1 - degree))
  return Math.max(1, Math.round((0.76 * drawn / resample) ** (5 / 3)))
}

/**
 * The whole graph
 *
 * @param members - In any order; the same ones give the same graph
 * @param degree - Neighbours of each member, k >= 1. With n <= k + 1 members the graph is complete; when n·k is odd one
 * member has k - 1. Connected for k >= 2
 * @param seed - The federation's id, so that federations draw different graphs
 * @param rotation - Round and period of a graph that changes from round to round; without it the graph stays
 * @returns Neighbours of each member, ascending; members ascending
 */
export function neighbourGraph (members: readonly PeerName[], degree: number, seed: string, rotation?: Rotation): Map<PeerName, PeerName[]> {
  if (!Number.isInteger(degree) || degree < 1) {
    throw new RangeError(`The degree of a neighbour graph must be an integer from 1, not ${degree}`)
  }
  const names = [...new Set(members)].sort()
  if (names.length <= degree + 1) {
    return new Map(names.map((name) => [name, names.filter((other) => other !== name)]))
  }
  const graph = regularGraph(new PairRanks(names, seed, rotation), names.length, degree)
  return new Map(names.map((name, index) => [name, [...graph[index]!].sort((a, b) => a - b).map((other) => names[other]!)]))
}

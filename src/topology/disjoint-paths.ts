/**
 * Which nodes of a directed graph no `k - 1` other nodes can cut off from the roots
 *
 * By Menger's theorem these are the roots and all that `k` paths without a common node lead to. Who has `k` such
 * predecessors is one itself (a cut of `k - 1` leaves one of them), which settles most nodes in one pass; for the
 * others paths are sought backwards (Ford and Fulkerson 1956, each node split into its entry and its exit). Where fewer
 * are found, the nodes before the bottleneck are all behind the same cut: a crowd with one door costs one search and
 * not one each.
 */

/** Successors of each node, by index */
export type Successors = ReadonlyArray<readonly number[]>

const NONE = -1

/**
 * Steps of all searches together: a tenth of a second or so. Whoever writes the records can make each search long; what
 * is not settled by then is cut off, those with the fewest reached predecessors first
 */
const MAX_STEPS = 1_000_000

class DisjointPaths {
  readonly #next: Successors
  readonly #before: number[][]
  readonly #k: number
  readonly #reached: Uint8Array
  readonly #votes: Uint32Array
  readonly #cutOff: Uint8Array
  /** Of the paths to the node in hand: the next node of each node on a path */
  readonly #onward: Int32Array
  #steps = 0

  constructor (next: Successors, roots: readonly number[], k: number) {
    this.#next = next
    this.#k = k
    this.#before = next.map(() => [])
    next.forEach((successors, node) => { successors.forEach((successor) => { this.#before[successor]!.push(node) }) })
    this.#reached = new Uint8Array(next.length)
    this.#votes = new Uint32Array(next.length)
    this.#cutOff = new Uint8Array(next.length)
    this.#onward = new Int32Array(next.length).fill(NONE)
    roots.forEach((root) => { this.#reached[root] = 1 })
    this.#spread(roots)
  }

  /** 1 for each node that is not cut off */
  run (): Uint8Array {
    for (const node of this.#open()) {
      if (this.#steps < MAX_STEPS && this.#reached[node] === 0 && this.#cutOff[node] === 0 && this.#hasPaths(node)) {
        this.#reached[node] = 1
        this.#spread([node])
      }
    }
    return this.#reached
  }

  /** Neither settled by `#spread` nor without k predecessors; those with most reached predecessors first */
  #open (): number[] {
    const open = this.#before.flatMap((before, node) => this.#reached[node] === 0 && before.length >= this.#k ? [node] : [])
    return open.sort((a, b) => this.#votes[b]! - this.#votes[a]!)
  }

  #spread (from: readonly number[]): void {
    const queue = [...from]
    for (let index = 0; index < queue.length; index++) {
      for (const node of this.#next[queue[index]!]!) {
        this.#votes[node]! += 1
        if (this.#reached[node] === 0 && this.#votes[node]! >= this.#k) {
          this.#reached[node] = 1
          queue.push(node)
        }
      }
    }
  }

  /**
   * True when k disjoint paths lead from reached nodes to this one; otherwise what is behind the bottleneck is cut off
   */
  #hasPaths (target: number): boolean {
    const touched = new Set<number>()
    for (let paths = 0; paths < this.#k; paths++) {
      const parents = new Map<number, number>()
      const start = this.#search(target, parents)
      if (start === NONE) {
        this.#cut(parents)
        this.#clear(touched)
        return false
      }
      this.#augment(start, parents, touched)
    }
    this.#clear(touched)
    return true
  }

  /**
   * Backwards from the target's entry through what the paths so far leave open, to the entry of a reached node that
   * begins no path yet. States are 2 · node for its entry, 2 · node + 1 for its exit; `parents` leads back to the
   * target
   */
  #search (target: number, parents: Map<number, number>): number {
    const queue = [2 * target]
    parents.set(2 * target, NONE)
    for (let index = 0; index < queue.length; index++) {
      const state = queue[index]!
      const node = state >> 1
      const isEntry = (state & 1) === 0
      if (isEntry && this.#reached[node] === 1 && this.#onward[node] === NONE) {
        return state
      }
      this.#steps += 1 + (isEntry ? this.#before[node]!.length : 1)
      for (const earlier of isEntry ? this.#beforeEntry(node) : this.#beforeExit(node)) {
        if (!parents.has(earlier)) {
          parents.set(earlier, state)
          queue.push(earlier)
        }
      }
    }
    return NONE
  }

  #beforeEntry (node: number): number[] {
    const own = this.#onward[node] === NONE ? [] : [2 * node + 1]
    const before = this.#reached[node] === 1 ? [] : this.#before[node]!.filter((earlier) => this.#onward[earlier] !== node)
    return [...own, ...before.map((earlier) => 2 * earlier + 1)]
  }

  #beforeExit (node: number): number[] {
    const onward = this.#onward[node]!
    return [onward === NONE ? 2 * node : 2 * onward]
  }

  /**
   * From the start to the target: an exit to an entry is one more step of a path, an entry to an exit of another node
   * takes one back
   */
  #augment (start: number, parents: ReadonlyMap<number, number>, touched: Set<number>): void {
    const steps: Array<[number, number]> = []
    for (let state = start, later = parents.get(state)!; later !== NONE; state = later, later = parents.get(state)!) {
      if (state >> 1 !== later >> 1) {
        steps.push([state, later])
      }
    }
    for (const [from, to] of steps) {
      if ((from & 1) === 0) {
        this.#onward[to >> 1] = NONE
      }
    }
    for (const [from, to] of steps) {
      if ((from & 1) === 1) {
        this.#onward[from >> 1] = to >> 1
        touched.add(from >> 1)
      }
    }
  }

  #cut (parents: ReadonlyMap<number, number>): void {
    for (const state of parents.keys()) {
      if ((state & 1) === 0 && this.#reached[state >> 1] === 0) {
        this.#cutOff[state >> 1] = 1
      }
    }
  }

  #clear (touched: ReadonlySet<number>): void {
    touched.forEach((node) => { this.#onward[node] = NONE })
  }
}

/**
 * 1 for each node that is a root, or that no `k - 1` other nodes cut off from the roots; else 0
 *
 * @param next - Successors of each node, without doubles and without the node itself
 */
export function notCutOff (next: Successors, roots: readonly number[], k: number): Uint8Array {
  return new DisjointPaths(next, roots, k).run()
}

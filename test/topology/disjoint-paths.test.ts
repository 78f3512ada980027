import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { notCutOff } from '../../src/topology/disjoint-paths.ts'

function reachable (next: number[][], roots: number[], without: ReadonlySet<number>): Set<number> {
  const found = new Set(roots.filter((root) => !without.has(root)))
  for (const node of found) {
    next[node]!.filter((other) => !without.has(other)).forEach((other) => found.add(other))
  }
  return found
}

/** By trying every cut */
function byDefinition (next: number[][], roots: number[], k: number): number[] {
  const nodes = next.map((_, node) => node)
  const cuts: number[][] = [[], ...k > 1 ? nodes.map((a) => [a]) : [], ...k > 2 ? nodes.flatMap((a) => nodes.filter((b) => b > a).map((b) => [a, b])) : []]
  return nodes.map((node) => roots.includes(node) || cuts.every((cut) => cut.includes(node) || reachable(next, roots, new Set(cut)).has(node)) ? 1 : 0)
}

describe('nodes that no k - 1 others cut off from the roots', () => {
  const graph = fc.integer({ min: 1, max: 9 }).chain((n) => fc.record({
    next: fc.array(fc.uniqueArray(fc.nat(n - 1)), { minLength: n, maxLength: n }).map((all) => all.map((list, node) => list.filter((other) => other !== node))),
    roots: fc.uniqueArray(fc.nat(n - 1))
  }))
  for (const k of [1, 2, 3]) {
    test(`are those that remain whatever ${k - 1} nodes are taken away`, () => {
      fc.assert(fc.property(graph, ({ next, roots }) => {
        expect([...notCutOff(next, roots, k)]).toEqual(byDefinition(next, roots, k))
      }), { numRuns: 3_000 })
    })
  }

  test('a crowd behind one door costs about as much as its edges', () => {
    const crowd = 1_300
    const next = Array.from({ length: crowd + 5 }, (_, node) => node < 5
      ? [0, 1, 2, 3, 4].filter((other) => other !== node)
      : Array.from({ length: 100 }, (_, i) => 5 + (node * 31 + i * 7) % crowd).filter((other) => other !== node))
    next[4]!.push(...Array.from({ length: 100 }, (_, i) => 5 + i))
    const started = performance.now()
    expect(notCutOff(next.map((list) => [...new Set(list)]), [0, 1, 2, 3, 4], 3).reduce((sum, value) => sum + value)).toBe(5)
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  test('are found among thousands that make every search long, in bounded time', () => {
    const k = 3
    const roots = [0, 1, 2, 3]
    const crowd = 3_000
    const next: number[][] = Array.from({ length: 4 + crowd + 2 }, () => [])
    // each of them behind the first root, and reached by all before it
    for (let ghost = 0; ghost < crowd; ghost++) {
      next[4 + ghost] = Array.from({ length: 100 }, (_, i) => 5 + ghost + i).filter((other) => other < 4 + crowd)
    }
    next[0] = Array.from({ length: 100 }, (_, i) => 4 + i)
    // these have two votes each and need a search
    const [p, q] = [4 + crowd, 5 + crowd]
    next[1] = [p]
    next[2] = [p, q]
    next[3] = [q]
    next[p] = [q]
    next[q] = [p]
    const reached = notCutOff(next, roots, k)
    expect([reached[p], reached[q]]).toEqual([1, 1])
    expect(reached.reduce((sum, value) => sum + value)).toBe(6)
  }, 5_000)
})

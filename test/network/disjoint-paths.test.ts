import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { notCutOff } from '../../src/network/disjoint-paths.ts'

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
})

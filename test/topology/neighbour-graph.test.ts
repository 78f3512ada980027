import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { neighbourGraph, rotationPeriod } from '../../src/topology/neighbour-graph.ts'
import { seededRandom, shuffle } from '../../src/seeded-random.ts'
import type { Rotation } from '../../src/topology/pair-ranks.ts'

function members (count: number, prefix = 'peer'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
}

function edges (graph: Map<string, string[]>): Set<string> {
  return new Set([...graph].flatMap(([a, others]) => others.filter((b) => a < b).map((b) => `${a} ${b}`)))
}

function reachable (graph: Map<string, string[]>): number {
  const [first] = graph.keys()
  const found = [first!]
  const seen = new Set(found)
  for (const node of found) {
    for (const other of graph.get(node)!.filter((name) => !seen.has(name))) {
      seen.add(other)
      found.push(other)
    }
  }
  return seen.size
}

/** Edges that differ between two graphs, those of one member left out */
function changed (before: Map<string, string[]>, after: Map<string, string[]>, but: string): number {
  const [x, y] = [edges(before), edges(after)]
  const others = (edge: string): boolean => !edge.split(' ').includes(but)
  return [...x].filter((edge) => others(edge) && !y.has(edge)).length + [...y].filter((edge) => others(edge) && !x.has(edge)).length
}

describe('neighbourGraph', () => {
  test('every member has exactly k neighbours, one has k - 1 when n·k is odd, and the graph is symmetric and connected', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 20 }), fc.string(), (n, degree, seed) => {
      const names = members(n)
      const graph = neighbourGraph(names, degree, seed)
      const expected = Math.min(degree, n - 1)
      const degrees = [...graph.values()].map((others) => others.length)
      const short = degrees.filter((count) => count !== expected)
      expect(graph.size).toBe(n)
      expect(short).toEqual(n * expected % 2 === 1 ? [expected - 1] : [])
      for (const [name, others] of graph) {
        expect(new Set(others).size).toBe(others.length)
        expect(others).not.toContain(name)
        expect(others).toEqual([...others].sort())
        expect(others.every((other) => graph.get(other)!.includes(name))).toBe(true)
      }
      if (degree > 1 && n > 1) {
        expect(reachable(graph)).toBe(n)
      }
    }), { numRuns: 400 })
  })

  test('is part of the protocol: these members draw this graph, whatever the version', () => {
    const digest = (rotation?: Rotation): string => createHash('sha256').update(JSON.stringify([...neighbourGraph(members(300), 8, 'federation', rotation)])).digest('hex')
    expect(digest()).toBe('46ceab4a0524e85954027c3027d13b5a90cba3b57b557323c5147093ec6909c9')
    expect(digest({ round: 7, period: 9 })).toBe('467bd1abaa76726343cddbc3b7e10687f6f3ca478da8f424d86547489b700b40')
  })

  test('the order of the members does not matter, the seed does', () => {
    const names = members(40)
    const graph = neighbourGraph(names, 4, 'a')
    expect(neighbourGraph(shuffle<string[]>([...names], seededRandom(3)), 4, 'a')).toEqual(graph)
    expect(neighbourGraph([...names, ...names], 4, 'a')).toEqual(graph)
    expect(edges(neighbourGraph(names, 4, 'b'))).not.toEqual(edges(graph))
  })

  for (const [n, degree, resample] of [[12, 8, 1], [16, 4, 1], [20, 8, 2], [64, 8, 1], [64, 8, 2], [64, 4, 4]] as const) {
    test(`${resample} of ${degree} neighbours change a round among ${n} members, by a draw that all make alike`, () => {
      const names = members(n)
      const rounds = 60
      const draw = (round: number): Map<string, string[]> => neighbourGraph(names, degree, 's', { round, period: rotationPeriod(n, degree, resample) })
      const met = new Set<string>()
      let changes = 0
      for (let round = 0; round < rounds; round++) {
        const [graph, next] = [draw(round), draw(round + 1)]
        expect([...graph.values()].every((neighbours) => neighbours.length === degree)).toBe(true)
        expect(names.every((name) => graph.get(name)!.every((other) => graph.get(other)!.includes(name)))).toBe(true)
        expect(reachable(graph)).toBe(n)
        changes += names.reduce((sum, name) => sum + next.get(name)!.filter((other) => !graph.get(name)!.includes(other)).length, 0)
        graph.get(names[0]!)!.forEach((other) => met.add(other))
      }
      expect(changes / rounds / n / resample).toBeGreaterThan(0.5)
      expect(changes / rounds / n / resample).toBeLessThan(1.5)
      expect(met.size).toBeGreaterThan(Math.min(n - 1, 2 * degree) - 1)
      expect(neighbourGraph(shuffle<string[]>([...names], seededRandom(3)), degree, 's', { round: 7, period: rotationPeriod(n, degree, resample) })).toEqual(draw(7))
    })
  }

  test('a degree that is not a positive integer is a RangeError', () => {
    expect(() => neighbourGraph(members(3), 0, 's')).toThrow(RangeError)
    expect(() => neighbourGraph(members(3), 1.5, 's')).toThrow(RangeError)
  })

  for (const [n, degree] of [[16, 4], [32, 8], [64, 8], [256, 8], [128, 3], [64, 2], [12, 8]] as const) {
    test(`a join or a departure changes few other edges: n ${n}, k ${degree}`, () => {
      let total = 0
      const runs = 20
      for (let run = 0; run < runs; run++) {
        const names = members(n, `r${run}`)
        const newcomer = `newcomer-${run}`
        total += changed(neighbourGraph(names, degree, 's'), neighbourGraph([...names, newcomer], degree, 's'), newcomer)
      }
      const average = total / runs
      // a newcomer must break k/2 edges to get its own
      expect(average).toBeLessThan(degree * 6)
    })
  }

  test('with 64 members an edge exists between any two members about equally often', () => {
    const names = members(64)
    const counts = new Map<string, number>()
    const seeds = 300
    for (let seed = 0; seed < seeds; seed++) {
      for (const edge of edges(neighbourGraph(names, 8, String(seed)))) {
        counts.set(edge, (counts.get(edge) ?? 0) + 1)
      }
    }
    const expected = seeds * 8 / 63
    expect(counts.size).toBe(64 * 63 / 2)
    // 2,016 pairs, standard deviation 5.8: six of them is out of the reach of chance
    expect(Math.max(...counts.values())).toBeLessThan(expected + 35)
    expect(Math.min(...counts.values())).toBeGreaterThan(expected - 35)
  })

  test('a thousand members are no trouble', () => {
    for (const n of [256, 1000]) {
      const names = members(n)
      const graph = neighbourGraph(names, 8, 's')
      expect([...graph.values()].every((others) => others.length === 8)).toBe(true)
    }
  })
})

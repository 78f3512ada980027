/**
 * The algebraic connectivity against closed forms
 */
import { describe, expect, it } from 'vitest'
import { connectivity, without } from '../../src/topology/connectivity.ts'
import { neighbourGraph } from '../../src/topology/neighbour-graph.ts'

function graphOf (n: number, edges: ReadonlyArray<readonly [number, number]>): Map<string, string[]> {
  const graph = new Map(Array.from({ length: n }, (_, i) => [String(i), [] as string[]]))
  for (const [a, b] of edges) {
    graph.get(String(a))!.push(String(b))
    graph.get(String(b))!.push(String(a))
  }
  return graph
}

const ring = (n: number): Map<string, string[]> => graphOf(n, Array.from({ length: n }, (_, i) => [i, (i + 1) % n] as const))
const names = (n: number): string[] => Array.from({ length: n }, (_, i) => `peer-${i}`)

describe('connectivity', () => {
  it('is n for a complete graph and 2 - 2 cos(2 pi / n) for a ring', () => {
    expect(connectivity(neighbourGraph(names(7), 6, 'x')).algebraicConnectivity).toBeCloseTo(7, 8)
    for (const n of [3, 8, 50, 300]) {
      expect(connectivity(ring(n)).algebraicConnectivity).toBeCloseTo(2 - 2 * Math.cos(2 * Math.PI / n), n > 100 ? 2 : 8)
    }
  })

  it('is 1 for a star, 2 for a hypercube of any dimension', () => {
    expect(connectivity(graphOf(9, Array.from({ length: 8 }, (_, i) => [0, i + 1] as const))).algebraicConnectivity).toBeCloseTo(1, 8)
    const cube = Array.from({ length: 32 }, (_, a) => [1, 2, 4, 8, 16].map((bit) => [a, a ^ bit] as const)).flat().filter(([a, b]) => a < b)
    expect(connectivity(graphOf(32, cube)).algebraicConnectivity).toBeCloseTo(2, 8)
  })

  it('is 0 for a graph in pieces, and for one node', () => {
    expect(connectivity(graphOf(6, [[0, 1], [1, 2], [2, 0], [3, 4], [4, 5], [5, 3]]))).toEqual({ algebraicConnectivity: 0, toleratedLiars: 0 })
    expect(connectivity(graphOf(1, []))).toEqual({ algebraicConnectivity: 0, toleratedLiars: 0 })
  })

  it('approaches k - 2 sqrt(k - 1) for large random regular graphs', () => {
    const { algebraicConnectivity } = connectivity(neighbourGraph(names(256), 8, 'large'))
    expect(algebraicConnectivity).toBeGreaterThan(2.5)
    expect(algebraicConnectivity).toBeLessThan(8 - 2 * Math.sqrt(7) + 0.6)
  })

  it('tolerates fewer liars than half of mu_2', () => {
    expect(connectivity(neighbourGraph(names(5), 4, 'x')).toleratedLiars).toBe(2)
    expect(connectivity(neighbourGraph(names(4), 3, 'x')).toleratedLiars).toBe(1)
    expect(connectivity(ring(12)).toleratedLiars).toBe(0)
  })

  it('of what is left when some are left out', () => {
    const left = without(neighbourGraph(names(6), 5, 'x'), new Set(['peer-0', 'peer-3']))
    expect([...left.keys()]).toEqual(['peer-1', 'peer-2', 'peer-4', 'peer-5'])
    expect(connectivity(left).algebraicConnectivity).toBeCloseTo(4, 8)
  })
})

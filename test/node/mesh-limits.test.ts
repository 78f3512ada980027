/**
 * What a mesh withstands, beside what the document declares
 */
import { describe, expect, it } from 'vitest'
import { meshLimits } from '../../src/node/mesh-limits.ts'
import { connectivity } from '../../src/topology/connectivity.ts'
import { neighbourGraph, rotationPeriod } from '../../src/topology/neighbour-graph.ts'
import { presetDocument } from '../../src/presets.ts'

const names = (n: number): string[] => Array.from({ length: n }, (_, i) => `peer-${i}`)

describe('meshLimits', () => {
  it('knows nothing of a mesh of one', () => {
    expect(meshLimits(['a'], presetDocument('digits'), 'x', 1)).toBeUndefined()
  })

  it('is content with a complete graph that withstands what the document declares', () => {
    expect(meshLimits(names(4), presetDocument('digits'), 'x', 1)).toMatchObject({ toleratedLiars: 1, f: 1, warning: undefined })
  })

  it('warns, with the numbers, when the graph is too thin for f', () => {
    const { warning, toleratedLiars } = meshLimits(names(40), presetDocument('digits'), 'x', 1)!
    expect(toleratedLiars).toBe(0)
    expect(warning).toMatch(/^40 members of degree 4 withstand 0 liars among the neighbours of each in the worst case \(algebraic connectivity [01]\.\d\d\), and the federation declares f = 1: /)
  })

  it('does not warn where the rule promises nothing', () => {
    const document = presetDocument('digits')
    expect(meshLimits(names(40), { ...document, aggregation: { rule: 'mean', f: 1 } }, 'x', 1)!.warning).toBeUndefined()
  })

  it('are those of the graph that is drawn for the round in hand', () => {
    const preset = presetDocument('digits')
    const document = { ...preset, topology: { degree: 4, resample: 2 } }
    const rounds = [1, 2, 3].map((round) => meshLimits(names(40), document, 'x', round)!)
    const period = rotationPeriod(40, 4, 2)
    expect(rounds.map(({ algebraicConnectivity }) => algebraicConnectivity)).toEqual([1, 2, 3].map((round) => connectivity(neighbourGraph(names(40), 4, 'x', { round, period })).algebraicConnectivity))
    expect(new Set(rounds.map(({ algebraicConnectivity }) => algebraicConnectivity)).size).toBe(3)
    expect(rounds[1]!.warning).toContain('in the worst case of the graph of round 2 (')
  })
})

/**
 * What a mesh withstands, beside what the document declares
 */
import { describe, expect, it } from 'vitest'
import { meshLimits } from '../src/mesh-limits.ts'
import { presetDocument } from '../src/presets.ts'

const names = (n: number): string[] => Array.from({ length: n }, (_, i) => `peer-${i}`)

describe('meshLimits', () => {
  it('knows nothing of a mesh of one', () => {
    expect(meshLimits(['a'], presetDocument('digits'), 'x')).toBeUndefined()
  })

  it('is content with a complete graph that withstands what the document declares', () => {
    expect(meshLimits(names(4), presetDocument('digits'), 'x')).toMatchObject({ toleratedLiars: 1, f: 1, warning: undefined })
  })

  it('warns, with the numbers, when the graph is too thin for f', () => {
    const { warning, toleratedLiars } = meshLimits(names(40), presetDocument('digits'), 'x')!
    expect(toleratedLiars).toBe(0)
    expect(warning).toMatch(/^40 members of degree 4 withstand 0 liars among the neighbours of each in the worst case \(algebraic connectivity [01]\.\d\d\), and the federation declares f = 1: /)
  })

  it('does not warn where the rule promises nothing', () => {
    const document = presetDocument('digits')
    expect(meshLimits(names(40), { ...document, aggregation: { rule: 'mean', f: 1 } }, 'x')!.warning).toBeUndefined()
  })
})

/**
 * Who is held back, how many at most, and how one comes out
 */
import { describe, expect, it } from 'vitest'
import { Quarantine } from '../../src/round/quarantine.ts'
import { Suspicion } from '../../src/round/suspicion.ts'
import { Vigilance } from '../../src/round/vigilance.ts'

function withLevels (levels: Record<string, number>, limit: number): Quarantine {
  const suspicion = new Suspicion()
  suspicion.restore(levels)
  const quarantine = new Quarantine(suspicion, limit)
  quarantine.observe(Object.keys(levels))
  return quarantine
}

describe('quarantine', () => {
  const levels = { a: 0.7, b: 0.9, c: 0.59, d: 0.8 }

  it('holds back the most suspicious, as many as may lie', () => {
    expect(withLevels(levels, 2).among(['a', 'b', 'c', 'd', 'e'], 0)).toEqual(['b', 'd'])
    expect(withLevels(levels, 0).among(['a', 'b', 'c', 'd', 'e'], 0)).toEqual([])
    expect(withLevels(levels, 9).among(['a', 'b', 'c', 'd', 'e'], 0)).toEqual(['b', 'd', 'a'])
  })

  it('leaves the rule as many updates as it needs', () => {
    expect(withLevels(levels, 2).among(['a', 'b', 'd', 'e'], 3)).toEqual(['b'])
    expect(withLevels(levels, 2).among(['b', 'd'], 2)).toEqual([])
    expect(withLevels(levels, 2).among(['b'], 2)).toEqual([])
  })

  it('lets out below a lower level than it takes in', () => {
    const suspicion = new Suspicion()
    const quarantine = new Quarantine(suspicion, 1)
    const at = (level: number): string[] => {
      suspicion.restore({ a: level })
      quarantine.observe(['a'])
      return quarantine.among(['a', 'b'], 1)
    }
    expect([0.5, 0.6, 0.31, 0.29, 0.59].map((level) => at(level).length)).toEqual([0, 1, 1, 0, 0])
  })
})

describe('vigilance', () => {
  it.each([undefined, {}, { suspects: null, quarantined: 7 }, { suspects: { a: 'x', b: -1, c: 2, d: NaN }, quarantined: { e: null } }])('starts anew from a report that says nothing: %j', (report) => {
    const vigilance = new Vigilance(1)
    vigilance.restore(report)
    expect(vigilance.report()).toEqual({ rejected: {}, rejectedPeers: {}, suspects: {}, quarantined: {} })
  })
})

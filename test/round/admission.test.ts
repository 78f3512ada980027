/**
 * What was paid for must have been mixed before the next round is paid for
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Admission, FIRST_PAUSE_MS, START_GRACE_MS } from '../../src/round/admission.ts'
import { lead, supportedRound } from '../../src/round/round-numbers.ts'
import type { Candidate } from '../../src/round/admission.ts'

const gone = (peer: string): Candidate => ({ peer, live: false, readyClaim: undefined, hasUnused: false })
const live = (peer: string): Candidate => ({ ...gone(peer), live: true })
const ready = (peer: string, readyClaim = 1): Candidate => ({ ...live(peer), readyClaim })
const published = (peer: string): Candidate => ({ ...live(peer), hasUnused: true })

/** One that paid for a round with these neighbours, at time 0, and could not mix it */
function unmixed (candidates: Candidate[] = [], needed = 2): Admission {
  const admission = new Admission({ needed })
  admission.paid(candidates, 0)
  return admission
}

describe('admission of a round', () => {
  it('begins a mesh in which nobody has published by claims alone, not by life', () => {
    const admission = new Admission({ needed: 2 })
    expect(admission.turn([live('a'), live('b')], 0)).toEqual({ action: 'wait', missing: ['a', 'b'], againInMs: undefined })
    expect(admission.turn([ready('a'), live('b')], 0)).toMatchObject({ action: 'wait', missing: ['b'] })
    expect(admission.turn([ready('a'), ready('b')], 0)).toEqual({ action: 'train' })
  })

  it('gives the others a moment at the start, once enough are there', () => {
    const admission = new Admission({ needed: 2 })
    const candidates = [ready('a'), ready('b'), live('c'), gone('d')]
    expect(admission.turn(candidates, 0)).toEqual({ action: 'wait', missing: ['c', 'd'], againInMs: START_GRACE_MS })
    expect(admission.turn(candidates, START_GRACE_MS)).toEqual({ action: 'train' })
    // nobody who is not there is waited for
    expect(new Admission({ needed: 2 }).turn([ready('a'), ready('b'), gone('d')], 0)).toEqual({ action: 'train' })
  })

  it('goes on freely among live neighbours after a round that was mixed', () => {
    const admission = unmixed()
    admission.mixed()
    expect(admission.turn([live('a'), live('b')], 0)).toEqual({ action: 'train' })
    expect(admission.turn([live('a'), gone('b')], 0)).toMatchObject({ action: 'wait', missing: ['b'] })
  })

  it('mixes what was paid for late, without a charge, when enough updates are there', () => {
    const admission = unmixed()
    expect(admission.turn([published('a'), live('b')], 0)).toMatchObject({ action: 'wait', missing: ['b'] })
    expect(admission.turn([published('a'), published('b')], 0)).toEqual({ action: 'mix' })
  })

  it('takes a claim for one round only, and a newer one for the next', () => {
    const admission = unmixed([ready('a', 1), ready('b', 1)])
    const late = FIRST_PAUSE_MS
    expect(admission.turn([ready('a', 1), ready('b', 1)], late)).toMatchObject({ action: 'wait', missing: ['a', 'b'] })
    expect(admission.turn([ready('a', 2), ready('b', 1)], late)).toMatchObject({ action: 'wait', missing: ['b'] })
    expect(admission.turn([ready('a', 2), ready('b', 2)], late)).toEqual({ action: 'train' })
  })

  it('costs a dozen rounds in a night among members who claim and never publish', () => {
    const admission = new Admission({ needed: 2 })
    let rounds = 0
    for (let second = 0; second < 10 * 3600; second++) {
      // claimed anew every second
      const candidates = [ready('a', second), ready('b', second)]
      if (admission.turn(candidates, second * 1000).action === 'train') {
        admission.paid(candidates, second * 1000)
        rounds++
      }
    }
    expect(rounds).toBeGreaterThan(1)
    expect(rounds).toBeLessThanOrEqual(14)
  })

  it('costs nothing more while nobody is there, for however long', () => {
    const admission = unmixed()
    expect(admission.turn([gone('a'), gone('b')], 1e12)).toEqual({ action: 'wait', missing: ['a', 'b'], againInMs: undefined })
    expect(admission.turn([], 1e12)).toEqual({ action: 'wait', missing: [], againInMs: undefined })
  })

  it('knows after a restart what the life before paid for', () => {
    const admission = new Admission({ needed: 1 })
    admission.restore({ standing: 'unmixed', unmixed: 3, paidAtMs: 0 })
    expect(admission.turn([ready('a')], 1000)).toEqual({ action: 'wait', missing: [], againInMs: 4 * FIRST_PAUSE_MS - 1000 })
    expect(admission.turn([published('a')], 1000)).toEqual({ action: 'mix' })
  })

  it('never pays twice in a row without that an update came, a claim was made or the model was mixed in between', () => {
    const candidate = fc.record({ peer: fc.constantFrom('a', 'b', 'c', 'd'), live: fc.boolean(), readyClaim: fc.option(fc.nat(3), { nil: undefined }), hasUnused: fc.boolean() })
    const candidates = fc.uniqueArray(candidate, { selector: ({ peer }) => peer, maxLength: 4 })
    fc.assert(fc.property(fc.integer({ min: 1, max: 3 }), candidates, fc.nat(1_000_000), (needed, seen, ms) => {
      const admission = new Admission({ needed })
      admission.paid(seen, 0)
      const again = admission.turn(seen.map((each) => ({ ...each, hasUnused: false })), ms)
      expect(again.action).toBe('wait')
    }))
  })
})

describe('round numbers', () => {
  it('follow what half of the neighbours reached, and at least as many as the rule needs', () => {
    expect(supportedRound([9, 9, 3, 3], 2)).toBe(9)
    expect(supportedRound([1_000_000, 3, 3, 3], 2)).toBe(3)
    expect(supportedRound([1_000_000, 0, 0], 1)).toBe(0)
    expect(supportedRound([9, 9], 4)).toBe(9)
    expect(supportedRound([], 2)).toBe(0)
  })

  it('cannot be raised by fewer liars than the rule needs updates', () => {
    const honest = fc.array(fc.nat(100), { minLength: 1, maxLength: 8 })
    fc.assert(fc.property(honest, fc.integer({ min: 1, max: 4 }), (rounds, f) => {
      fc.pre(rounds.length >= 2 * f - 1)
      const lied = [...rounds, ...Array<number>(f).fill(2 ** 31 - 1)]
      fc.pre(f < Math.max(2 * f, Math.ceil(lied.length / 2)))
      expect(supportedRound(lied, 2 * f)).toBeLessThanOrEqual(Math.max(...rounds))
    }))
  })

  it('hold who is ahead of the lower median, itself counted', () => {
    expect(lead(10, [10, 10, 9])).toBe(0)
    expect(lead(10, [3, 3, 10])).toBe(7)
    expect(lead(10, [3, 10, 10])).toBe(0)
    expect(lead(10, [])).toBe(0)
    expect(lead(3, [10, 10, 10])).toBe(-7)
  })
})

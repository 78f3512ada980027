import { describe, expect, it } from 'vitest'
import { ACCOUNTANT_NAMES, createAccountant } from '../../../src/privacy/accounting/accountants.ts'
import { rdpAccountant } from '../../../src/privacy/accounting/rdp.ts'
import { seededRandom } from '../../../src/seeded-random.ts'
import type { Accountant, AccountantName } from '../../../src/privacy/accounting/accountant.ts'

const DELTA = 1e-5

function epsilonOf (name: AccountantName, sampleRate: number, noiseMultiplier: number, steps: number): number {
  return createAccountant(name).compose({ sampleRate, noiseMultiplier, steps }).epsilon(DELTA)
}

/** One that shares nothing with another of the same events */
function createEqual (name: AccountantName, events: Accountant['events']): Accountant {
  return events.reduce((accountant, event) => accountant.compose(event), createAccountant(name))
}

function increasing (values: number[]): boolean {
  return values.every((value, at) => at === 0 || value > values[at - 1]!)
}

describe.each(ACCOUNTANT_NAMES)('%s accountant', (name) => {
  it('knows of no leak before the first mechanism, nor after no steps', () => {
    const empty = createAccountant(name)

    expect([empty.epsilon(DELTA), empty.delta(0), empty.events]).toEqual([0, 0, []])
    expect(empty.compose({ sampleRate: 0.1, noiseMultiplier: 1, steps: 0 }).epsilon(DELTA)).toBe(0)
  })

  it('is not changed by composition, and lists what was composed', () => {
    const once = createAccountant(name).compose({ sampleRate: 0.01, noiseMultiplier: 1, steps: 10 })
    const before = once.epsilon(DELTA)
    const more = once.compose({ sampleRate: 0.02, noiseMultiplier: 1, steps: 5 }).compose({ sampleRate: 0.01, noiseMultiplier: 1, steps: 1 })

    expect(more.events).toEqual([{ sampleRate: 0.01, noiseMultiplier: 1, steps: 11 }, { sampleRate: 0.02, noiseMultiplier: 1, steps: 5 }])
    expect(more.epsilon(DELTA)).toBeGreaterThan(before)
    expect(once.epsilon(DELTA)).toBe(before)
    expect(more.name).toBe(name)
  })

  it('says more with more steps, with more examples, with less noise, and with a smaller delta', () => {
    expect(increasing([1, 2, 5, 20, 100, 110, 1000, 1100, 30_000].map((steps) => epsilonOf(name, 0.01, 1, steps)))).toBe(true)
    expect(increasing([1e-3, 2e-3, 0.01, 0.1, 0.5, 0.99, 1].map((q) => epsilonOf(name, q, 1.5, 50)))).toBe(true)
    expect(increasing([20, 10, 5, 2, 1.9, 1, 0.5, 0.3].map((sigma) => epsilonOf(name, 0.01, sigma, 50)))).toBe(true)
    const some = createAccountant(name).compose({ sampleRate: 0.01, noiseMultiplier: 1, steps: 100 })
    expect(increasing([0.1, 1e-3, 1e-5, 1e-6, 1e-10, 1e-50].map((delta) => some.epsilon(delta)))).toBe(true)
    expect(increasing([8, 4, 2, 1, 0.5, 0.1].map((epsilon) => some.delta(epsilon)))).toBe(true)
  })

  it('never says more than RDP', () => {
    for (const [q, sigma, steps] of [[1e-3, 0.4, 3000], [0.5, 3, 40], [1, 2, 2], [1e-6, 0.2, 1]] as const) {
      expect(epsilonOf(name, q, sigma, steps)).toBeLessThanOrEqual(epsilonOf('rdp', q, sigma, steps))
    }
  })

  it.each<[number, number, number]>([
    [1e-6, 0.2, 1], [1e-6, 0.2, 1e6], [1e-6, 100, 1], [1e-6, 100, 1e6], [0.01, 0.2, 1], [0.01, 0.2, 1e6], [0.01, 100, 1e6], [1, 0.2, 1e6], [1, 100, 1e6],
    [0.999, 0.2, 1e6], [0.01, 1e-3, 10], [0.5, 0.02, 1e4], [0.01, 1, 1e9], [0.1, 0.05, 1e9], [0.01, 1e6, 1e9], [1e-12, 1, 1e6]
  ])('is finite and tells both ways at q %d, sigma %d, %d steps', (sampleRate, noiseMultiplier, steps) => {
    const extreme = createAccountant(name).compose({ sampleRate, noiseMultiplier, steps })
    const epsilon = extreme.epsilon(DELTA)

    expect(epsilon).toBeGreaterThanOrEqual(0)
    expect(epsilon).toBeLessThan(Infinity)
    for (const at of [0, epsilon, 2 * epsilon + 1]) {
      expect(extreme.delta(at)).toBeGreaterThanOrEqual(0)
      expect(extreme.delta(at)).toBeLessThanOrEqual(1)
    }
    expect(extreme.epsilon(1e-300)).toBeGreaterThanOrEqual(epsilon)
    expect(extreme.epsilon(0.999)).toBeLessThanOrEqual(epsilon)
  })

  it('says Infinity, never NaN, when there is next to no noise', () => {
    for (const sampleRate of [0.01, 0.5, 1]) {
      const bare = createAccountant(name).compose({ sampleRate, noiseMultiplier: 1e-200, steps: 3 })

      expect(bare.epsilon(DELTA)).toBe(Infinity)
      expect(bare.delta(10)).toBeGreaterThanOrEqual(Math.min(1, 2.9 * sampleRate))
      expect(bare.delta(10)).toBeLessThanOrEqual(1)
      expect(bare.compose({ sampleRate: 0.1, noiseMultiplier: 1, steps: 3 }).epsilon(DELTA)).toBe(Infinity)
    }
  })

  it.each([
    [{ sampleRate: 0 }, 'sampleRate must be above 0 and at most 1, not 0'],
    [{ sampleRate: 1.1 }, 'sampleRate must be above 0 and at most 1, not 1.1'],
    [{ sampleRate: NaN }, 'sampleRate must be above 0 and at most 1, not NaN'],
    [{ noiseMultiplier: 0 }, 'noiseMultiplier must be a finite number above 0, not 0'],
    [{ noiseMultiplier: Infinity }, 'noiseMultiplier must be a finite number above 0, not Infinity'],
    [{ noiseMultiplier: NaN }, 'noiseMultiplier must be a finite number above 0, not NaN'],
    [{ steps: -1 }, 'steps must be a whole number of at least 0, not -1'],
    [{ steps: 1.5 }, 'steps must be a whole number of at least 0, not 1.5']
  ])('refuses the event %o', (wrong, message) => {
    expect(() => createAccountant(name).compose({ sampleRate: 0.1, noiseMultiplier: 1, steps: 1, ...wrong })).toThrow(new RangeError(message))
  })

  it.each([0, 1, -1, NaN])('refuses the delta %d', (delta) => {
    expect(() => createAccountant(name).epsilon(delta)).toThrow(new RangeError(`delta must be above 0 and below 1, not ${delta}`))
  })

  it.each([-1e-9, NaN])('refuses the epsilon %d', (epsilon) => {
    expect(() => createAccountant(name).delta(epsilon)).toThrow(new RangeError(`epsilon must be at least 0, not ${epsilon}`))
  })
})

describe.each(ACCOUNTANT_NAMES)('%s accountant, asked for a limit', (name) => {
  it('proves just what its epsilon is within', () => {
    const random = seededRandom('limits')
    for (let i = 0; i < 40; i++) {
      let accountant = createAccountant(name)
      for (let events = 1 + Math.floor(3 * random()); events > 0; events--) {
        accountant = accountant.compose({ sampleRate: random() < 0.2 ? 1 : 10 ** (-3 * random()), noiseMultiplier: 0.4 + 4 * random(), steps: Math.ceil(10 ** (3 * random())) })
      }
      const asked = [0.5, 0.9, 1 - 1e-15, 1, 1 + 1e-15, 1.1, 2].map((part) => part * createEqual(name, accountant.events).epsilon(DELTA))

      expect(asked.map((limit) => accountant.proves(limit, DELTA))).toEqual(asked.map((limit) => accountant.epsilon(DELTA) <= limit))
    }
  })

  it('proves 0 of nothing, and nothing of NaN', () => {
    expect([0, -1, NaN].map((limit) => createAccountant(name).proves(limit, DELTA))).toEqual([true, false, false])
    expect(() => createAccountant(name).proves(1, 1)).toThrow(new RangeError('delta must be above 0 and below 1, not 1'))
  })

  it('is the same whether it was asked on the way or not', () => {
    const asked = createAccountant(name)
    const events = [{ sampleRate: 0.01, noiseMultiplier: 1, steps: 100 }, { sampleRate: 0.1, noiseMultiplier: 2, steps: 7 }, { sampleRate: 0.01, noiseMultiplier: 1, steps: 3 }]
    const onTheWay = events.reduce((accountant, event) => {
      accountant.proves(3, DELTA)
      const next = accountant.compose(event)
      next.epsilon(DELTA)
      return next
    }, asked)

    expect(onTheWay.epsilon(DELTA)).toBe(events.reduce((accountant, event) => accountant.compose(event), createAccountant(name)).epsilon(DELTA))
  })
})

describe('accountants', () => {
  it('are rdp and pld', () => {
    expect(ACCOUNTANT_NAMES).toEqual(['rdp', 'pld'])
    expect(() => createAccountant('moments' as AccountantName)).toThrow(new RangeError('unknown accountant "moments"; known are rdp, pld'))
  })

  it('add different mechanisms up: RDP divergences are sums', () => {
    const parts = rdpAccountant([5]).compose({ sampleRate: 0.01, noiseMultiplier: 1, steps: 7 }).compose({ sampleRate: 0.1, noiseMultiplier: 3, steps: 2 })
    const [first, second] = [[0.01, 1, 7], [0.1, 3, 2]].map(([sampleRate, noiseMultiplier, steps]) =>
      rdpAccountant([5]).compose({ sampleRate: sampleRate!, noiseMultiplier: noiseMultiplier!, steps: steps! }).epsilon(DELTA))
    // One order: epsilon = divergence + a constant
    const constant = Math.log(0.8) - Math.log(5 * DELTA) / 4

    expect(Math.abs(parts.epsilon(DELTA) - (first! + second! - constant))).toBeLessThan(1e-12)
  })
})

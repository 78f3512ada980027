/**
 * What a budget asks its accountants for, and when
 */
import { describe, expect, it } from 'vitest'
import { createAccountant, createAccountants } from '../../src/privacy/accounting/accountants.ts'
import { PrivacyBudget } from '../../src/privacy/budget.ts'
import type { Accountant, AccountantName } from '../../src/privacy/accounting/accountant.ts'
import type { SpentTotal } from '../../src/privacy/budget.ts'

const CHARGE = { mechanism: 'dp-sgd', sampleRate: 0.03, noiseMultiplier: 0.9, steps: 10 } as const

/** Tells whenever an epsilon is asked for */
function watched (inner: Accountant, tell: () => void): Accountant {
  return {
    name: inner.name,
    events: inner.events,
    compose: (event) => watched(inner.compose(event), tell),
    proves: (limit, delta) => inner.proves(limit, delta),
    delta: (epsilon) => inner.delta(epsilon),
    epsilon: (delta) => {
      tell()
      return inner.epsilon(delta)
    }
  }
}

interface Setup {
  accountant?: AccountantName
  epsilonLimit?: number
}

function setUp ({ accountant = 'rdp', epsilonLimit = 8 }: Setup = {}): { budget: PrivacyBudget, asked: () => number, spent: SpentTotal[] } {
  const spent: SpentTotal[] = []
  let asked = 0
  const tell = (): void => { asked++ }
  const budget = new PrivacyBudget({
    settings: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 0.9, epsilonLimit, delta: 1e-5, accountant },
    charge: CHARGE,
    ledger: { totals: () => spent, reserve: async () => { spent.push({ ...CHARGE }) } },
    accountants: { rdp: watched(createAccountant('rdp'), tell), pld: watched(createAccountant('pld'), tell) },
    federation: 'bafy',
    peer: 'peer'
  })
  return { budget, asked: () => asked, spent }
}

describe.each(['rdp', 'pld'] as const)('a budget by %s', (accountant) => {
  it('lets rounds begin without adding up what was spent, and stops where that is the limit', async () => {
    const { budget, asked, spent } = setUp({ accountant })
    const charged = []
    for (let round = 1; round <= 200; round++) {
      charged.push(await budget.reserve(round))
    }
    const rounds = charged.indexOf(false)
    const after = (count: number): number => createAccountants()[accountant].compose({ ...CHARGE, steps: CHARGE.steps * count }).epsilon(1e-5)

    expect(asked()).toBe(0)
    expect(spent).toHaveLength(rounds)
    expect(after(rounds)).toBeLessThanOrEqual(8)
    expect(after(rounds + 1)).toBeGreaterThan(8)
    expect(charged.slice(rounds).every((isCharged) => !isCharged)).toBe(true)
    expect(budget.refuses(201)).toBe(true)
  })

  it('says what was spent by both when asked, once for each charge', async () => {
    const { budget, asked } = setUp({ accountant })
    await budget.reserve(1)
    const status = budget.status()
    budget.status()

    expect(asked()).toBe(2)
    expect(status.epsilon.rdp).toBe(createAccountant('rdp').compose(CHARGE).epsilon(1e-5))
    expect(status.epsilon.pld).toBe(createAccountant('pld').compose(CHARGE).epsilon(1e-5))
    expect(status).toMatchObject({ accountant, limit: 8, exhausted: false, scope: 'example' })
    await budget.reserve(2)

    expect(budget.status().epsilon.rdp).toBeGreaterThan(status.epsilon.rdp)
  })

  it('refuses the first round where one costs more than the limit', () => {
    const { budget } = setUp({ accountant, epsilonLimit: 0.01 })

    expect(budget.refuses(1)).toBe(true)
    expect(budget.status()).toMatchObject({ exhausted: true, epsilon: { rdp: 0, pld: 0 } })
  })
})

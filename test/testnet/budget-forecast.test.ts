import { describe, expect, it } from 'vitest'
import { DIGITS_DEFAULTS } from '../../src/data/digits.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { presetDocument } from '../../src/presets.ts'
import { budgetsThatEnd } from '../../testnet/budget-forecast.ts'
import { settingsOf } from '../../testnet/testnet-settings.ts'
import type { PrivateSettings } from '../../src/federation/privacy-settings.ts'
import type { TestnetInit } from '../../testnet/index.ts'

const document = presetDocument('digits-private')
const limited = { ...document, privacy: { ...document.privacy as PrivateSettings, noiseMultiplier: 2, epsilonLimit: 1 } }

const plan = (init: Partial<TestnetInit> = {}): ReturnType<typeof settingsOf> => settingsOf({
  peers: 8, rounds: 20, federation: limited, data: { kind: 'digits', ...DIGITS_DEFAULTS }, partition: { strategy: 'dirichlet', alpha: 0.3 }, seed: 1, ...init
})

describe('the forecast of budgets', () => {
  it('names the peers with few examples, and the last round that each can pay for', async () => {
    const ending = await budgetsThatEnd(plan())
    expect(ending.length).toBeGreaterThan(0)
    expect(ending.length).toBeLessThan(8)
    expect(ending.map(({ rounds }) => rounds)).toEqual(ending.map(({ rounds }) => rounds).sort((a, b) => a - b))
    for (const { examples, rounds } of ending) {
      expect(examples).toBeLessThan(2000)
      const spentAfter = (count: number): number => epsilonsAfter({ settings: limited.privacy, charge: roundCharge(limited, examples)!, totals: [] }, count).pld
      expect(spentAfter(rounds)).toBeLessThanOrEqual(1)
      expect(spentAfter(rounds + 1)).toBeGreaterThan(1)
    }
  })

  it('names nobody when every budget lasts, or there is none', async () => {
    expect(await budgetsThatEnd(plan({ rounds: 2 }))).toEqual([])
    expect(await budgetsThatEnd(plan({ federation: { ...document, privacy: { mechanism: 'none' } } }))).toEqual([])
  })

  it('ends when its signal says so', async () => {
    await expect(budgetsThatEnd(plan(), { signal: AbortSignal.abort(new RangeError('stopped')) })).rejects.toThrow('stopped')
  })
})

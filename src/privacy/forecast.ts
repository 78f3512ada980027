/**
 * Where a budget stands and where it leads: what was spent, what more rounds cost, how many there are
 *
 * Pure: works on what a ledger adds up to, for a ledger that is open here or in another process.
 */
import { createAccountant, createAccountants } from './accounting/accountants.ts'
import { stepsWithin } from './accounting/steps-within.ts'
import { accountFor, epsilonsOf, scopeOf } from './budget.ts'
import type { Epsilons, PrivacyStatus, SpentTotal } from './budget.ts'
import type { RoundCharge } from './mechanism.ts'
import type { PrivateSettings } from '../federation/privacy-settings.ts'

export interface ForecastInit {
  settings: PrivateSettings
  /** What each round to come costs */
  charge: RoundCharge
  /** What all charges to the dataset add up to */
  totals: readonly SpentTotal[]
  /** A stricter limit than the document's */
  limit?: number | undefined
}

export interface Forecast extends PrivacyStatus {
  /** By either accountant, once one more round is done */
  afterNextRound: Epsilons
  /** More rounds that stay within the limit, by the accountant that counts */
  roundsLeft: number
}

/**
 * Epsilon by both accountants, once so many more rounds are done. Infinity where a total promises nothing for the scope
 */
export function epsilonsAfter ({ settings: { mechanism, delta }, charge, totals }: Omit<ForecastInit, 'limit'>, rounds: number): Epsilons {
  const planned = rounds === 0 ? totals : [...totals, { ...charge, steps: charge.steps * rounds }]
  return epsilonsOf(createAccountants(), planned, { scope: scopeOf(mechanism), delta })
}

/** Takes up to a second or two with `pld` and a large budget */
export function forecast (init: ForecastInit): Forecast {
  const { settings: { mechanism, delta, accountant, epsilonLimit }, limit: own = Infinity } = init
  const limit = Math.min(own, epsilonLimit)
  const afterNextRound = epsilonsAfter(init, 1)
  return {
    mechanism,
    scope: scopeOf(mechanism),
    epsilon: epsilonsAfter(init, 0),
    delta,
    accountant,
    limit,
    exhausted: afterNextRound[accountant] > limit,
    afterNextRound,
    roundsLeft: roundsWithin(init, limit)
  }
}

/** The charge is an event of its own mechanism's scope, so that it stands for itself: see budget.ts */
function roundsWithin ({ settings: { mechanism, delta, accountant }, charge: { sampleRate, noiseMultiplier, steps }, totals }: ForecastInit, limit: number): number {
  const spent = accountFor(createAccountant(accountant), totals, scopeOf(mechanism))
  return spent === undefined ? 0 : Math.floor(stepsWithin({ epsilon: limit, delta, spent, sampleRate, noiseMultiplier }) / steps)
}

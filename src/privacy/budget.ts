/**
 * The privacy budget of one dataset: what was spent, what a round costs, and whether it may still be had
 *
 * The ledger is the truth; this adds up what stands in it. A round is charged before it touches the data, so that
 * nothing computed from them can leave uncharged, whatever crashes when.
 */
import type { Accountant, AccountantName, MechanismEvent } from './accounting/accountant.ts'
import type { RoundCharge } from './mechanism.ts'
import type { PrivateSettings } from '../federation/privacy-settings.ts'

/** Who is hidden: one example of the dataset, or the dataset as a whole */
export type PrivacyScope = 'example' | 'dataset'

/** Equal charges of a dataset, from whatever home, federation and run */
export interface SpentTotal {
  mechanism: RoundCharge['mechanism']
  sampleRate: number
  noiseMultiplier: number
  steps: number
}

/** What the budget needs of a ledger */
export interface BudgetLedger {
  totals: () => readonly SpentTotal[]
  /** Returns when the charge is durable */
  reserve: (charge: RoundCharge & { round: number, clipNorm: number, federation: string, peer: string }) => Promise<unknown>
}

export type Epsilons = Record<AccountantName, number>

export interface PrivacyStatus {
  mechanism: PrivateSettings['mechanism']
  scope: PrivacyScope
  /** Spent on this dataset, in all runs together, by either accountant: upper bounds */
  epsilon: Epsilons
  delta: number
  /** Whose epsilon counts against the limit */
  accountant: AccountantName
  limit: number
  /** True when the next round would exceed the limit: nothing is sent any more */
  exhausted: boolean
}

export interface PrivacyBudgetInit {
  settings: PrivateSettings
  /** What each round costs */
  charge: RoundCharge
  ledger: BudgetLedger
  /** Empty accountants */
  accountants: Record<AccountantName, Accountant>
  /** Who spends: stands in each charge */
  federation: string
  peer: string
  /** Whether a round takes no step, so that it costs nothing. @default none does */
  isIdle?: (round: number) => boolean
  /** A stricter limit than the document's */
  limit?: number | undefined
}

/**
 * A total as the accountants take it. For single examples a whole update counts double: with or without an example it
 * is clipped to the same norm, and lies within twice that of the other. Undefined where a mechanism promises nothing
 * for the scope
 */
function eventOf ({ mechanism, sampleRate, noiseMultiplier, steps }: SpentTotal, scope: PrivacyScope): MechanismEvent | undefined {
  if (scope === 'dataset') {
    return mechanism === 'dp-sgd' ? undefined : { sampleRate, noiseMultiplier, steps }
  }
  return { sampleRate, noiseMultiplier: mechanism === 'update-level' ? noiseMultiplier / 2 : noiseMultiplier, steps }
}

/** An accountant that has seen these totals; undefined when one of them promises nothing for the scope */
export function accountFor (empty: Accountant, totals: readonly SpentTotal[], scope: PrivacyScope): Accountant | undefined {
  const events = totals.map((total) => eventOf(total, scope))
  return events.every((event) => event !== undefined) ? events.reduce((accountant, event) => accountant.compose(event), empty) : undefined
}

/** Epsilon of these totals at `delta`. Infinity where one of them promises nothing for the scope */
export function epsilonOf (empty: Accountant, totals: readonly SpentTotal[], { scope, delta }: Pick<PrivacyStatus, 'scope' | 'delta'>): number {
  return accountFor(empty, totals, scope)?.epsilon(delta) ?? Infinity
}

/** The same by both */
export function epsilonsOf (empty: Record<AccountantName, Accountant>, totals: readonly SpentTotal[], claim: Pick<PrivacyStatus, 'scope' | 'delta'>): Epsilons {
  return { rdp: epsilonOf(empty.rdp, totals, claim), pld: epsilonOf(empty.pld, totals, claim) }
}

export function scopeOf (mechanism: PrivateSettings['mechanism']): PrivacyScope {
  return mechanism === 'dp-sgd' ? 'example' : 'dataset'
}

export class PrivacyBudget {
  private readonly init: PrivacyBudgetInit
  private readonly scope: PrivacyScope
  readonly limit: number
  /** Of the ledger as it is, each when it is first asked for; empty after a charge */
  private known: { epsilon?: Epsilons, exhausted?: boolean } = {}

  constructor (init: PrivacyBudgetInit) {
    this.init = init
    this.scope = scopeOf(init.settings.mechanism)
    this.limit = Math.min(init.limit ?? Infinity, init.settings.epsilonLimit)
  }

  /** Whether the round would not be charged, as it would exceed the limit */
  refuses (round: number): boolean {
    return this.init.isIdle?.(round) !== true && this.exhausted
  }

  /** Charges the round, durably. False, with nothing charged, when it would exceed the limit */
  async reserve (round: number): Promise<boolean> {
    if (this.init.isIdle?.(round) === true) {
      return true
    }
    if (this.exhausted) {
      return false
    }
    const { charge, settings: { clipNorm }, ledger, federation, peer } = this.init
    try {
      await ledger.reserve({ ...charge, clipNorm, round, federation, peer })
    } finally {
      // a charge that failed may stand in the ledger all the same
      this.known = {}
    }
    return true
  }

  status (): PrivacyStatus {
    const { accountants, ledger, settings: { mechanism, delta, accountant } } = this.init
    const { scope, limit } = this
    const epsilon = this.known.epsilon ??= epsilonsOf(accountants, ledger.totals(), { scope, delta })
    return { mechanism, scope, epsilon, exhausted: this.exhausted, delta, accountant, limit }
  }

  /** Whether the next round would exceed the limit. Far below it that is known long before what was spent */
  private get exhausted (): boolean {
    const { accountants, settings: { accountant, delta }, charge, ledger } = this.init
    this.known.exhausted ??= accountFor(accountants[accountant], [...ledger.totals(), charge], this.scope)?.proves(this.limit, delta) !== true
    return this.known.exhausted
  }
}

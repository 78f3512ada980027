/**
 * Privacy in words. An epsilon never stands without its delta, its accountant and whom it protects
 */
import { scopeOf } from '../src/privacy/budget.ts'
import type { Epsilons, PrivacyScope, PrivacyStatus } from '../src/privacy/budget.ts'
import type { PrivacySettings, PrivateSettings } from '../src/federation/privacy-settings.ts'

/** Digits of an epsilon */
const DIGITS = 3

/** Two bounds that are further apart than this deserve a word */
const LARGE_DIFFERENCE = 2

const SCOPES: Readonly<Record<PrivacyScope, string>> = { example: 'per example', dataset: 'for the whole dataset' }

/** Three digits, or a whole number; rounded up as an upper bound must be. JSON has no Infinity, so null is one */
export function formatEpsilon (epsilon: number | null): string {
  if (epsilon === null || epsilon === Infinity) {
    return 'infinite'
  }
  if (epsilon === 0) {
    return '0'
  }
  const unit = 10 ** (Math.floor(Math.log10(epsilon)) + 1 - DIGITS)
  // what differs in the last bits only is the same number
  const rounded = Number((Math.ceil(epsilon / unit - 1e-9) * unit).toPrecision(DIGITS))
  return Number.isInteger(rounded) ? String(rounded) : rounded.toPrecision(DIGITS)
}

/** 0.00001 -> `1e-5` */
export function formatDelta (delta: number): string {
  return delta.toExponential().replace(/e\+0$/, '')
}

/** `delta 1e-5, pld, per example`: what an epsilon means */
export function formatTerms ({ delta, accountant, scope }: Pick<PrivacyStatus, 'delta' | 'accountant' | 'scope'>): string {
  return `delta ${formatDelta(delta)}, ${accountant}, ${SCOPES[scope]}`
}

/** `epsilon 1.23 of 8 (delta 1e-5, pld, per example)`, or `no privacy` */
export function formatSpent (privacy: PrivacyStatus | null | undefined): string {
  if (privacy === null || privacy === undefined) {
    return 'no privacy'
  }
  const { epsilon, accountant, limit, exhausted } = privacy
  return `epsilon ${formatEpsilon(epsilon[accountant])} of ${formatEpsilon(limit)} (${formatTerms(privacy)})${exhausted ? ', spent' : ''}`
}

/** Both accountants, the one that counts first */
export function formatBothEpsilons (epsilon: Epsilons, { mechanism, delta, accountant }: PrivateSettings): string {
  const other = accountant === 'pld' ? 'rdp' : 'pld'
  const terms = { delta, scope: scopeOf(mechanism) }
  return `epsilon ${formatEpsilon(epsilon[accountant])} (${formatTerms({ ...terms, accountant })}); ${formatEpsilon(epsilon[other])} (${formatTerms({ ...terms, accountant: other })})`
}

/** Undefined when the accountants say nearly the same. `pld` is never above `rdp`: see docs/privacy.md */
export function whyTheyDiffer ({ pld, rdp }: Epsilons): string | undefined {
  return rdp > LARGE_DIFFERENCE * pld
    ? `rdp says ${pld === 0 ? 'much' : `${(rdp / pld).toPrecision(2)} times`} more than pld: both are upper bounds, and turning Renyi divergences into an epsilon loses most where steps are few, or epsilon is very small or very large; pld is the tighter one`
    : undefined
}

/** What a federation document promises, in one line */
export function formatPromise (settings: PrivacySettings): string {
  if (settings.mechanism === 'none') {
    return 'none: what peers send tells neighbours about the examples (privacy.mechanism "none")'
  }
  const { mechanism, noiseMultiplier, clipNorm, epsilonLimit } = settings
  return `${mechanism}, noise multiplier ${noiseMultiplier}, clip norm ${clipNorm}; a peer sends nothing more at epsilon ${formatEpsilon(epsilonLimit)} (${formatTerms({ ...settings, scope: mechanism === 'dp-sgd' ? 'example' : 'dataset' })})`
}

/** Said once, when the budget is spent */
export function formatExhausted (privacy: PrivacyStatus): string {
  return `privacy budget spent: ${formatSpent({ ...privacy, exhausted: false })}, and one more round would exceed the limit: this peer sends nothing more, and only averages and evaluates while other members are here`
}

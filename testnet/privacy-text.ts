/**
 * Privacy in words. An epsilon never stands without its delta, its accountant and whom it protects
 */
import { scopeOf } from '../src/privacy/budget.ts'
import type { PrivacySettings } from '../src/privacy/settings.ts'
import type { ReportPrivacy, RoundPrivacy } from './interface.ts'

const SCOPES = { example: 'per example', dataset: 'for the whole dataset' } as const

/** Three digits, or a whole number; rounded up as an upper bound must be */
export function epsilonText (epsilon: number | null): string {
  if (epsilon === null || epsilon === 0) {
    return epsilon === null ? 'infinite' : '0'
  }
  const unit = 10 ** (Math.floor(Math.log10(epsilon)) - 2)
  const rounded = Number((Math.ceil(epsilon / unit - 1e-9) * unit).toPrecision(3))
  return Number.isInteger(rounded) ? String(rounded) : rounded.toPrecision(3)
}

/** `delta 1e-5, pld, per example`: what an epsilon means */
export function termsText ({ delta, accountant, scope }: Pick<RoundPrivacy, 'delta' | 'accountant' | 'scope'>): string {
  return `delta ${delta.toExponential()}, ${accountant}, ${SCOPES[scope]}`
}

/** `dp-sgd, noise multiplier 1.1, up to epsilon 8 (delta 1e-5, pld, per example)`, or `no privacy` */
export function promiseText (settings: PrivacySettings): string {
  if (settings.mechanism === 'none') {
    return 'no privacy'
  }
  const { mechanism, noiseMultiplier, epsilonLimit } = settings
  return `${mechanism}, noise multiplier ${noiseMultiplier}, up to epsilon ${epsilonText(epsilonLimit)} (${termsText({ ...settings, scope: scopeOf(mechanism) })})`
}

/** `epsilon 5.1 of 8 at the worst peer, 4.9 on average (delta 1e-5, pld, per example)` */
export function spentText (privacy: ReportPrivacy): string {
  const { worstEpsilon, meanEpsilon, limit, exhausted } = privacy
  const stopped = exhausted === 0 ? '' : `; ${exhausted} spent it all and sent nothing more`
  return `epsilon ${epsilonText(worstEpsilon)} of ${epsilonText(limit)} at the worst peer, ${epsilonText(meanEpsilon)} on average (${termsText(privacy)})${stopped}`
}

/** `epsilon 1.2 of 8 (delta 1e-5, pld, per example)`: of the peer that spent the most */
export function roundText (privacy: RoundPrivacy): string {
  return `epsilon ${epsilonText(privacy.worstEpsilon)} of ${epsilonText(privacy.limit)} (${termsText(privacy)})`
}

/**
 * Privacy in words. An epsilon never stands without its delta, its accountant and whom it protects
 */
import { scopeOf } from '../src/privacy/budget.ts'
import { plural } from './format.ts'
import type { PrivacySettings } from '../src/federation/privacy-settings.ts'
import type { EndingBudget, ReportPrivacy, RoundPrivacy } from './interface.ts'

const SCOPES = { example: 'per example', dataset: 'for the whole dataset' } as const

/** Peers that one line names */
const MOST_NAMED = 8

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

/** `budgets that end early, …: peer-8 (846 examples) trains in 7 of 20 rounds, peer-3 (1204) in 10, …` */
export function endingText (ending: readonly EndingBudget[], { rounds, peers }: { rounds: number, peers: number }): string {
  const first = ending[0]!
  if (ending.length === peers && ending.every((one) => one.rounds === first.rounds)) {
    return `every budget ends early: each peer trains in ${first.rounds} of ${plural(rounds, 'round')}`
  }
  const named = ending.slice(0, MOST_NAMED).map(({ node, examples, rounds: trains }, index) =>
    index === 0 ? `${node} (${plural(examples, 'example')}) trains in ${trains} of ${plural(rounds, 'round')}` : `${node} (${examples}) in ${trains}`)
  const rest = ending.length - named.length
  return `budgets that end early, as each step draws a larger part of a small set: ${named.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`
}

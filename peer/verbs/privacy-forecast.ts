/**
 * `grapevine privacy forecast`: what more rounds would cost
 */
import { formatCount } from '../format.ts'
import { forecastInit, openAccount } from '../privacy-account.ts'
import { formatBothEpsilons, formatEpsilon, formatPromise, formatTerms, whyTheyDiffer } from '../privacy-text.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { scopeOf } from '../../src/privacy/budget.ts'
import { NOT_STARTED } from './privacy-show.ts'
import type { VerbContext } from '../context.ts'
import type { PrivacyAccount } from '../privacy-account.ts'

export async function forecastPrivacy (context: VerbContext): Promise<number> {
  const { terminal, settings: { rounds = 1, noise } } = context
  const account = await openAccount(context)
  if (account === undefined) {
    terminal.event('privacy:forecast', { mechanism: 'none' })
    terminal.field('Mechanism', formatPromise({ mechanism: 'none' }))
    return 0
  }
  const { settings, charge: own } = account
  const charge = { ...own, noiseMultiplier: noise ?? own.noiseMultiplier }
  const init = { ...await forecastInit(account), charge }
  const now = epsilonsAfter(init, 0)
  const after = epsilonsAfter(init, rounds)
  const limit = Math.min(account.limit ?? Infinity, settings.epsilonLimit)
  const within = after[settings.accountant] <= limit
  const { mechanism, delta, accountant } = settings
  terminal.event('privacy:forecast', { mechanism, scope: scopeOf(mechanism), delta, accountant, limit, rounds, noiseMultiplier: charge.noiseMultiplier, epsilon: now, after, within })
  terminal.field('Spent', formatBothEpsilons(now, settings))
  const more = `${formatCount(rounds)} more round${rounds === 1 ? '' : 's'}`
  terminal.field('Then', `${formatBothEpsilons(after, settings)}, after ${more} with noise multiplier ${charge.noiseMultiplier}`)
  terminal.field('Limit', `epsilon ${formatEpsilon(limit)} (${formatTerms({ ...settings, scope: scopeOf(mechanism) })}): ${within ? `${more} stay${rounds === 1 ? 's' : ''} within it` : terminal.style('yellow', `this peer would stop sending before ${rounds === 1 ? 'it is' : 'they are'} done`)}`)
  for (const note of notesOf(account, noise, whyTheyDiffer(after))) {
    terminal.note(note)
  }
  return 0
}

function notesOf ({ expected, settings: { noiseMultiplier } }: PrivacyAccount, noise: number | undefined, difference: string | undefined): string[] {
  const isOther = noise !== undefined && noise !== noiseMultiplier
  return [
    ...(expected === undefined ? [] : [NOT_STARTED]),
    ...(difference === undefined ? [] : [difference]),
    ...(isOther ? [`the noise multiplier is the federation's (${noiseMultiplier}): another one takes another federation`] : [])
  ]
}

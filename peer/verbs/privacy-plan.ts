/**
 * `grapevine privacy forecast` and `grapevine privacy plan`: what rounds would cost, and the noise that they would take
 */
import { NoLedgerError } from '../errors.ts'
import { formatCount } from '../format.ts'
import { forecastInit, formatCharge, openAccount, readHome } from '../privacy-account.ts'
import { formatDelta, formatEpsilon, formatPromise, formatTerms } from '../privacy-text.ts'
import { readDatasetRecord } from '../../src/privacy/dataset-record.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { roundCharge } from '../../src/privacy/mechanism.ts'
import { DP_SGD_DEFAULTS, plannedPrivacy } from '../../src/privacy/plan.ts'
import { scopeOf } from '../../src/privacy/budget.ts'
import type { VerbContext } from '../context.ts'
import type { Epsilons } from '../../src/privacy/budget.ts'
import type { PrivateSettings } from '../../src/privacy/settings.ts'

/** Both accountants, the one that counts first */
function bothEpsilons (epsilon: Epsilons, settings: PrivateSettings): string {
  const { accountant } = settings
  const other = accountant === 'pld' ? 'rdp' : 'pld'
  const terms = { ...settings, scope: scopeOf(settings.mechanism) }
  return `epsilon ${formatEpsilon(epsilon[accountant])} (${formatTerms(terms)}); ${formatEpsilon(epsilon[other])} (${formatTerms({ ...terms, accountant: other })})`
}

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
  terminal.field('Spent', bothEpsilons(now, settings))
  terminal.field(`+ ${formatCount(rounds)}`, `${bothEpsilons(after, settings)}, with noise multiplier ${charge.noiseMultiplier}`)
  terminal.field('Limit', `epsilon ${formatEpsilon(limit)} (${formatTerms({ ...settings, scope: scopeOf(mechanism) })}): ${within ? 'so many rounds stay within it' : terminal.style('yellow', 'this peer would stop sending before')}`)
  if (noise !== undefined && noise !== settings.noiseMultiplier) {
    terminal.note(`the noise multiplier is the federation's (${settings.noiseMultiplier}): another one takes another federation`)
  }
  return 0
}

export async function planPrivacy ({ home, terminal, settings: { epsilon = 1, rounds = 1, examples: given } }: VerbContext): Promise<number> {
  const { document: { privacy, training } } = { document: (await readHome(home)).document! }
  const examples = given ?? (await readDatasetRecord(home))?.examples
  if (examples === undefined) {
    throw new NoLedgerError(`${home} has not counted its examples yet: say how many with --examples COUNT`)
  }
  const base = privacy.mechanism === 'none' ? DP_SGD_DEFAULTS : privacy
  const planned = plannedPrivacy({ privacy: base, training }, { epsilon, rounds, examples })
  const charge = roundCharge({ privacy: planned, training }, examples)!
  const after = epsilonsAfter({ settings: planned, charge, totals: [] }, rounds)
  const { mechanism, noiseMultiplier, delta, accountant, clipNorm } = planned
  terminal.event('privacy:plan', {
    mechanism, scope: scopeOf(mechanism), delta, accountant, rounds, examples, noiseMultiplier, clipNorm, sampleRate: charge.sampleRate, stepsPerRound: charge.steps, epsilon: after
  })
  terminal.field('Plan', `noise multiplier ${noiseMultiplier} for ${formatCount(rounds)} round${rounds === 1 ? '' : 's'} of ${mechanism}, ${formatCount(examples)} examples`)
  terminal.field('Spends', bothEpsilons(after, planned))
  terminal.field('', formatCharge(charge, { batchSize: training.batchSize, examples }))
  terminal.note(`for data of which nothing was spent; ${privacy.mechanism === 'none' ? `this federation has no privacy mechanism: delta ${formatDelta(delta)} is the usual one` : `this federation has noise multiplier ${privacy.noiseMultiplier}`}`)
  return 0
}

/**
 * `grapevine privacy show`: one screen about what this peer's data have given away, and what they may
 */
import { formatCount } from '../format.ts'
import { forecastInit, formatCharge, openAccount } from '../privacy-account.ts'
import { formatEpsilon, formatPromise, formatTerms } from '../privacy-text.ts'
import { forecast } from '../../src/privacy/forecast.ts'
import { formatShare, overlappingLedgers } from '../../src/ledger/inherited.ts'
import { gradientNoiseMultiplier } from '../../src/federation/noise-multiplier.ts'
import type { VerbContext } from '../context.ts'
import type { PrivacyAccount } from '../privacy-account.ts'
import type { Terminal } from '../terminal.ts'
import type { AccountantName } from '../../src/privacy/accounting/accountant.ts'
import type { Forecast } from '../../src/privacy/forecast.ts'

/** More rounds than anybody does are no number worth reading */
const MANY_ROUNDS = 1_000_000

const MEANINGS = {
  'dp-sgd': 'hides each single example of this peer in everything it sends',
  'update-level': 'hides this peer\'s dataset as a whole in everything it sends'
} as const

/** Of a peer whose data were counted for this answer alone */
export const NOT_STARTED = 'this peer has not started yet: its data were read for this answer; what other homes spent on them counts'

/** What no ledger can charge for */
const NOT_COVERED = [
  'what you see: accuracy and loss on this screen come from your examples without noise (they are never sent)',
  'the search for settings: each run on these data whose result you looked at and did not keep, if it ran without a ledger',
  'copies of the data on other machines, or of other users, and examples in which a digit or letter was changed: the ledger does not know them for the same'
] as const

export async function showPrivacy (context: VerbContext): Promise<number> {
  const { terminal } = context
  const account = await openAccount(context)
  if (account === undefined) {
    terminal.event('privacy', { mechanism: 'none' })
    terminal.field('Mechanism', formatPromise({ mechanism: 'none' }))
    return 0
  }
  const budget = forecast(await forecastInit(account))
  const { record, charge, settings, pid, place } = account
  const inherited = account.expected === undefined ? await overlappingLedgers(place, record.heads) : account.expected.overlapping.map(({ fingerprint, share }) => ({ fingerprint, share }))
  terminal.event('privacy', {
    ...budget,
    federationLimit: settings.epsilonLimit,
    sampleRate: charge.sampleRate,
    noiseMultiplier: settings.noiseMultiplier,
    clipNorm: settings.clipNorm,
    stepsPerRound: charge.steps,
    examples: record.examples,
    fingerprint: record.fingerprint,
    ledger: place.root,
    inherited,
    running: pid !== undefined,
    started: account.expected === undefined,
    notCovered: NOT_COVERED
  })
  showBudget(account, budget, terminal)
  showMechanism(account, terminal)
  for (const [index, { fingerprint, share }] of inherited.entries()) {
    terminal.field(index === 0 ? 'Counted too' : '', `the ledger of the set ${fingerprint}: ${formatShare(share)} of the smaller set's examples are in both`)
  }
  if (account.expected !== undefined) {
    terminal.note(NOT_STARTED)
  }
  for (const [index, text] of NOT_COVERED.entries()) {
    terminal.field(index === 0 ? 'Not covered' : '', text)
  }
  return 0
}

function showBudget ({ settings }: PrivacyAccount, budget: Forecast, terminal: Terminal): void {
  const { mechanism, epsilon, accountant, limit, exhausted, afterNextRound, roundsLeft } = budget
  const terms = formatTerms(budget)
  const other: AccountantName = accountant === 'pld' ? 'rdp' : 'pld'
  terminal.field('Mechanism', `${mechanism}: ${MEANINGS[mechanism]}`)
  terminal.field('Spent', `epsilon ${formatEpsilon(epsilon[accountant])} (${terms}): this is held against the limit`)
  terminal.field('', `epsilon ${formatEpsilon(epsilon[other])} (${formatTerms({ ...budget, accountant: other })}): for comparison`)
  terminal.field('', 'on these data and sets that overlap with them, in all runs and federations together; both are upper bounds')
  terminal.field('Limit', `epsilon ${formatEpsilon(limit)} (${terms})${limit < settings.epsilonLimit ? `: your own; the federation allows ${formatEpsilon(settings.epsilonLimit)}` : ''}`)
  terminal.field('Next round', `costs ${formatEpsilon(Math.max(0, afterNextRound[accountant] - epsilon[accountant]))}: epsilon ${formatEpsilon(afterNextRound[accountant])} (${terms})`)
  terminal.field('Rounds left', exhausted ? terminal.style('yellow', 'none: this peer sends nothing more, and only averages and evaluates') : formatRounds(roundsLeft))
}

function formatRounds (rounds: number): string {
  return rounds > MANY_ROUNDS ? `more than ${formatCount(MANY_ROUNDS)}` : formatCount(rounds)
}

function showMechanism ({ settings, charge, training, record, place, pid }: PrivacyAccount, terminal: Terminal): void {
  const adaptive = settings.mechanism === 'dp-sgd' ? settings.adaptiveClipping : undefined
  const clip = adaptive === undefined
    ? `clip norm ${settings.clipNorm}`
    : `clip norm from ${settings.clipNorm} on follows the ${adaptive.quantile} quantile (noise multiplier of the gradients ${Number(gradientNoiseMultiplier({ ...settings, adaptiveClipping: adaptive }).toPrecision(4))})`
  terminal.field('Noise', `noise multiplier ${settings.noiseMultiplier}, ${clip}`)
  terminal.field('', formatCharge(charge, { batchSize: training.batchSize, examples: record.examples }))
  terminal.field('Data', `${formatCount(record.examples)} examples, fingerprint ${record.fingerprint}`)
  terminal.field('Ledger', `${place.root}${pid === undefined ? '' : `, held by the running peer (process ${pid})`}`)
}

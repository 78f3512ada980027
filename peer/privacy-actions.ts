/**
 * The actions of `grapevine privacy`: which flags each takes, and its page of help
 */
import { verbAction } from './verb-actions.ts'
import type { VerbAction } from './verb-actions.ts'

export const PRIVACY_ACTIONS = {
  show: { needs: [], takes: ['epsilonLimit', 'ledgers'], help: 'what was spent on the data, the limit, what one more round costs, how many are left', example: 'show' },
  forecast: { needs: ['rounds'], takes: ['noise', 'epsilonLimit', 'ledgers'], help: 'epsilon after so many more rounds', example: 'forecast --rounds 100' },
  plan: { needs: ['epsilon', 'rounds'], takes: ['examples', 'batchSize', 'steps', 'delta'], help: 'the noise that so many rounds on unspent data take; needs no home', example: 'plan --epsilon 3 --rounds 150 --examples 4000' },
  ledger: { needs: [], takes: ['limit', 'ledgers'], help: 'the newest charges', example: 'ledger --limit 50' },
  'ledger verify': { needs: [], takes: ['ledgers'], help: 'walk the chain of charges: is it whole, and does it hold what the home published?', example: 'ledger verify' },
  'ledger charge': { needs: ['rounds'], takes: ['reason', 'ledgers'], help: 'charge rounds that an older copy of the ledger lacks; cannot be taken back', example: 'ledger charge --rounds 3 --reason "restored a copy"' }
} as const satisfies Record<string, VerbAction>

export type PrivacyActionName = keyof typeof PRIVACY_ACTIONS

/** Undefined when there is no such action */
export function privacyAction (args: readonly string[]): { name: PrivacyActionName, action: VerbAction } | undefined {
  const found = verbAction<PrivacyActionName>(PRIVACY_ACTIONS, args)
  return found?.rest.length === 0 ? found : undefined
}

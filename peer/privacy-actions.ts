/**
 * The actions of `grapevine privacy`: which flags each takes, and its page of help
 */
import type { SettingName } from './settings.ts'

export interface PrivacyAction {
  /** Flags that must be given */
  needs: readonly SettingName[]
  /** Flags that may be given */
  takes: readonly SettingName[]
  /** One line */
  help: string
  /** A command line, after `grapevine privacy` */
  example: string
}

export const PRIVACY_ACTIONS = {
  show: { needs: [], takes: ['epsilonLimit', 'ledgers'], help: 'what was spent on the data, the limit, what one more round costs, how many are left', example: 'show' },
  forecast: { needs: ['rounds'], takes: ['noise', 'epsilonLimit', 'ledgers'], help: 'epsilon after so many more rounds', example: 'forecast --rounds 100' },
  plan: { needs: ['epsilon', 'rounds'], takes: ['examples', 'batchSize', 'steps', 'delta'], help: 'the noise that so many rounds on unspent data take; needs no home', example: 'plan --epsilon 3 --rounds 150 --examples 4000' },
  ledger: { needs: [], takes: ['limit', 'ledgers'], help: 'the newest charges', example: 'ledger --limit 50' },
  'ledger verify': { needs: [], takes: ['ledgers'], help: 'walk the chain of charges: is it whole, and does it hold what the home published?', example: 'ledger verify' },
  'ledger charge': { needs: ['rounds'], takes: ['reason', 'ledgers'], help: 'charge rounds that an older copy of the ledger lacks; cannot be taken back', example: 'ledger charge --rounds 3 --reason "restored a copy"' }
} as const satisfies Record<string, PrivacyAction>

export type PrivacyActionName = keyof typeof PRIVACY_ACTIONS

/** Undefined when there is no such action */
export function privacyAction (args: readonly string[]): { name: PrivacyActionName, action: PrivacyAction } | undefined {
  const name = args.join(' ')
  return Object.hasOwn(PRIVACY_ACTIONS, name) ? { name: name as PrivacyActionName, action: PRIVACY_ACTIONS[name as PrivacyActionName] } : undefined
}

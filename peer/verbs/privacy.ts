/**
 * `grapevine privacy`: the budget of this peer's dataset, what a plan would take of it, and its ledger
 */
import { closest } from '../../src/closest.ts'
import { UsageError } from '../errors.ts'
import { PRIVACY_ACTIONS, privacyAction } from '../privacy-actions.ts'
import { kebabName } from '../settings.ts'
import type { RunVerb, VerbContext } from '../context.ts'
import type { PrivacyActionName } from '../privacy-actions.ts'
import type { SettingName } from '../settings.ts'
import type { VerbAction } from '../verb-actions.ts'

/** Flags of single actions: where they say nothing, they are refused */
const OWN_FLAGS = ['rounds', 'noise', 'epsilon', 'examples', 'batchSize', 'steps', 'delta', 'reason', 'limit', 'epsilonLimit'] as const satisfies readonly SettingName[]

const LOADERS: Readonly<Record<PrivacyActionName, () => Promise<RunVerb>>> = {
  show: async () => (await import('./privacy-show.ts')).showPrivacy,
  forecast: async () => (await import('./privacy-forecast.ts')).forecastPrivacy,
  plan: async () => (await import('./privacy-plan.ts')).planPrivacy,
  ledger: async () => (await import('./privacy-ledger.ts')).listLedger,
  'ledger verify': async () => (await import('./privacy-ledger.ts')).verifyChain,
  'ledger charge': async () => (await import('./privacy-ledger.ts')).chargeRounds
}

export async function privacy (context: VerbContext): Promise<number> {
  const args = context.args.length === 0 ? ['show'] : context.args
  const found = privacyAction(args)
  if (found === undefined) {
    const name = args.join(' ')
    const known = Object.keys(PRIVACY_ACTIONS)
    const near = closest(name, known)
    throw new UsageError(`there is no "grapevine privacy ${name}"${near === undefined ? '' : ` (did you mean ${near}?)`}: known are ${known.join(', ')}`)
  }
  checkFlags(found.name, found.action, context)
  const run = await LOADERS[found.name]()
  return await run(context)
}

/** A number of rounds in a settings file is that of `start`: here only a flag counts */
function checkFlags (name: string, { needs, takes }: VerbAction, { origins }: VerbContext): void {
  const given = OWN_FLAGS.filter((flag) => origins[flag] === 'flag')
  const missing = needs.filter((flag) => !given.some((one) => one === flag))
  if (missing.length > 0) {
    throw new UsageError(`grapevine privacy ${name} needs ${missing.map((flag) => `--${kebabName(flag)}`).join(' and ')}`)
  }
  const foreign = given.filter((flag) => ![...needs, ...takes].includes(flag))
  if (foreign.length > 0) {
    throw new UsageError(`grapevine privacy ${name} does not take ${foreign.map((flag) => `--${kebabName(flag)}`).join(' and ')}`)
  }
}

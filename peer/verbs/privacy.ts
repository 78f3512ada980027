/**
 * `grapevine privacy`: the budget of this peer's dataset, what a plan would take of it, and its ledger
 */
import { closest } from '../../src/closest.ts'
import { UsageError } from '../errors.ts'
import { kebabName } from '../settings.ts'
import type { RunVerb, VerbContext } from '../context.ts'
import type { SettingName } from '../settings.ts'

interface Action {
  /** Flags that must be given */
  needs: readonly SettingName[]
  /** Flags that may be given */
  takes: readonly SettingName[]
  load: () => Promise<RunVerb>
}

/** Flags of single actions: where they say nothing, they are refused */
const OWN_FLAGS = ['rounds', 'noise', 'epsilon', 'examples', 'batchSize', 'steps', 'delta', 'reason', 'limit', 'epsilonLimit'] as const satisfies readonly SettingName[]

const ACTIONS: Readonly<Record<string, Action>> = {
  show: { needs: [], takes: ['epsilonLimit'], load: async () => (await import('./privacy-show.ts')).showPrivacy },
  forecast: { needs: ['rounds'], takes: ['noise', 'epsilonLimit'], load: async () => (await import('./privacy-forecast.ts')).forecastPrivacy },
  plan: { needs: ['epsilon', 'rounds'], takes: ['examples', 'batchSize', 'steps', 'delta'], load: async () => (await import('./privacy-plan.ts')).planPrivacy },
  ledger: { needs: [], takes: ['limit'], load: async () => (await import('./privacy-ledger.ts')).listLedger },
  'ledger verify': { needs: [], takes: [], load: async () => (await import('./privacy-ledger.ts')).verifyChain },
  'ledger charge': { needs: ['rounds'], takes: ['reason'], load: async () => (await import('./privacy-ledger.ts')).chargeRounds }
}

export async function privacy (context: VerbContext): Promise<number> {
  const name = context.args.length === 0 ? 'show' : context.args.join(' ')
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (action === undefined) {
    const known = Object.keys(ACTIONS)
    const near = closest(name, known)
    throw new UsageError(`there is no "grapevine privacy ${name}"${near === undefined ? '' : ` (did you mean ${near}?)`}: known are ${known.join(', ')}`)
  }
  checkFlags(name, action, context)
  const run = await action.load()
  return await run(context)
}

/** A number of rounds in a settings file is that of `start`: here only a flag counts */
function checkFlags (name: string, { needs, takes }: Action, { origins }: VerbContext): void {
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

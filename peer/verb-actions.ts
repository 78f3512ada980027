/**
 * Actions of a verb: the words after it that say what to do, which flags each takes, and its page of help
 */
import { closest } from '../src/closest.ts'
import { UsageError } from './errors.ts'
import { flagsText } from './given-flags.ts'
import type { VerbContext } from './context.ts'
import type { SettingName } from './settings.ts'

export interface VerbAction {
  /** What follows on its name, as the help names it */
  subjects?: readonly string[]
  /** Flags that must be given */
  needs: readonly SettingName[]
  /** Flags that may be given */
  takes: readonly SettingName[]
  /** One line */
  help: string
  /** A command line, after the verb */
  example: string
}

export interface FoundAction<Name extends string> {
  name: Name
  action: VerbAction
  /** The words after its name */
  rest: readonly string[]
}

/** Undefined when there is no such action; of two that fit, the one with more words */
export function verbAction<Name extends string> (actions: Readonly<Record<Name, VerbAction>>, args: readonly string[]): FoundAction<Name> | undefined {
  for (let words = args.length; words > 0; words--) {
    const name = args.slice(0, words).join(' ')
    if (Object.hasOwn(actions, name)) {
      return { name: name as Name, action: actions[name as Name], rest: args.slice(words) }
    }
  }
  return undefined
}

/** `revoke PEER` */
export function usageOf (name: string, { subjects = [] }: VerbAction): string {
  return [name, ...subjects].join(' ')
}

/**
 * The action that the words name, with what follows and flags that belong to it
 *
 * Throws UsageError
 */
export function requireAction<Name extends string> (verb: string, actions: Readonly<Record<Name, VerbAction>>, { args, origins }: Pick<VerbContext, 'args' | 'origins'>): FoundAction<Name> {
  const found = verbAction(actions, args)
  const known = Object.entries<VerbAction>(actions)
  if (found === undefined) {
    const near = closest(args[0] ?? '', known.map(([name]) => name))
    throw new UsageError(`there is no "grapevine ${verb} ${args[0] ?? ''}"${near === undefined ? '' : ` (did you mean ${near}?)`}: known are ${known.map(([name, action]) => usageOf(name, action)).join(', ')}`)
  }
  const { name, action, rest } = found
  const { subjects = [] } = action
  if (rest.length !== subjects.length) {
    throw new UsageError(`it is grapevine ${verb} ${usageOf(name, action)}, and ${rest.length === 0 ? 'nothing follows' : `${rest.length === 1 ? '1 word follows' : `${rest.length} words follow`}`} on ${name}`)
  }
  const own = new Set(known.flatMap(([, { needs, takes }]) => [...needs, ...takes]))
  const foreign = [...own].filter((flag) => origins[flag] === 'flag' && ![...action.needs, ...action.takes].includes(flag))
  if (foreign.length > 0) {
    throw new UsageError(`grapevine ${verb} ${name} does not take ${flagsText(foreign)}`)
  }
  return found
}

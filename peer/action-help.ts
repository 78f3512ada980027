/**
 * `grapevine VERB ACTION --help` shows the flags of that action and an example; without an action, what actions there
 * are
 *
 * The actions are arguments, not commands of commander's: all share one row of flags, so that a flag of another action
 * is refused by name.
 */
import { Help } from 'commander'
import { kebabName } from './settings.ts'
import { usageOf, verbAction } from './verb-actions.ts'
import type { Command } from 'commander'
import type { FoundAction, VerbAction } from './verb-actions.ts'

const INDENT = 18

export interface ActionPages {
  actions: Readonly<Record<string, VerbAction>>
  /** What the verb does without a word after it, where that is one of the actions */
  unnamed?: string
}

export function addActionHelp (command: Command, { actions, unnamed }: ActionPages): void {
  const plain = new Help()
  // the action that stands before or after `--help`
  const actionOf = ({ args }: Command): FoundAction<string> | undefined => verbAction(actions, args.filter((arg) => !arg.startsWith('-')))
  command.configureHelp({
    showGlobalOptions: true,
    commandUsage: (shown) => {
      const found = actionOf(shown)
      return found === undefined ? plain.commandUsage(shown) : `grapevine ${command.name()} ${found.name === unnamed ? `[${found.name}]` : usageOf(found.name, found.action)} [options]`
    },
    commandDescription: (shown) => actionOf(shown)?.action.help ?? plain.commandDescription(shown),
    visibleOptions: (shown) => {
      const found = actionOf(shown)
      const flags: readonly string[] | undefined = found === undefined ? undefined : ['help', ...found.action.needs, ...found.action.takes]
      return plain.visibleOptions(shown).filter((option) => flags?.includes(option.attributeName()) ?? true)
    }
  })
  command.addHelpText('after', ({ command: shown }) => {
    const found = actionOf(shown)
    return found === undefined
      ? listOfActions(command.name(), actions)
      : `\nNeeds: ${found.action.needs.map((name) => `--${kebabName(name)}`).join(', ') || 'no flag'}\nExample: grapevine ${command.name()} ${found.action.example}`
  })
}

function listOfActions (verb: string, actions: ActionPages['actions']): string {
  const rows = Object.entries(actions).map(([name, action]) => `  ${usageOf(name, action).padEnd(INDENT)}${action.help}`)
  return `\nActions (each has its own page, such as grapevine ${verb} ${Object.keys(actions).at(2) ?? Object.keys(actions)[0]!} --help):\n${rows.join('\n')}`
}

/**
 * `grapevine privacy ACTION --help` shows the flags of that action and an example; without an action, what actions
 * there are
 *
 * The actions are arguments, not commands of commander's: all share one row of flags, so that a flag of another action
 * is refused by name.
 */
import { Help } from 'commander'
import { PRIVACY_ACTIONS, privacyAction } from './privacy-actions.ts'
import { kebabName } from './settings.ts'
import type { Command } from 'commander'

const INDENT = 18

/** The action that stands before or after `--help` */
function actionOf (command: Command): ReturnType<typeof privacyAction> {
  return privacyAction(command.args.filter((arg) => !arg.startsWith('-')))
}

export function addPrivacyHelp (command: Command): void {
  const plain = new Help()
  command.configureHelp({
    showGlobalOptions: true,
    commandUsage: (shown) => {
      const found = actionOf(shown)
      return found === undefined ? plain.commandUsage(shown) : `grapevine privacy ${found.name} [options]`
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
    return found === undefined ? listOfActions() : `\nNeeds: ${found.action.needs.map((name) => `--${kebabName(name)}`).join(', ') || 'no flag'}\nExample: grapevine privacy ${found.action.example}`
  })
}

function listOfActions (): string {
  const rows = Object.entries(PRIVACY_ACTIONS).map(([name, { help }]) => `  ${name.padEnd(INDENT)}${help}`)
  return `\nActions (each has its own page, such as grapevine privacy plan --help):\n${rows.join('\n')}`
}

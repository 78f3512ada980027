/**
 * Flags that were given, as a message names them
 */
import { UsageError } from './errors.ts'
import { kebabName } from './settings.ts'
import type { SettingName, Settings } from './settings.ts'

/** A switch that was given says no less when it says no */
export function givenOf<Name extends SettingName> (settings: Settings, names: readonly Name[]): Name[] {
  return names.filter((name) => settings[name] !== undefined)
}

/** `--a and --b` */
export function flagsText (names: readonly SettingName[]): string {
  return names.map((name) => `--${kebabName(name)}`).join(' and ')
}

/** Of one flag, of several */
export type Verbs = readonly [one: string, many: string]

export const ARE: Verbs = ['is', 'are']
export const DECIDE: Verbs = ['decides', 'decide']

/**
 * Throws UsageError where one of the flags was given: `--a and --b are …`
 *
 * @param rest - What follows on the verb
 */
export function refuseGiven (settings: Settings, names: readonly SettingName[], verbs: Verbs, rest: string): void {
  const given = givenOf(settings, names)
  if (given.length > 0) {
    throw new UsageError(`${flagsText(given)} ${verbs[given.length === 1 ? 0 : 1]} ${rest}`)
  }
}

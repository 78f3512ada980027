/**
 * Which examples a verb that only looks is to use
 */
import { DATA_SETTINGS } from './node-init.ts'
import type { VerbContext } from './context.ts'
import type { HomeReader } from './home-reader.ts'
import type { Settings } from './settings.ts'

/** The data that the running peer uses, unless the command line names others */
export function dataSettings ({ settings, origins }: Pick<VerbContext, 'settings' | 'origins'>, { running }: Pick<HomeReader, 'running'>): Settings {
  const named = DATA_SETTINGS.some((name) => origins[name] === 'flag')
  return named || running === undefined ? settings : { ...settings, ...running.dataSettings }
}

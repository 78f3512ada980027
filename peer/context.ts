/**
 * What every verb is given
 */
import type { ResolvedSettings } from './resolve-settings.ts'
import type { Terminal } from './terminal.ts'

export interface VerbContext extends ResolvedSettings {
  terminal: Terminal
  /** Positional arguments of the verb; those that were left out are absent */
  args: readonly string[]
}

/** Returns the exit code; what goes wrong is thrown */
export type RunVerb = (context: VerbContext) => Promise<number>

/**
 * Settings of how the program writes: a part of the table of settings
 */
import { EVERYWHERE, NOT_IN_FILE, toggle } from './setting.ts'
import type { Setting } from './setting.ts'

export const TERMINAL_SETTINGS = {
  json: {
    schema: toggle,
    expects: 'true or false',
    verbs: 'all',
    sources: EVERYWHERE,
    help: 'print JSON lines on standard output'
  },
  noColor: {
    schema: toggle,
    expects: 'true or false',
    verbs: 'all',
    sources: NOT_IN_FILE,
    help: 'no colour; NO_COLOR in the environment does the same'
  },
  quiet: {
    schema: toggle,
    expects: 'true or false',
    short: 'q',
    verbs: 'all',
    sources: EVERYWHERE,
    help: 'results and errors only, no narration'
  },
  verbose: {
    schema: toggle,
    expects: 'true or false',
    short: 'v',
    verbs: 'all',
    sources: EVERYWHERE,
    help: 'more narration; stack traces of errors'
  }
} as const satisfies Record<string, Setting>

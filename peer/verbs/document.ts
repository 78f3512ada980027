/**
 * `grapevine document`: what a federation document says, whether it is one, and how two differ
 */
import { closest } from '../../src/closest.ts'
import { UsageError } from '../errors.ts'
import type { RunVerb, VerbContext } from '../context.ts'

interface Action {
  /** Names that it takes: at least, at most */
  takes: readonly [least: number, most: number]
  usage: string
  load: () => Promise<RunVerb>
}

const ACTIONS: Readonly<Record<string, Action>> = {
  explain: { takes: [0, 1], usage: 'explain [FILE or HOME]', load: async () => (await import('./document-explain.ts')).explainDocument },
  check: { takes: [1, 1], usage: 'check FILE', load: async () => (await import('./document-check.ts')).checkDocument },
  diff: { takes: [2, 2], usage: 'diff FILE-OR-HOME FILE-OR-HOME', load: async () => (await import('./document-diff.ts')).diffDocuments },
  template: { takes: [0, 1], usage: 'template [FILE or HOME]', load: async () => (await import('./document-template.ts')).documentTemplate }
}

/** Throws UsageError */
export async function document (context: VerbContext): Promise<number> {
  const [name, ...rest] = context.args
  const known = Object.values(ACTIONS).map(({ usage }) => usage).join(', ')
  if (name === undefined || !Object.hasOwn(ACTIONS, name)) {
    const near = name === undefined ? undefined : closest(name, Object.keys(ACTIONS))
    throw new UsageError(`${name === undefined ? 'grapevine document needs an action' : `there is no "grapevine document ${name}"`}${near === undefined ? '' : ` (did you mean ${near}?)`}: known are ${known}`)
  }
  const { takes: [least, most], usage, load } = ACTIONS[name]!
  if (rest.length < least || rest.length > most) {
    throw new UsageError(`it is grapevine document ${usage}, not ${rest.length === 1 ? '1 name' : `${rest.length} names`}`)
  }
  const run = await load()
  return await run({ ...context, args: rest })
}

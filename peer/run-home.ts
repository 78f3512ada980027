/**
 * What `start` and `join` do with a home: runs the peer in it, or makes it first
 */
import { requireMade } from './home-claim.ts'
import { unmadeOnFailure } from './new-home.ts'
import { prepareHome } from './prepare-home.ts'
import type { VerbContext } from './context.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { Settings } from './settings.ts'

interface Place extends Pick<VerbContext, 'home' | 'terminal'> {
  isNew: boolean
}

interface Wanted {
  given: Settings
  /** To be kept in a new home. Undefined: it is fetched */
  document: FederationDocument | undefined
}

/** Runs the peer until it ends, and calls `started` when it has started */
type Run = (settings: Settings, started?: () => Promise<void>) => Promise<number>

/** Throws as `requireMade`, `unmadeOnFailure`, `prepareHome` and `run` do */
export async function runHome ({ home, terminal, isNew }: Place, { given, document }: Wanted, run: Run): Promise<number> {
  if (!isNew) {
    await requireMade(home)
    return await run(given)
  }
  return await unmadeOnFailure(home, async (started) => {
    const { settings } = await prepareHome(home, given, { document })
    terminal.note(`made a new peer in ${home}; its settings are in grapevine.toml there`)
    return await run(settings, started)
  })
}

/**
 * `grapevine versions rollback VERSION`: the peer goes on from an earlier version
 *
 * Only the model goes back. The numbers of what was published, and the ledger, stay as they are: others have seen the
 * one, and the data have given away the other.
 */
import { connectControl } from '../control/control-client.ts'
import { NoSuchVersionError } from '../errors.ts'
import { formatVersion } from '../format.ts'
import { openStore } from '../home-reader.ts'
import { requirePeer } from '../home.ts'
import type { VerbContext } from '../context.ts'
import type { ModelVersion, Store } from '../../src/interface.ts'

/**
 * Throws NoHomeError, HomeLockedError while the peer runs, NoSuchVersionError, UnsoundVersionError for one that is no
 * model, and the store's errors
 */
export async function rollback ({ home, terminal, args: [, selector] }: VerbContext): Promise<number> {
  await requirePeer(home)
  await refuseRunning(home)
  const store = await openStore(home, { readOnly: false })
  try {
    const { version, forgotten, published } = await goBack(store, selector!)
    const nextRound = Math.max(version.round, published) + 1
    terminal.event('versions:rollback', { version, forgotten, nextRound })
    terminal.line(forgotten.length === 0
      ? `${formatVersion(version)} is the newest: nothing was changed`
      : `went back to ${formatVersion(version)}: forgot ${forgotten.length === 1 ? `the version of round ${forgotten[0]!.round}` : `${forgotten.length} versions, of rounds ${forgotten.at(-1)!.round} to ${forgotten[0]!.round}`}`)
    terminal.note(`this peer goes on with round ${nextRound}: numbers that it published are not used again, and what was spent on its data stays spent`)
    return 0
  } finally {
    await store?.close()
  }
}

async function refuseRunning (home: string): Promise<void> {
  const client = await connectControl(home)
  if (client !== undefined) {
    const { HomeLockedError } = await import('../../src/errors.ts')
    throw new HomeLockedError(`the peer of ${home} is running, as process ${client.pid}: stop it first`)
  }
}

async function goBack (store: Store | undefined, selector: string): Promise<{ version: ModelVersion, forgotten: Array<Pick<ModelVersion, 'id' | 'round'>>, published: number }> {
  const version = await store?.get(selector)
  const forgotten = version === undefined ? undefined : await store?.rollback(version.id)
  if (store === undefined || version === undefined || forgotten === undefined) {
    throw new NoSuchVersionError(`this home has no version "${selector}"`)
  }
  return { version, forgotten, published: (await store.getPublication())?.round ?? 0 }
}

/**
 * `grapevine join ADDRESS`: makes a home when there is none, and runs its peer with ADDRESS to join through
 */
import { checkNodeSettings } from '../check-settings.ts'
import { newPeersDocument } from '../fitting-data.ts'
import { hasPeer } from '../home.ts'
import { nodeInit } from '../node-init.ts'
import { sameDocument } from '../prepare-home.ts'
import { runHome } from '../run-home.ts'
import { runNode } from '../run-node.ts'
import { broughtWeights } from '../weights-file.ts'
import type { VerbContext } from '../context.ts'
import type { Settings } from '../settings.ts'

export async function join ({ home, settings: given, terminal, args }: VerbContext): Promise<number> {
  const wanted = { ...given, bootstrap: [args[0]!] }
  await checkNodeSettings(home, wanted)
  const isNew = !await hasPeer(home)
  const fetched = isNew ? await newPeersDocument(wanted, undefined, terminal) : undefined
  const weights = await broughtWeights(fetched, wanted)
  const run = async (settings: Settings, started?: () => Promise<void>): Promise<number> => {
    const init = { ...await nodeInit(home, settings), refuseOtherFederation: true }
    const document = await sameDocument(home, fetched)
    return await runNode({ ...init, ...(document === undefined ? {} : { federation: document }), ...(weights === undefined ? {} : { weights }) }, settings, terminal, started)
  }
  return await runHome({ home, terminal, isNew }, { given: wanted, document: undefined }, run)
}

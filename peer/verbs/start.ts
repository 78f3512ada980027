/**
 * `grapevine start`: runs the peer of a home; makes the home first when the command line says enough
 */
import { checkNodeSettings } from '../check-settings.ts'
import { NoHomeError } from '../errors.ts'
import { newPeersDocument } from '../fitting-data.ts'
import { founding, namesDocument, refuseFounding } from '../founding.ts'
import { hasPeer } from '../home.ts'
import { nodeInit } from '../node-init.ts'
import { sameDocument } from '../prepare-home.ts'
import { withProgress } from '../reading-progress.ts'
import { runHome } from '../run-home.ts'
import { runNode } from '../run-node.ts'
import { broughtWeights } from '../weights-file.ts'
import type { VerbContext } from '../context.ts'
import type { Settings } from '../settings.ts'

export async function start ({ home, settings: given, terminal }: VerbContext): Promise<number> {
  const isNew = !await hasPeer(home)
  if (isNew && !namesDocument(given) && given.bootstrap === undefined) {
    throw new NoHomeError(home)
  }
  await checkNodeSettings(home, given)
  if (!namesDocument(given)) {
    refuseFounding(given)
  }
  const named = namesDocument(given) ? (await withProgress(terminal, async (onRead) => founding(given, onRead))).document : undefined
  const kept = await sameDocument(home, named)
  const document = isNew ? await newPeersDocument(given, kept, terminal) : kept
  const weights = await broughtWeights(isNew ? document : undefined, given)
  const run = async (settings: Settings, started?: () => Promise<void>): Promise<number> => {
    const init = await nodeInit(home, settings)
    return await runNode({ ...init, ...(document === undefined ? {} : { federation: document }), ...(weights === undefined ? {} : { weights }) }, settings, terminal, started)
  }
  return await runHome({ home, terminal, isNew }, { given, document: kept }, run)
}

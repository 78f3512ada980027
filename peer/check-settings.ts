/**
 * Checks what can be checked before anything is made or started
 */
import { UsageError } from './errors.ts'
import { stateFolder } from '../src/state-folder.ts'
import { nodeInit } from './node-init.ts'
import type { Settings } from './settings.ts'

/**
 * Loads the network's address parser: for verbs that need the network anyway
 *
 * Throws InvalidAddressError, StateFolderError, UsageError when settings do not go together
 */
export async function checkNodeSettings (home: string, settings: Settings): Promise<void> {
  await nodeInit(home, settings)
  if (settings.ledgers === undefined) {
    stateFolder()
  }
  await checkAttack(settings.attack)
  const { requireAddress } = await import('../src/network/address.ts')
  for (const address of [...settings.bootstrap ?? [], ...settings.listen ?? [], ...settings.announce ?? []]) {
    requireAddress(address)
  }
}

async function checkAttack (spec: string | undefined): Promise<void> {
  if (spec === undefined) {
    return
  }
  const { createAttack } = await import('../src/attacks/attack.ts')
  try {
    createAttack(spec)
  } catch (err) {
    throw new UsageError(`--attack: ${(err as Error).message}`, { cause: err })
  }
}

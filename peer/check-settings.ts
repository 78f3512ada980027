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
 * Throws InvalidAddressError, IdentityError, StateFolderError, UsageError when settings do not go together
 */
export async function checkNodeSettings (home: string, settings: Settings): Promise<void> {
  await nodeInit(home, settings)
  if (settings.ledgers === undefined) {
    stateFolder()
  }
  await checkAttack(settings.attack)
  await checkAddresses(home, settings)
}

async function checkAddresses (home: string, { bootstrap = [], listen = [], announce = [] }: Settings): Promise<void> {
  const { requireAddress, requireAnnounceable, requireReachable } = await import('../src/network/host/address.ts')
  listen.forEach(requireAddress)
  bootstrap.forEach(requireReachable)
  if (announce.length > 0) {
    const { loadIdentity } = await import('../src/network/host/identity.ts')
    const self = (await loadIdentity(home))?.publicKey.toString()
    announce.forEach((address) => requireAnnounceable(address, self))
  }
}

async function checkAttack (spec: string | undefined): Promise<void> {
  if (spec === undefined) {
    return
  }
  const { createAttack } = await import('../src/attacks/attacks.ts')
  try {
    createAttack(spec)
  } catch (err) {
    throw new UsageError(`--attack: ${(err as Error).message}`, { cause: err })
  }
}

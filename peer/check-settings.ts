/**
 * Checks what can be checked before anything is made or started
 */
import { nodeInit } from './node-init.ts'
import type { Settings } from './settings.ts'

/**
 * Loads the network's address parser: for verbs that need the network anyway
 *
 * Throws InvalidAddressError, UsageError when settings do not go together
 */
export async function checkNodeSettings (home: string, settings: Settings): Promise<void> {
  await nodeInit(home, settings)
  const { requireAddress } = await import('../src/network/address.ts')
  for (const address of [...settings.bootstrap ?? [], ...settings.listen ?? [], ...settings.announce ?? []]) {
    requireAddress(address)
  }
}

/**
 * The running peer of a home, for what only it can tell or do
 */
import { NotRunningError } from '../errors.ts'
import { openHome } from '../home-reader.ts'
import { connectControl } from './control-client.ts'
import type { ControlClient } from './control-client.ts'

/**
 * Waits for one that is just starting
 *
 * Throws NoHomeError, NotRunningError, and as `openHome` does
 */
export async function runningPeer (home: string): Promise<ControlClient> {
  const client = await connectControl(home) ?? await startedPeer(home)
  if (client === undefined) {
    throw new NotRunningError(`the peer of ${home} does not run: only a running peer knows who belongs, and can let others in`)
  }
  return client
}

async function startedPeer (home: string): Promise<ControlClient | undefined> {
  const reader = await openHome(home)
  await reader.close()
  return reader.running === undefined ? undefined : connectControl(home)
}

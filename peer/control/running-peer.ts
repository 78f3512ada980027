/**
 * The running peer of a home, for what only it can tell or do
 */
import { NotRunningError } from '../errors.ts'
import { requirePeer } from '../home.ts'
import { connectControl } from './control-client.ts'
import type { ControlClient } from './control-client.ts'

/** Throws NoHomeError, NotRunningError */
export async function runningPeer (home: string): Promise<ControlClient> {
  await requirePeer(home)
  const client = await connectControl(home)
  if (client === undefined) {
    throw new NotRunningError(`the peer of ${home} does not run, or has not joined its federation yet: only a running peer knows who belongs, and can let others in`)
  }
  return client
}

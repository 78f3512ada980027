/**
 * A new identity for a home whose numbers are beyond repair: the old key signs nothing any more, model and ledgers stay
 *
 * Rounds and sequences of one key only grow, so a key that signed far too high a round is of no use to anyone. The key
 * goes first: a renewal that breaks off leaves a home whose numbers are still beyond repair, or none at all, and never
 * an old key that begins anew.
 */
import { join } from 'node:path'
import { peerOfHome, retireIdentity } from '../network/host/identity.ts'
import { createLevelStore } from '../store/level-store.ts'
import { systemClock } from '../system-clock.ts'
import type { PeerName } from '../interface.ts'

export interface Renewal {
  /** The old key, moved aside */
  retiredKey: string
  peer: PeerName
  /** Id of the model that the new peer begins with; undefined where there was none */
  version: string | undefined
}

/** The database keeps all versions that it has */
const KEEP_ALL = Number.MAX_SAFE_INTEGER

/** Throws HomeLockedError while the peer runs, the store's errors, and IdentityError */
export async function renewHome (home: string): Promise<Renewal> {
  const store = createLevelStore({ location: join(home, 'db'), keepVersions: KEEP_ALL, clock: systemClock })
  await store.open()
  try {
    const retiredKey = await retireIdentity(home, await peerOfHome(home))
    const version = await store.beginAgain()
    return { retiredKey, peer: await peerOfHome(home), version: version?.id }
  } finally {
    await store.close()
  }
}

/**
 * Streams of gossip to all peers at once
 *
 * The router opens them one after another, so that where many processes share few cores the last peers of a mesh that
 * is starting are deaf for a minute: each stream waits for a peer that is as busy.
 */
import type { Connection, PeerId } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'
import type { Pubsub } from './internals.ts'

/** One attempt for each peer at a time; what is asked for meanwhile comes after it, over the newest connection */
export function openAtOnce (router: Pick<Pubsub, 'createOutboundStream'>): void {
  const open = router.createOutboundStream.bind(router)
  const opening = new Set<PeerName>()
  const next = new Map<PeerName, Connection>()
  const run = async (peer: PeerId, connection: Connection): Promise<void> => {
    const name = peer.toString()
    opening.add(name)
    for (let current: Connection | undefined = connection; current !== undefined; current = next.get(name)) {
      next.delete(name)
      await open(peer, current).catch(() => {
        // the router says in its log why; deaf-watchdog.ts tries again
      })
    }
    opening.delete(name)
  }
  router.createOutboundStream = async (peer, connection) => {
    if (opening.has(peer.toString())) {
      next.set(peer.toString(), connection)
    } else {
      void run(peer, connection)
    }
  }
}

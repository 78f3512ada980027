/**
 * Has the router forget who went
 *
 * libp2p tells it only of peers that stand in the peer store. One that the store had no room for, or that said too much
 * about itself to be kept there, would stay among the router's peers and subscribers for ever.
 */
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Pubsub } from './internals.ts'

/** Returns what ends it */
export function forgetInRouter (libp2p: Libp2p, pubsub: Pick<Pubsub, 'removePeer'>): () => void {
  const onDisconnect = ({ detail }: CustomEvent<PeerId>): void => { pubsub.removePeer(detail) }
  libp2p.addEventListener('peer:disconnect', onDisconnect)
  return () => { libp2p.removeEventListener('peer:disconnect', onDisconnect) }
}

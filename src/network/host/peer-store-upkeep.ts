/**
 * Keeps, in libp2p's peer store, whoever is connected, and forgets the others: addresses that are worth it stand in the
 * address book
 *
 * Not at once: libp2p looks there, when a peer went, for whom it has to tell, and without an entry it tells nobody. Nor
 * does it tell a peer without an entry when this node's addresses change.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { Key } from 'interface-datastore/key'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'
import type { BoundedDatastore } from './bounded-datastore.ts'

/** A peer that went is forgotten after this, and before twice this */
const FORGET_AFTER_MS = 20_000

/** Returns what ends it */
export function forgetDisconnected (libp2p: Libp2p, forgetAfterMs = FORGET_AFTER_MS): () => void {
  const log = libp2p.logger.forComponent('grapevine:peer-store')
  /** Went since the last look, and before */
  let gone = new Set<PeerName>()
  let due = new Set<PeerName>()
  const onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    gone.add(detail.toString())
    // the time of a peer that came back and went again begins anew
    due.delete(detail.toString())
  }
  const forget = (): void => {
    const connected = new Set(libp2p.getPeers().map(String))
    for (const peer of [...due].filter((name) => !connected.has(name))) {
      libp2p.peerStore.delete(peerIdFromString(peer)).catch((err: unknown) => { log.error('could not forget %s - %e', peer, err) })
    }
    due = gone
    gone = new Set()
  }
  libp2p.addEventListener('peer:disconnect', onDisconnect)
  const timer = setInterval(forget, forgetAfterMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    libp2p.removeEventListener('peer:disconnect', onDisconnect)
  }
}

/** Where libp2p's peer store keeps a peer */
export function keyOf (peer: PeerId): Key {
  return new Key(`/peers/${peer.toCID().toString()}`)
}

/** Pins connected peers until libp2p has read, after they went, whom it has to tell. Returns what ends it */
export function pinConnected (libp2p: Libp2p, datastore: Pick<BoundedDatastore, 'pin' | 'unpin'>): () => void {
  const log = libp2p.logger.forComponent('grapevine:peer-store')
  const onConnect = ({ detail }: CustomEvent<PeerId>): void => { datastore.pin(keyOf(detail)) }
  const onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    // libp2p asked a moment ago, and whoever asks first is answered first
    libp2p.peerStore.has(detail)
      .catch((err: unknown) => { log.error('could not look up %s - %e', detail.toString(), err) })
      .finally(() => {
        if (libp2p.getConnections(detail).length === 0) {
          datastore.unpin(keyOf(detail))
        }
      })
  }
  libp2p.addEventListener('peer:connect', onConnect)
  libp2p.addEventListener('peer:disconnect', onDisconnect)
  return () => {
    libp2p.removeEventListener('peer:connect', onConnect)
    libp2p.removeEventListener('peer:disconnect', onDisconnect)
  }
}

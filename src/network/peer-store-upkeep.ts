/**
 * Forgets, in libp2p's peer store, whoever is not connected any more: addresses that are worth it stand in the address book
 *
 * Not at once: the router looks there, when a peer went, for what it has to undo.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { PeerName } from '../interface.ts'

/** A peer that went is forgotten after this, and before twice this */
export const FORGET_AFTER_MS = 20_000

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

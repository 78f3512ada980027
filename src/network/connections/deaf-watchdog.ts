/**
 * Mends pairs that are connected but deaf: the gossip router dropped its streams with a peer and never opens them again
 *
 * It happens after an oversized frame, a full send buffer or a duplicate connection that closed, and where a busy peer
 * did not answer in time. The router is made to try again; when that is in vain, the connection is made anew.
 */
import '../../promise-with-resolvers.ts'
import { isInUse } from './connection-keeper.ts'
import type { PeerId } from '@libp2p/interface'
import type { Clock, PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'

/** The wait doubles each time in vain, up to this factor */
const MAX_FACTOR = 32

const MAX_TRACKED = 4_096

/** The router is made to try again so often before the connection is given up */
const ATTEMPTS = 3

interface Deafness {
  sinceMs: number | undefined
  /** Since that */
  attempts: number
  factor: number
}

export interface DeafWatchdogInit {
  /** A connected peer may be without gossip for this long. @default 20000 */
  deafMs?: number
}

export class DeafWatchdog {
  readonly #host: Pick<Host, 'libp2p' | 'pubsub'>
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #deafMs: number
  readonly #deaf = new Map<PeerName, Deafness>()

  constructor (components: { host: Pick<Host, 'libp2p' | 'pubsub'>, clock: Pick<Clock, 'monotonicMs'> }, { deafMs = 20_000 }: DeafWatchdogInit) {
    this.#host = components.host
    this.#clock = components.clock
    this.#deafMs = deafMs
  }

  /** To be called about once a second */
  tick (): void {
    const { libp2p, pubsub } = this.#host
    const gossiping = new Set(pubsub.getPeers().map(String))
    const connected = new Map(libp2p.getPeers().map((peer) => [peer.toString(), peer]))
    for (const [name, deafness] of this.#deaf) {
      if (!connected.has(name)) {
        deafness.sinceMs = undefined
      }
    }
    for (const [name, peer] of connected) {
      if (gossiping.has(name) && pubsub.streamsOutbound.has(name)) {
        this.#deaf.delete(name)
      } else {
        this.#check(name, peer)
      }
    }
    if (this.#deaf.size > MAX_TRACKED) {
      this.#deaf.clear()
    }
  }

  #check (name: PeerName, peer: PeerId): void {
    const now = this.#clock.monotonicMs()
    const deafness = this.#deaf.get(name) ?? { sinceMs: undefined, attempts: 0, factor: 1 }
    deafness.sinceMs ??= now
    this.#deaf.set(name, deafness)
    const { libp2p } = this.#host
    if (now - deafness.sinceMs >= this.#deafMs * (deafness.attempts + 1) / (ATTEMPTS + 1)) {
      deafness.attempts++
      this.#tryAgain(peer)
    }
    if (now - deafness.sinceMs >= this.#deafMs * deafness.factor && !libp2p.getConnections(peer).some(isInUse)) {
      deafness.sinceMs = undefined
      deafness.attempts = 0
      deafness.factor = Math.min(MAX_FACTOR, deafness.factor * 2)
      libp2p.hangUp(peer, { signal: AbortSignal.timeout(this.#deafMs) }).catch(() => {
        // it closed by itself
      })
    }
  }

  #tryAgain (peer: PeerId): void {
    const connection = this.#host.libp2p.getConnections(peer).find(({ status }) => status === 'open')
    if (connection !== undefined) {
      this.#host.pubsub.onPeerConnected(peer, connection)
    }
  }
}

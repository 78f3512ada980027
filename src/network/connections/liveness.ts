/**
 * Who is dead although the connection stands: a frozen process, a cable that was pulled
 *
 * Any byte that comes in is a sign of life, so that a slow link full of bulk data is never cut; and every peer sends
 * a beat now and then whatever else it does, so that a living peer is never silent for long. libp2p's own monitor
 * waits for answers instead, which on a slow link stand behind the data.
 */
import '../../promise-with-resolvers.ts'
import type { PeerId } from '@libp2p/interface'
import type { Clock, PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'

/** A tick this late means that this process stood still */
const HELD_UP_MS = 3_000

/** A peer that lives sends a beat in time, give or take a tick of each side */
const STOOD_STILL_BEATS = 1.5

export interface LivenessComponents {
  host: Pick<Host, 'receivedOn'> & { libp2p: Pick<Host['libp2p'], 'getPeers' | 'getConnections' | 'services'> }
  clock: Pick<Clock, 'monotonicMs'>
}

export interface LivenessInit {
  /** Sends a sign of life; false when there is no way to: then the peer is pinged, so that it gives one */
  beat: (peer: PeerName) => boolean
  /** Not a byte came from the peer for longer than living ones are silent, and now there is one: it is back */
  onReturn?: (peer: PeerName) => void
  /** @default 4000 */
  beatMs?: number
  /** A peer is given up after this long without a byte. At least two beats. @default 12000 */
  silentMs?: number
}

interface Watched {
  received: number
  heardMs: number
  beatMs: number
}

export class Liveness {
  readonly #components: LivenessComponents
  readonly #beat: LivenessInit['beat']
  readonly #onReturn: LivenessInit['onReturn']
  readonly #beatMs: number
  readonly #silentMs: number
  readonly #watched = new Map<PeerName, Watched>()
  #tickedMs: number | undefined

  constructor (components: LivenessComponents, { beat, onReturn, beatMs = 4_000, silentMs = 12_000 }: LivenessInit) {
    this.#components = components
    this.#beat = beat
    this.#onReturn = onReturn
    this.#beatMs = beatMs
    this.#silentMs = silentMs
  }

  /** To be called about once a second; closes the connections of silent peers */
  tick (): void {
    const { clock, host } = this.#components
    const now = clock.monotonicMs()
    // this process was held up itself: what the others sent meanwhile may still wait to be read
    const heldUp = this.#tickedMs !== undefined && now - this.#tickedMs > HELD_UP_MS
    this.#tickedMs = now
    const peers = host.libp2p.getPeers()
    const names = new Set(peers.map(String))
    for (const name of this.#watched.keys()) {
      if (!names.has(name)) {
        this.#watched.delete(name)
      }
    }
    for (const peer of peers) {
      this.#check(peer, now, heldUp)
    }
  }

  #check (peer: PeerId, now: number, heldUp: boolean): void {
    const name = peer.toString()
    const connections = this.#components.host.libp2p.getConnections(peer)
    const received = connections.reduce((sum, connection) => sum + this.#components.host.receivedOn(connection), 0)
    const watched = this.#watched.get(name) ?? { received: -1, heardMs: now, beatMs: -Infinity }
    this.#watched.set(name, watched)
    // the sum also changes, downwards, when one of several connections closes
    if (watched.received !== received || heldUp) {
      const isBack = !heldUp && received > watched.received && now - watched.heardMs > STOOD_STILL_BEATS * this.#beatMs
      watched.received = received
      watched.heardMs = now
      isBack && this.#onReturn?.(name)
    }
    if (now - watched.heardMs >= this.#silentMs) {
      this.#watched.delete(name)
      connections.forEach((connection) => { connection.abort(new RangeError(`not a byte for ${this.#silentMs} ms`)) })
    } else if (now - watched.beatMs >= this.#beatMs) {
      watched.beatMs = now
      // without a connection the ping would dial: whatever address the peer told libp2p
      if (!this.#beat(name) && connections.some(({ status }) => status === 'open')) {
        this.#ping(peer)
      }
    }
  }

  #ping (peer: PeerId): void {
    this.#components.host.libp2p.services.ping.ping(peer, { signal: AbortSignal.timeout(this.#silentMs) }).catch(() => {
      // the bytes that came in say all there is to know
    })
  }
}

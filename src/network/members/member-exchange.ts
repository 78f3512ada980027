/**
 * Member lists from peer to peer: /grapevine/members/2.0.0
 *
 * Each side of a connection opens one stream and keeps it: first the whole list, later what is new, in batches. The
 * gossip mesh takes seconds to form when everybody starts at once; these streams are there with the connection. Their
 * frames are also the beat that tells the other side that this one is alive, and say whether the connection is needed.
 */
import '../../promise-with-resolvers.ts'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { lastingController } from '../../lasting-controller.ts'
import { ExchangeLink } from './exchange-link.ts'
import { MAX_MEMBERS } from './membership.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { StreamBytes } from '../support/stream-bytes.ts'
import { MemberExchange as Frame } from '../wire/membership.ts'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Clock, PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { ExchangeLinkInit } from './exchange-link.ts'
import type { RateLimit } from '../support/rate-limit.ts'
import type { MemberEntry, SignedRecord } from '../wire/membership.ts'

export const MEMBERS_PROTOCOL = '/grapevine/members/2.0.0'

/** One frame: several dozen records */
export const MAX_FRAME_BYTES = 65_536

/** What a stream hands over at once after a pause: libp2p bounds it */
const MAX_WAITING_BYTES = 4_194_304

/** The same peer may open a stream again after a fault, but not all the time */
const STREAMS_PER_MINUTE = 30

/** An honest peer sends each member once, then what changes */
const ENTRY_BURST = 2 * MAX_MEMBERS
const ENTRIES_PER_SECOND = 200

/** Frames without records: the beat, and changes of mind about the connection */
const FRAME_BURST = 512
const FRAMES_PER_SECOND = 20

const MINUTE_SECONDS = 60

export interface MemberExchangeComponents {
  host: Pick<Host, 'libp2p' | 'gate'>
  clock: Clock
}

export interface MemberExchangeInit {
  /** The whole list, own record first: what a new connection with `peer` gets */
  snapshot: (peer: PeerName) => MemberEntry[]
  /** The newest record of a member */
  newest: (peer: PeerName) => SignedRecord | undefined
  /** False when there was a forgery among the entries: the stream is closed */
  receive: (entries: readonly MemberEntry[], from: PeerName) => boolean
  /** News is collected for this long before it is sent. @default 25 */
  batchMs?: number
}

/** Decodes a frame. Undefined when it is not one, or holds too many entries. Never throws */
export function decodeFrame (bytes: Uint8Array): Frame | undefined {
  try {
    return Frame.decode(bytes)
  } catch {
    // whatever a stranger sent, it is no frame
    return undefined
  }
}

export class MemberExchange {
  readonly #components: MemberExchangeComponents
  readonly #init: MemberExchangeInit
  readonly #links = new Map<PeerName, ExchangeLink>()
  /**
   * By connection, where there are several with one peer: there may be another process at each, and it gets to know
   * what was said in its name. Mostly it is one process, whose two ends dialled at once: it knows its own records
   */
  readonly #echoes = new Map<string, { peer: PeerName, link: ExchangeLink }>()
  readonly #needed = new Set<PeerName>()
  readonly #neededBy = new Set<PeerName>()
  readonly #streams: RateLimit
  readonly #entries: RateLimit
  readonly #frames: RateLimit
  #stopped = new AbortController()

  constructor (components: MemberExchangeComponents, init: MemberExchangeInit) {
    this.#components = components
    this.#init = init
    this.#streams = createRateLimit(components.clock, { perSecond: STREAMS_PER_MINUTE / MINUTE_SECONDS, burst: STREAMS_PER_MINUTE })
    this.#entries = createRateLimit(components.clock, { perSecond: ENTRIES_PER_SECOND, burst: ENTRY_BURST })
    this.#frames = createRateLimit(components.clock, { perSecond: FRAMES_PER_SECOND, burst: FRAME_BURST })
  }

  async start (): Promise<void> {
    const { libp2p } = this.#components.host
    this.#stopped = lastingController()
    await libp2p.handle(MEMBERS_PROTOCOL, (stream, connection) => { this.#onStream(stream, connection) }, { maxInboundStreams: 4, maxOutboundStreams: 4 })
    libp2p.addEventListener('peer:connect', this.#onConnect)
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    libp2p.addEventListener('connection:close', this.#onClose)
    libp2p.getPeers().forEach((peer) => { this.#open(peer) })
  }

  async stop (): Promise<void> {
    const { libp2p } = this.#components.host
    this.#stopped.abort()
    libp2p.removeEventListener('peer:connect', this.#onConnect)
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    libp2p.removeEventListener('connection:close', this.#onClose)
    await libp2p.unhandle(MEMBERS_PROTOCOL)
    const echoes = [...this.#echoes.values()].map(({ link }) => link)
    await Promise.all([...this.#links.values(), ...echoes].map(async (link) => { await link.stop() }))
    this.#links.clear()
    this.#echoes.clear()
    this.#needed.clear()
    this.#neededBy.clear()
  }

  /** Sends an entry to every connected peer except the one that it came from */
  push (entry: MemberEntry, peer: PeerName, except?: PeerName): void {
    for (const [name, link] of this.#links) {
      if (name !== except && name !== peer) {
        link.push(peer, entry)
      }
    }
  }

  /** Sends a peer what is known of itself, on every connection where there is a stream to it */
  reply (peer: PeerName, entry: MemberEntry): void {
    this.#linksWith(peer).forEach((link) => { link.push(peer, entry) })
  }

  /** Sends what a peer said on one of several connections with it on all of them: see `#echoes` */
  echo (peer: PeerName, entry: MemberEntry): void {
    const links = this.#linksWith(peer)
    if (links.length > 1) {
      links.forEach((link) => { link.push(peer, entry) })
    }
  }

  /** Resolves when all that was pushed before is on its way, or the signal aborts */
  async flush (signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => { signal.addEventListener('abort', () => { resolve() }, { once: true }) })
    await Promise.race([aborted, Promise.all([...this.#links.values()].map(async (link) => { await link.drained() }))])
  }

  /** Tells the connected peers among `peers`, and the others, whether this node needs the connection */
  setNeeded (peers: ReadonlySet<PeerName>): void {
    this.#needed.clear()
    peers.forEach((peer) => this.#needed.add(peer))
    this.#links.forEach((link, peer) => { link.setNeeded(peers.has(peer)) })
    this.#echoes.forEach(({ link, peer }) => { link.setNeeded(peers.has(peer)) })
  }

  /** The other side said that it needs the connection */
  isNeededBy (peer: PeerName): boolean {
    return this.#neededBy.has(peer)
  }

  /** A sign of life for the other side. False when there is no stream with it */
  beat (peer: PeerName): boolean {
    return this.#linksWith(peer).map((link) => link.beat()).includes(true)
  }

  #linksWith (peer: PeerName): ExchangeLink[] {
    const link = this.#links.get(peer)
    const echoes = [...this.#echoes.values()].filter((echo) => echo.peer === peer).map((echo) => echo.link)
    return link === undefined ? echoes : [link, ...echoes]
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    this.#open(detail)
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#neededBy.delete(peer)
    const link = this.#links.get(peer)
    this.#links.delete(peer)
    void link?.stop()
  }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    const echo = this.#echoes.get(detail.id)
    this.#echoes.delete(detail.id)
    void echo?.link.stop()
  }

  #open (peer: PeerId): void {
    const name = peer.toString()
    if (this.#links.has(name) || this.#stopped.signal.aborted) {
      return
    }
    const link = this.#link(peer, { snapshot: () => this.#init.snapshot(name) })
    this.#links.set(name, link)
    link.start()
  }

  /** Only for a connection on which the peer opened a stream itself, beside the one that the link with it uses */
  #openEcho (connection: Connection): void {
    const { id, remotePeer } = connection
    const peer = remotePeer.toString()
    const isOnly = this.#components.host.libp2p.getConnections(remotePeer).length < 2
    if (isOnly || connection.status !== 'open' || this.#echoes.has(id) || this.#links.get(peer)?.connectionId === id) {
      return
    }
    const snapshot = (): MemberEntry[] => {
      const signed = this.#init.newest(peer)
      return signed === undefined ? [] : [{ signed, ageMs: 0 }]
    }
    const link = this.#link(remotePeer, { snapshot, connection })
    this.#echoes.set(id, { peer, link })
    link.start()
  }

  #link (peer: PeerId, init: Pick<ExchangeLinkInit, 'snapshot' | 'connection'>): ExchangeLink {
    const { clock, host } = this.#components
    return new ExchangeLink({ clock, libp2p: host.libp2p, gate: host.gate }, {
      ...init,
      peer,
      protocol: MEMBERS_PROTOCOL,
      needed: this.#needed.has(peer.toString()),
      batchMs: this.#init.batchMs ?? 25
    })
  }

  #onStream (stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString()
    if (this.#stopped.signal.aborted || !this.#streams.take(peer, 1)) {
      stream.abort(new RangeError('too many streams for members'))
      return
    }
    // whoever opens a stream understands the protocol: a link that waits for that need not wait longer
    this.#links.get(peer)?.retry()
    this.#openEcho(connection)
    this.#read(stream, peer).catch((err: unknown) => {
      stream.abort(err instanceof Error ? err : new TypeError('unreadable member list'))
    })
  }

  /** To the last frame before the other side closes: it may be a goodbye */
  async #read (stream: Stream, peer: PeerName): Promise<void> {
    const bytes = new StreamBytes(stream, { maxUnreadBytes: MAX_WAITING_BYTES })
    const { signal } = this.#stopped
    const stop = (): void => { stream.abort(new RangeError('the node stops')) }
    signal.addEventListener('abort', stop, { once: true })
    try {
      for (;;) {
        const message = await bytes.readMessage(MAX_FRAME_BYTES)
        // what comes in the meantime waits at the sender
        if (stream.readStatus === 'readable') {
          stream.pause()
        }
        await this.#admit(this.#receive(message, peer), peer, signal)
        if (stream.readStatus === 'paused') {
          stream.resume()
        }
      }
    } catch (err) {
      if (stream.status !== 'open' || stream.remoteWriteStatus !== 'closed') {
        throw err
      }
      await stream.close({ signal })
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /**
   * A peer that sends more records than its allowance is read more slowly. It may be made to pass on many: that breaks
   * no rule
   */
  async #admit (entries: number, peer: PeerName, signal: AbortSignal): Promise<void> {
    const waitMs = this.#entries.charge(peer, entries)
    await (waitMs > 0 ? this.#components.clock.delay(waitMs, { signal }) : nextTurn())
  }

  /** Returns the number of entries. Throws when the peer breaks the rules */
  #receive (bytes: Uint8Array, peer: PeerName): number {
    const frame = decodeFrame(bytes)
    if (frame === undefined) {
      throw new TypeError('not a frame of a member list')
    }
    if (frame.members.length === 0 && !this.#frames.take(peer, 1)) {
      throw new RangeError('too many empty frames')
    }
    if (this.#links.has(peer)) {
      this.#neededBy[frame.needed ? 'add' : 'delete'](peer)
    }
    if (frame.members.length > 0 && !this.#init.receive(frame.members, peer)) {
      this.#streams.take(peer, STREAMS_PER_MINUTE / 2)
      throw new TypeError('a forged member record')
    }
    return frame.members.length
  }
}

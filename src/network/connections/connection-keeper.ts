/**
 * Keeps the connections that this node needs, and lets go of those that nobody needs
 *
 * libp2p dials nobody by itself and gives up a lost peer after half a minute, so that two halves of a network that
 * were apart for longer would never meet again. Here every wanted peer, every peer that was lost without a goodbye and
 * every bootstrap address is dialled for ever, with backoff. Both ends of an edge of the graph dial; the one with the
 * smaller id goes first, so that they seldom meet half-way. When they do, both connections stay: closing one of them
 * could take away the gossip stream of the other side.
 */
import '../../promise-with-resolvers.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { seededRandom } from '../../seeded-random.ts'
import { parseAddress, peerOf, withoutPeer } from '../host/address.ts'
import { CONNECT_TIMEOUT_MS, dialInTurn } from './dial-in-turn.ts'
import { RedialSchedule } from './redial-schedule.ts'
import { isMoving } from '../support/stream-bytes.ts'
import { Unanswered, unansweredMessage } from './unanswered.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Clock, PeerName, UnansweredAddress } from '../../interface.ts'
import type { AddressBook } from './address-book.ts'
import type { Host } from '../host/host.ts'

export interface KeeperTimings {
  /** Wait after the first failed dial. @default 1000 */
  firstRetryMs?: number
  /** Longest wait before a peer that is missed is dialled again. @default 10000 */
  maxRetryMs?: number
  /** The same for peers and bootstrap addresses that are not missed. @default 60000 */
  maxIdleRetryMs?: number
  /** How long the end with the greater id lets the other one dial first. @default 2500 */
  tieBreakMs?: number
  /**
   * A dial that stands behind many others on a busy machine takes seconds; for each address but the last some more.
   * @default 10000
   */
  dialTimeoutMs?: number
  /** A connection that neither side needs is kept for this long at least. @default 30000 */
  idleMs?: number
}

export interface KeeperInit extends KeeperTimings {
  /** Multiaddrs, with or without `/p2p` */
  bootstrap: readonly string[]
  /** Peers that this node needs a connection with */
  wanted: () => ReadonlySet<PeerName>
  /** Addresses of a member by its own record, as far as they may be dialled; undefined for a peer that is no member */
  addressesOf: (peer: PeerName) => readonly string[] | undefined
  /** May an address that the peer told, or a name in it, lead here? */
  isUsable: (peer: PeerName, address: string) => boolean
  /** Not to be dialled for now. @default nobody */
  isHeldBack?: ((peer: PeerName) => boolean) | undefined
  /** The other side needs the connection */
  isNeededBy: (peer: PeerName) => boolean
  /** A member could not be dialled */
  onUnreachable: (peer: PeerName) => void
  /** An address does not answer, in words for the operator; once, until it does */
  onUnanswered?: (message: string) => void
}

export interface KeeperComponents {
  host: Pick<Host, 'libp2p' | 'self'>
  book: AddressBook
  clock: Clock
}

interface Candidate {
  key: string
  peer: PeerName | undefined
  addresses: readonly string[]
  maxRetryMs: number
  /** May not use the last places among the parallel dials */
  patient: boolean
}

/** Of one peer in one attempt: as many as a record and the address book have each */
const MAX_DIAL_ADDRESSES = 8

const MAX_PARALLEL_DIALS = 12
const MAX_PATIENT_DIALS = 8

/** Head start of the address book before the bootstrap addresses */
const BOOK_FIRST_MS = 1_000

/** Connections beyond the wanted ones that are never pruned: a small mesh stays complete */
const SPARE_CONNECTIONS = 5

/**
 * True when one of our protocols moves data over the connection: it must not be closed. An idle stream is no reason to
 * keep it
 */
export function isInUse (connection: Connection): boolean {
  return connection.streams.some(isMoving)
}

/** The other end of an inbound connection has a port that nobody listens on */
function wayTo ({ direction, remoteAddr }: Connection): string {
  return direction === 'outbound' ? `connected at ${withoutPeer(remoteAddr)}` : 'it has dialled this peer itself'
}

export class ConnectionKeeper {
  readonly #components: KeeperComponents
  readonly #init: Required<Omit<KeeperInit, 'onUnanswered' | 'isHeldBack'>> & Pick<KeeperInit, 'onUnanswered' | 'isHeldBack'>
  readonly #bootstrap: Array<{ text: string, peer: PeerName | undefined }>
  readonly #schedule: RedialSchedule
  readonly #unanswered = new Unanswered()
  readonly #dials = new Map<string, { done: Promise<void>, abort: AbortController }>()
  #running = false
  #kicked = false

  /** Throws InvalidAddressError when a bootstrap address is no multiaddr */
  constructor (components: KeeperComponents, init: KeeperInit) {
    this.#components = components
    this.#init = {
      firstRetryMs: 1_000,
      maxRetryMs: 10_000,
      maxIdleRetryMs: 60_000,
      tieBreakMs: 2_500,
      dialTimeoutMs: 10_000,
      idleMs: 30_000,
      ...init
    }
    const { self } = components.host
    this.#bootstrap = init.bootstrap
      .map((text) => parseAddress(text))
      .map((address) => ({ text: address.toString(), peer: peerOf(address) }))
      .filter(({ peer }) => peer !== self)
    this.#schedule = new RedialSchedule({ clock: components.clock, random: seededRandom(self), firstMs: this.#init.firstRetryMs })
  }

  start (): void {
    const { libp2p } = this.#components.host
    this.#running = true
    libp2p.addEventListener('peer:connect', this.#onConnect)
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    libp2p.getPeers().forEach((peer) => { this.remember(peer.toString()) })
    if (this.#components.book.entries().length > 0) {
      this.#bootstrap.forEach(({ text }) => { this.#schedule.reset(text, BOOK_FIRST_MS) })
    }
    this.tick()
  }

  async stop (): Promise<void> {
    const { libp2p } = this.#components.host
    this.#running = false
    libp2p.removeEventListener('peer:connect', this.#onConnect)
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    libp2p.getPeers().forEach((peer) => { this.remember(peer.toString()) })
    const dials = [...this.#dials.values()]
    dials.forEach(({ abort }) => { abort.abort() })
    await Promise.all(dials.map(async ({ done }) => { await done }))
  }

  /** Dials what is due. To be called a few times a second */
  tick (): void {
    if (!this.#running) {
      return
    }
    const connected = new Set(this.#components.host.libp2p.getPeers().map(String))
    const candidates = this.#candidates(connected)
    this.#schedule.retain(new Set([...candidates.map(({ key }) => key), ...connected]))
    this.#unanswered.retain(new Set([...this.#init.wanted(), ...this.#bootstrap.flatMap(({ peer }) => peer ?? [])]))
    for (const candidate of candidates) {
      const room = this.#dials.size < (candidate.patient ? MAX_PATIENT_DIALS : MAX_PARALLEL_DIALS)
      if (room && !this.#dials.has(candidate.key) && this.#schedule.isDue(candidate.key)) {
        const abort = new AbortController()
        const done = this.#dial(candidate, abort).finally(() => { this.#dials.delete(candidate.key) })
        this.#dials.set(candidate.key, { done, abort })
      }
    }
  }

  /** Looks at once, not at the next tick */
  kick (): void {
    if (!this.#kicked) {
      this.#kicked = true
      queueMicrotask(() => {
        this.#kicked = false
        this.tick()
      })
    }
  }

  /**
   * There is news of the peer: it is worth dialling at once, by one end first: if nothing else is said, by the one with
   * the smaller id
   */
  expect (peer: PeerName, isFirst = this.#components.host.self < peer): void {
    this.#schedule.reset(peer, isFirst ? 0 : this.#init.tieBreakMs)
    this.kick()
  }

  /** Notes in the address book that there is, or was until now, a connection with this member */
  remember (peer: PeerName): void {
    const announced = this.#init.addressesOf(peer)
    if (announced !== undefined) {
      const dialled = this.#components.host.libp2p.getConnections(peerIdFromString(peer))
        .filter(({ direction }) => direction === 'outbound')
        .map(({ remoteAddr }) => withoutPeer(remoteAddr))
      this.#components.book.worked(peer, dialled, announced)
    }
  }

  /** Closes old connections that neither side needs, beyond a few; never one that carries data */
  prune (): void {
    const { libp2p } = this.#components.host
    const wanted = this.#init.wanted()
    const spare = libp2p.getPeers()
      .map((peer) => ({ peer, connections: libp2p.getConnections(peer) }))
      .filter(({ peer, connections }) => this.#isSpare(peer.toString(), connections, wanted))
      .sort((a, b) => a.connections[0]!.timeline.open - b.connections[0]!.timeline.open)
    for (const { peer } of spare.slice(0, Math.max(0, spare.length - SPARE_CONNECTIONS))) {
      libp2p.hangUp(peer, { signal: AbortSignal.timeout(this.#init.dialTimeoutMs) }).catch(() => {
        // it closed by itself, or does not answer: then liveness will close it
      })
    }
  }

  #isSpare (peer: PeerName, connections: readonly Connection[], wanted: ReadonlySet<PeerName>): boolean {
    const youngest = Math.max(...connections.map(({ timeline }) => timeline.open))
    return connections.length > 0 && !wanted.has(peer) && !this.#init.isNeededBy(peer) &&
      this.#components.clock.now() - youngest >= this.#init.idleMs && !connections.some(isInUse)
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#schedule.reset(peer)
    this.remember(peer)
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.remember(peer)
    this.expect(peer)
  }

  /** Whom to dial, most important first */
  #candidates (connected: ReadonlySet<PeerName>): Candidate[] {
    const { maxRetryMs, maxIdleRetryMs } = this.#init
    const { book, host } = this.#components
    const alone = connected.size === 0
    const wanted = this.#init.wanted()
    const missing = (peer: PeerName | undefined): boolean => peer !== host.self && (peer === undefined ? alone : !connected.has(peer))
    const members = [...wanted].filter(missing)
      .map((peer) => ({ key: peer, peer, addresses: this.#addresses(peer), maxRetryMs, patient: false }))
    const bootstrap = this.#bootstrap
      .filter(({ peer }) => missing(peer) && (alone || this.#init.addressesOf(peer ?? '') === undefined))
      .map(({ text, peer }) => ({ key: text, peer, addresses: [text], maxRetryMs: alone ? maxRetryMs : maxIdleRetryMs, patient: false }))
    const remembered = book.entries()
      .filter(({ peer }) => missing(peer) && !wanted.has(peer) && (alone || this.#isMissed(peer)))
      .map(({ peer }) => ({ key: peer, peer, addresses: this.#addresses(peer), maxRetryMs: this.#patience(peer, alone), patient: true }))
    return [...members, ...bootstrap, ...remembered].filter(({ peer }) => peer === undefined || this.#init.isHeldBack?.(peer) !== true)
  }

  /** Gone without a goodbye: perhaps on the other side of a partition */
  #isMissed (peer: PeerName): boolean {
    return this.#init.addressesOf(peer) === undefined && !this.#components.book.hasLeft(peer)
  }

  /** A peer that was here ten minutes ago comes back more likely than one of last week */
  #patience (peer: PeerName, alone: boolean): number {
    const { maxRetryMs, maxIdleRetryMs } = this.#init
    return alone || this.#components.book.connectedWithin(peer, 10 * maxIdleRetryMs) ? maxRetryMs : maxIdleRetryMs
  }

  /** The one that worked last, what the peer says, what is remembered of it */
  #addresses (peer: PeerName): string[] {
    const { book } = this.#components
    const proven = book.proven(peer)
    const texts = [...proven === undefined ? [] : [proven], ...this.#init.addressesOf(peer) ?? [], ...book.addresses(peer)]
    return [...new Set(texts)].slice(0, MAX_DIAL_ADDRESSES).map((text) => `${text}/p2p/${peer}`)
  }

  /** Addresses that were dialled and did not lead to their peer, as long as that peer is wanted */
  unanswered (): UnansweredAddress[] {
    return this.#unanswered.list()
  }

  async #dial (candidate: Candidate, abort: AbortController): Promise<void> {
    const { key, peer, addresses, maxRetryMs } = candidate
    const timer = setTimeout(() => { abort.abort() }, this.#init.dialTimeoutMs + Math.max(0, addresses.length - 1) * CONNECT_TIMEOUT_MS)
    const failed: UnansweredAddress[] = []
    let connection: Connection | undefined
    try {
      connection = await dialInTurn({
        libp2p: this.#components.host.libp2p,
        addresses,
        isUsable: key === peer ? (address) => this.#init.isUsable(peer, address) : undefined,
        onFailure: (address, failure) => { failed.push({ peer, address: withoutPeer(multiaddr(address)), failure }) },
        signal: abort.signal
      })
    } catch {
      // out of time, or this node is stopping: what matters is that there is no connection
    } finally {
      clearTimeout(timer)
    }
    if (connection !== undefined) {
      this.#schedule.reset(key)
    } else if (this.#running) {
      this.#schedule.failed(key, maxRetryMs)
      if (peer !== undefined) {
        this.#init.onUnreachable(peer)
      }
    }
    this.#report(candidate, failed, connection)
  }

  /** A peer that is only remembered may be gone for good: nobody waits for it */
  #report ({ peer, patient }: Candidate, failed: readonly UnansweredAddress[], connection: Connection | undefined): void {
    if (connection?.direction === 'outbound') {
      this.#unanswered.answered(peer, withoutPeer(connection.remoteAddr))
    }
    if (!patient && this.#running) {
      const news = failed.filter((entry) => this.#unanswered.failed(entry))
      const silent = news.filter(({ failure }) => failure === 'silent')
      if (silent.length > 0) {
        this.#init.onUnanswered?.(unansweredMessage(connection === undefined ? failed : silent, connection && wayTo(connection)))
      }
    }
  }
}

/**
 * Membership, choice of neighbours and connections of one node: who is there, whom it mixes with, whom it talks to
 *
 * Signed member records come by the control topic and by exchange with connected peers; the neighbours follow from the
 * list of members by a graph that everybody computes alike; the connections that the graph asks for are kept.
 */
import '../promise-with-resolvers.ts'
import { TypedEventEmitter } from 'main-event'
import { seededRandom } from '../seeded-random.ts'
import { AddressBook } from './address-book.ts'
import { ConnectionKeeper } from './connection-keeper.ts'
import { ControlMessages } from './control-messages.ts'
import { DeafWatchdog } from './deaf-watchdog.ts'
import { Liveness } from './liveness.ts'
import { MemberExchange } from './member-exchange.ts'
import { parseRecord } from './member-record.ts'
import { Membership } from './membership.ts'
import { neighboursOf } from './neighbour-graph.ts'
import { OwnRecord } from './own-record.ts'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'
import type { AbortOptions, Clock, PeerName, Random, Store } from '../interface.ts'
import type { KeeperTimings } from './connection-keeper.ts'
import type { ControlVerdict } from './control-messages.ts'
import type { Host } from './host.ts'
import type { MemberClaim } from './member-record.ts'
import type { Member, MembershipEvents } from './membership.ts'
import type { MemberEntry } from './wire/membership.ts'

export interface NeighbourhoodComponents {
  /** Started by the caller, before or after; stopped by the caller, after */
  host: Host
  privateKey: PrivateKey
  store: Pick<Store, 'peers' | 'putPeer' | 'deletePeer'>
  clock: Clock
}

export interface NeighbourhoodInit extends KeeperTimings {
  federationId: string
  /** Neighbours of each member, k */
  degree: number
  /** Full multiaddrs to join through */
  bootstrap: readonly string[]
  /** How often a node says that it is there, ± 15 %. @default 10000 */
  heartbeatMs?: number
  /** A member without a sign of life for this long is dropped. @default 60000 */
  expiryMs?: number
  /** A member that cannot be reached keeps its place for this long. @default 20000 */
  graceMs?: number
  /** How often every connected peer gets a sign of life. @default 4000 */
  beatMs?: number
  /** A connection without a byte for this long is closed. @default 12000 */
  silentMs?: number
  /** A connected peer may be without gossip for this long before the connection is made anew. @default 10000 */
  deafMs?: number
}

export interface NeighbourhoodEvents {
  'neighbours:change': CustomEvent<{ neighbours: PeerName[] }>
  'members:change': CustomEvent<{ members: PeerName[] }>
}

export interface Neighbourhood extends TypedEventTarget<NeighbourhoodEvents> {
  /** Throws what the store throws when it is read */
  start: () => Promise<void>
  /** Says goodbye and ends everything; connections are left to the host. An aborted signal skips the goodbye */
  stop: (options?: AbortOptions) => Promise<void>
  /** This node included, ascending */
  members: () => PeerName[]
  /** Whom this node aggregates, ascending */
  neighbours: () => PeerName[]
  isConnected: (peer: PeerName) => boolean
  /** Chooses another neighbour in place of this one until it is heard from */
  suspend: (peer: PeerName) => void
  /** A verified sign of life of this author */
  heard: (peer: PeerName) => void
  /** Verdict on a message of the control topic that `from` passed on. Never throws */
  handleControl: (data: Uint8Array, from: PeerName) => ControlVerdict
}

const TICK_MS = 250
const SECOND_MS = 1_000
const PRUNE_EVERY_MS = 5_000
const GOODBYE_MS = 500

/** News of members that comes together is worked in together */
const SETTLE_MS = 20
const SETTLE_MS_PER_MEMBER = 1

/** Who leaves is not dialled; remembered for this many peers */
const MAX_GOODBYES = 4_096

/** A second, sparser graph of connections, so that the control topic reaches everybody whatever the degree is */
const CONTROL_DEGREE = 2

/** Another reporter may have been faster */
const SUSPICION_DELAY_MS = 400

/** At most this often, whatever others provoke */
const MIN_ANNOUNCE_MS = 1_000

function sameNames (a: readonly PeerName[], b: readonly PeerName[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}

class MeshNeighbourhood extends TypedEventEmitter<NeighbourhoodEvents> implements Neighbourhood {
  readonly #components: NeighbourhoodComponents
  readonly #init: NeighbourhoodInit & { heartbeatMs: number }
  readonly #random: Random
  readonly #membership: Membership
  readonly #own: OwnRecord
  readonly #book: AddressBook
  readonly #keeper: ConnectionKeeper
  readonly #exchange: MemberExchange
  readonly #control: ControlMessages
  readonly #liveness: Liveness
  readonly #watchdog: DeafWatchdog
  readonly #connected = new Set<PeerName>()
  readonly #suspended = new Set<PeerName>()
  readonly #goodbyes = new Set<PeerName>()
  /** Members whose connection broke and that gave no sign since */
  readonly #lost = new Set<PeerName>()
  /** Joined or moved since the graph was drawn */
  readonly #joined = new Set<PeerName>()
  #members: PeerName[]
  #neighbours: PeerName[] = []
  #wanted: ReadonlySet<PeerName> = new Set()
  #settling = false
  #announceMs = Infinity
  #announcedMs = -Infinity
  #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor (components: NeighbourhoodComponents, init: NeighbourhoodInit) {
    super()
    const { host, clock, store } = components
    const { federationId, expiryMs = 60_000, graceMs = 20_000 } = init
    this.#components = components
    this.#init = { ...init, heartbeatMs: init.heartbeatMs ?? 10_000 }
    this.#random = seededRandom(`${host.self} neighbourhood`)
    this.#members = [host.self]
    this.#membership = new Membership({ self: host.self, clock, expiryMs, graceMs })
    this.#own = new OwnRecord(components, federationId)
    this.#book = new AddressBook({ store, clock }, host.self)
    this.#exchange = new MemberExchange({ host, clock }, {
      snapshot: () => this.#snapshot(),
      receive: (entries, from) => this.#receive(entries, from)
    })
    this.#control = new ControlMessages({ ...components, membership: this.#membership }, {
      federation: federationId,
      isConnected: (peer) => this.#connected.has(peer),
      onNews: (claim, from) => { this.#spread(claim, from) },
      ownSequence: () => this.#own.sequence,
      onChallenge: (sequence) => { this.#answer(sequence) }
    })
    this.#keeper = this.#createKeeper()
    this.#liveness = new Liveness({ host, clock }, { ...init, beat: (peer) => { this.#exchange.beat(peer) } })
    this.#watchdog = new DeafWatchdog({ host, clock }, init)
    this.#membership.addEventListener('change', this.#onChange)
  }

  #createKeeper (): ConnectionKeeper {
    const { host, clock } = this.#components
    return new ConnectionKeeper({ host, clock, book: this.#book }, {
      ...this.#init,
      wanted: () => this.#wanted,
      addressesOf: (peer) => this.#membership.get(peer)?.addresses,
      saidGoodbye: (peer) => this.#goodbyes.has(peer),
      isNeededBy: (peer) => this.#exchange.isNeededBy(peer),
      onUnreachable: (peer) => { this.#onUnreachable(peer) }
    })
  }

  async start (): Promise<void> {
    if (this.#running !== undefined) {
      return
    }
    const { libp2p } = this.#components.host
    this.#stopped = new AbortController()
    await this.#book.load()
    await this.#own.renew()
    libp2p.addEventListener('peer:connect', this.#onConnect)
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    libp2p.getPeers().forEach((peer) => this.#connected.add(peer.toString()))
    await this.#exchange.start()
    this.#keeper.start()
    this.#announceMs = this.#components.clock.monotonicMs()
    this.#running = this.#run()
  }

  async stop (options: AbortOptions = {}): Promise<void> {
    if (this.#running === undefined) {
      return
    }
    const { libp2p } = this.#components.host
    this.#stopped.abort()
    await this.#running
    this.#running = undefined
    await this.#keeper.stop()
    if (options.signal?.aborted !== true) {
      await this.#sayGoodbye(options.signal)
    }
    await this.#exchange.stop()
    libp2p.removeEventListener('peer:connect', this.#onConnect)
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    await this.#book.flush()
  }

  members (): PeerName[] {
    return this.#membership.names()
  }

  neighbours (): PeerName[] {
    return [...this.#neighbours]
  }

  isConnected (peer: PeerName): boolean {
    return this.#connected.has(peer)
  }

  suspend (peer: PeerName): void {
    if (this.#membership.get(peer) !== undefined && !this.#suspended.has(peer)) {
      this.#suspended.add(peer)
      this.#settle()
    }
  }

  heard (peer: PeerName): void {
    this.#membership.heard(peer)
    if (this.#suspended.delete(peer)) {
      this.#settle()
    }
  }

  handleControl (data: Uint8Array, from: PeerName): ControlVerdict {
    return this.#stopped.signal.aborted ? 'ignore' : this.#control.handle(data, from)
  }

  async #run (): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stopped
    let secondMs = -Infinity
    let pruneMs = clock.monotonicMs() + PRUNE_EVERY_MS
    while (!signal.aborted) {
      const now = clock.monotonicMs()
      this.#keeper.tick()
      if (now >= secondMs) {
        secondMs = now + SECOND_MS
        this.#everySecond()
      }
      if (now >= pruneMs) {
        pruneMs = now + PRUNE_EVERY_MS
        this.#keeper.prune()
      }
      if (now >= this.#announceMs || this.#own.isOutdated) {
        await this.#announce()
      }
      await clock.delay(TICK_MS, { signal }).catch(() => {
        // stopped: the loop ends
      })
    }
  }

  #everySecond (): void {
    this.#connected.forEach((peer) => { this.#membership.heard(peer) })
    this.#liveness.tick()
    this.#watchdog.tick()
    this.#membership.expire()
  }

  /** Tells everybody that this node is there */
  async #announce (): Promise<void> {
    const { clock } = this.#components
    const isNews = this.#own.isOutdated || this.#announcedMs === -Infinity
    const intervalMs = this.#init.heartbeatMs * this.#membership.quietFactor
    this.#announcedMs = clock.monotonicMs()
    this.#announceMs = this.#announcedMs + intervalMs * (0.85 + 0.3 * this.#random())
    const entry = await this.#own.renew()
    if (isNews) {
      this.#exchange.push(entry, this.#components.host.self)
    }
    await this.#attempt(async () => { await this.#control.publishRecord(entry) })
  }

  /** Somebody doubts this node: announce it soon, above the number that is about */
  #answer (sequence: number): void {
    this.#own.supersede(sequence)
    this.#announceMs = Math.min(this.#announceMs, this.#announcedMs + MIN_ANNOUNCE_MS)
  }

  /** What cannot be sent now is sent with the next heartbeat: the operator need not act */
  async #attempt (task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (err) {
      this.#components.host.libp2p.logger.forComponent('grapevine:neighbourhood').error('could not publish - %e', err)
    }
  }

  async #sayGoodbye (signal?: AbortSignal): Promise<void> {
    const entry = await this.#own.renew(true)
    this.#exchange.push(entry, this.#components.host.self)
    await this.#attempt(async () => { await this.#control.publishRecord(entry) })
    const deadline = AbortSignal.timeout(GOODBYE_MS)
    await this.#exchange.flush(signal === undefined ? deadline : AbortSignal.any([signal, deadline]))
  }

  /** The whole list, for a peer that connected */
  #snapshot (): MemberEntry[] {
    const now = this.#components.clock.monotonicMs()
    const entries = [...this.#membership.all()].map(({ signed, lastSignMs }) => ({ signed, ageMs: Math.max(0, Math.round(now - lastSignMs)) }))
    return this.#own.entry === undefined ? entries : [this.#own.entry, ...entries]
  }

  #receive (entries: readonly MemberEntry[], from: PeerName): boolean {
    for (const { signed, ageMs } of entries) {
      const claim = parseRecord(signed, this.#init.federationId)
      if (claim === undefined) {
        return false
      }
      if (claim.peer === this.#components.host.self) {
        this.#control.challenge(claim)
        continue
      }
      const verdict = this.#membership.apply(claim, ageMs, claim.peer === from)
      if (verdict === 'forged') {
        return false
      }
      if (verdict === 'news') {
        this.#spread(claim, from)
      }
    }
    return true
  }

  /** Passes news on to every connected peer but the one that it came from */
  #spread ({ peer, signed }: MemberClaim, from: PeerName): void {
    const lastSignMs = this.#membership.get(peer)?.lastSignMs
    const ageMs = lastSignMs === undefined ? 0 : Math.max(0, Math.round(this.#components.clock.monotonicMs() - lastSignMs))
    this.#exchange.push({ signed, ageMs }, peer, from)
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#connected.add(peer)
    this.#lost.delete(peer)
    this.#membership.heard(peer)
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#connected.delete(peer)
    if (this.#membership.get(peer) !== undefined) {
      this.#lost.add(peer)
    }
  }

  readonly #onChange = ({ detail }: MembershipEvents['change']): void => {
    if (detail.joined !== undefined) {
      this.#onJoined(detail.joined)
    }
    if (detail.left !== undefined) {
      this.#onLeft(detail.left, detail.goodbye === true)
    }
    this.#settle()
  }

  #onJoined ({ peer }: Member): void {
    this.#goodbyes.delete(peer)
    this.#lost.delete(peer)
    this.#suspended.delete(peer)
    this.#joined.add(peer)
    if (this.#connected.has(peer)) {
      this.#keeper.remember(peer)
    }
  }

  #onLeft (peer: PeerName, goodbye: boolean): void {
    this.#lost.delete(peer)
    this.#suspended.delete(peer)
    this.#joined.delete(peer)
    if (goodbye) {
      this.#goodbyes.add(peer)
    }
    if (this.#goodbyes.size > MAX_GOODBYES) {
      this.#goodbyes.delete(this.#goodbyes.values().next().value!)
    }
  }

  /** A member that broke off, or was silent for too long, and cannot be dialled: ask aloud whether it lives */
  #onUnreachable (peer: PeerName): void {
    const { clock } = this.#components
    const member = this.#membership.get(peer)
    if (member === undefined || this.#connected.has(peer)) {
      return
    }
    const patienceMs = 2 * this.#init.heartbeatMs * this.#membership.quietFactor
    const isSilent = clock.monotonicMs() - member.lastSignMs > patienceMs
    if (member.suspectedMs === undefined && (this.#lost.has(peer) || isSilent)) {
      void this.#suspect(member)
    }
  }

  async #suspect ({ peer, sequence }: Member): Promise<void> {
    const { signal } = this.#stopped
    await this.#attempt(async () => {
      await this.#components.clock.delay(this.#random() * SUSPICION_DELAY_MS, { signal })
      if (!this.#connected.has(peer) && this.#membership.suspect(peer, sequence)) {
        await this.#control.publishSuspicion(peer, sequence)
      }
    })
  }

  /** Draws the graph again, soon: changes come in bunches */
  #settle (): void {
    if (this.#settling || this.#stopped.signal.aborted) {
      return
    }
    this.#settling = true
    const waitMs = SETTLE_MS + this.#membership.size * SETTLE_MS_PER_MEMBER
    this.#components.clock.delay(waitMs, { signal: this.#stopped.signal })
      .then(() => { this.#draw() }, () => {
        // stopped
      })
      .finally(() => { this.#settling = false })
  }

  #draw (): void {
    this.#settling = false
    const { self } = this.#components.host
    const { degree, federationId } = this.#init
    const members = this.#membership.names()
    const graph = neighboursOf(self, members, degree, federationId)
    const neighbours = this.#suspended.size === 0
      ? graph
      : neighboursOf(self, members.filter((peer) => !this.#suspended.has(peer)), degree, federationId)
    const control = neighboursOf(self, members, CONTROL_DEGREE, `${federationId} control`)
    const before = this.#wanted
    this.#wanted = new Set([...neighbours, ...graph, ...control])
    this.#exchange.setNeeded(this.#wanted)
    for (const peer of this.#wanted) {
      if (!this.#connected.has(peer) && (this.#joined.has(peer) || !before.has(peer))) {
        this.#keeper.expect(peer)
      }
    }
    this.#joined.clear()
    this.#publishChanges(members, neighbours)
  }

  #publishChanges (members: PeerName[], neighbours: PeerName[]): void {
    const membersChanged = !sameNames(members, this.#members)
    const neighboursChanged = !sameNames(neighbours, this.#neighbours)
    this.#members = members
    this.#neighbours = neighbours
    if (membersChanged) {
      this.safeDispatchEvent('members:change', { detail: { members: [...members] } })
    }
    if (neighboursChanged) {
      this.safeDispatchEvent('neighbours:change', { detail: { neighbours: [...neighbours] } })
    }
  }
}

/**
 * Makes the neighbourhood of a host. The caller subscribes to the control topic and hands its messages to
 * `handleControl`
 *
 * Throws InvalidAddressError when a bootstrap address is no multiaddr
 */
export function createNeighbourhood (components: NeighbourhoodComponents, init: NeighbourhoodInit): Neighbourhood {
  return new MeshNeighbourhood(components, init)
}

/**
 * Membership, choice of neighbours and connections of one node: who is there, whom it mixes with, whom it talks to
 *
 * Signed member records come by the control topic and by exchange with connected peers; the neighbours follow from the
 * list of members by a graph that everybody computes alike; the connections that the graph asks for are kept.
 */
import '../promise-with-resolvers.ts'
import { TypedEventEmitter, setMaxListeners } from 'main-event'
import { AddressBook } from './address-book.ts'
import { ConnectionKeeper } from './connection-keeper.ts'
import { ControlMessages } from './control-messages.ts'
import { MemberExchange } from './member-exchange.ts'
import { Membership } from './membership.ts'
import { NeighbourChoice } from './neighbour-choice.ts'
import { OwnRecord } from './own-record.ts'
import { Presence } from './presence.ts'
import { QuietPeriod } from './quiet-period.ts'
import { RecordIntake } from './record-intake.ts'
import { RecordOrigins } from './record-origins.ts'
import { Upkeep } from './upkeep.ts'
import type { PeerId } from '@libp2p/interface'
import type { AbortOptions, IdentityUse, PeerName, UnansweredAddress } from '../interface.ts'
import type { ControlVerdict } from './control-messages.ts'
import type { EquivocationProof } from './equivocation.ts'
import type { MembershipEvents } from './membership.ts'
import type { Neighbourhood, NeighbourhoodComponents, NeighbourhoodEvents, NeighbourhoodInit } from './neighbourhood-interface.ts'

const TICK_MS = 250

/**
 * The graph is drawn when there was no news of members for a while, longer where news takes longer to come round: a
 * graph of half the members asks for wrong connections
 */
const QUIET_MS = 100
const QUIET_MS_PER_MEMBER = 10
const MAX_QUIET_MS = 400

/** ... or when the first news is this old */
const MAX_SETTLE_MS = 5_000

function sameNames (a: readonly PeerName[], b: readonly PeerName[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}

class MeshNeighbourhood extends TypedEventEmitter<NeighbourhoodEvents> implements Neighbourhood {
  readonly #components: NeighbourhoodComponents
  readonly #init: NeighbourhoodInit
  readonly #membership: Membership
  readonly #own: OwnRecord
  readonly #presence: Presence
  readonly #intake: RecordIntake
  readonly #choice: NeighbourChoice
  readonly #book: AddressBook
  readonly #keeper: ConnectionKeeper
  readonly #exchange: MemberExchange
  readonly #control: ControlMessages
  readonly #upkeep: Upkeep
  readonly #origins: RecordOrigins
  readonly #connected = new Set<PeerName>()
  /** Members whose connection broke and that gave no sign since, with the sequence of their newest record then */
  readonly #lost = new Map<PeerName, number>()
  /** Joined or moved since the graph was drawn */
  readonly #joined = new Set<PeerName>()
  /** As in the last event */
  #members: PeerName[]
  #settling: QuietPeriod
  #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor (components: NeighbourhoodComponents, init: NeighbourhoodInit) {
    super()
    const { host, clock, store } = components
    const { federationId, expiryMs = 60_000, graceMs = 20_000 } = init
    this.#components = components
    this.#init = init
    this.#choice = new NeighbourChoice({ ...init, self: host.self })
    this.#members = [host.self]
    this.#membership = new Membership({ self: host.self, clock, expiryMs, graceMs })
    this.#own = new OwnRecord(components, federationId)
    this.#origins = new RecordOrigins(host)
    this.#book = new AddressBook({ store, clock }, host.self)
    this.#exchange = new MemberExchange({ host, clock }, {
      snapshot: (peer) => [...this.#own.entry ?? [], ...this.#membership.entries(), ...this.#membership.departed(peer)],
      newest: (peer) => this.#membership.get(peer)?.signed,
      receive: (entries, from) => this.#intake.receive(entries, from)
    })
    this.#control = new ControlMessages({ ...components, membership: this.#membership }, {
      federation: federationId,
      isConnected: (peer) => this.#connected.has(peer),
      onRecord: (peer, from) => { this.#origins.note(peer, from) },
      onNews: (claim, from) => { this.#intake.spread(claim, from) },
      onDirect: (claim, verdict) => { this.#intake.direct(claim, verdict) },
      ownSequence: () => this.#own.sequence,
      onOwnRecord: (claim) => { this.#presence.onOwnRecord(claim) },
      onSuspected: () => { this.#presence.answer() },
      onEquivocation: (proof) => { this.safeDispatchEvent('equivocation', { detail: proof }) }
    })
    this.#intake = new RecordIntake({ membership: this.#membership, exchange: this.#exchange, control: this.#control, origins: this.#origins }, {
      self: host.self,
      federationId
    })
    this.#presence = new Presence({ host, clock, own: this.#own, membership: this.#membership, control: this.#control, exchange: this.#exchange }, {
      ...init,
      expiryMs,
      onInUse: (message) => { this.safeDispatchEvent('warning', { detail: { code: 'identity-in-use', message } }) }
    })
    this.#keeper = this.#createKeeper()
    this.#upkeep = new Upkeep({ host, clock, keeper: this.#keeper, membership: this.#membership, connected: this.#connected }, {
      ...init,
      beat: (peer) => this.#exchange.beat(peer)
    })
    this.#settling = this.#createSettling()
    this.#membership.addEventListener('change', this.#onChange)
    this.#membership.addEventListener('ready', ({ detail }) => { this.safeDispatchEvent('ready', { detail }) })
  }

  #createKeeper (): ConnectionKeeper {
    const { host, clock } = this.#components
    return new ConnectionKeeper({ host, clock, book: this.#book }, {
      ...this.#init,
      wanted: () => this.#choice.wanted,
      addressesOf: (peer) => this.#membership.get(peer)?.addresses.filter((address) => this.#origins.isUsable(peer, address)),
      isUsable: (peer, address) => this.#origins.isUsable(peer, address),
      onUnanswered: (message) => { this.safeDispatchEvent('warning', { detail: { code: 'silent-address', message } }) },
      isNeededBy: (peer) => this.#exchange.isNeededBy(peer),
      onUnreachable: (peer) => { this.#onUnreachable(peer) }
    })
  }

  /** Draws the graph again when it is worth it */
  #createSettling (): QuietPeriod {
    return new QuietPeriod({
      clock: this.#components.clock,
      quietMs: () => Math.min(MAX_QUIET_MS, QUIET_MS + this.#membership.size * QUIET_MS_PER_MEMBER),
      maxWaitMs: MAX_SETTLE_MS,
      signal: this.#stopped.signal,
      onQuiet: () => { this.#draw() }
    })
  }

  async start (): Promise<void> {
    if (this.#running !== undefined) {
      return
    }
    const { libp2p } = this.#components.host
    this.#stopped = new AbortController()
    // every suspicion in the making listens to it
    setMaxListeners(Infinity, this.#stopped.signal)
    this.#settling = this.#createSettling()
    await this.#book.load()
    await this.#own.load()
    await this.#own.renew()
    libp2p.addEventListener('peer:connect', this.#onConnect)
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    this.#connected.clear()
    libp2p.getPeers().forEach((peer) => this.#connected.add(peer.toString()))
    await this.#exchange.start()
    this.#keeper.start()
    this.#presence.reset()
    this.#settling.news()
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
      await this.#presence.goodbye(options.signal)
    }
    await this.#exchange.stop()
    libp2p.removeEventListener('peer:connect', this.#onConnect)
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    await this.#book.flush()
  }

  members (): PeerName[] {
    return this.#membership.names()
  }

  isMember (peer: PeerName): boolean {
    return this.#membership.get(peer) !== undefined
  }

  neighbours (): PeerName[] {
    return [...this.#choice.neighbours]
  }

  upcoming (): PeerName[] {
    return [...this.#choice.upcoming]
  }

  elders (): PeerName[] {
    return [...this.#choice.elders]
  }

  setRound (round: number): void {
    this.#control.setRound(round)
    if (this.#choice.setRound(round) && this.#running !== undefined) {
      this.#draw()
    }
  }

  observe (): void {
    this.#own.observing = true
    this.#control.observe()
  }

  unanswered = (): UnansweredAddress[] => this.#keeper.unanswered()

  identityUse = (): IdentityUse => this.#presence.identityUse()

  isConnected (peer: PeerName): boolean {
    return this.#connected.has(peer)
  }

  isHeardOf (peer: PeerName): boolean {
    const member = this.#membership.get(peer)
    return member !== undefined && member.suspectedMs === undefined && !this.#presence.isSilent({ lastSignMs: member.recordMs }) &&
      member.sequence > (this.#lost.get(peer) ?? 0)
  }

  declareReady (isReady: boolean): void {
    this.#presence.declareReady(isReady)
  }

  readyClaim (peer: PeerName): number | undefined {
    const member = this.#membership.get(peer)
    return member?.ready === true ? member.sequence : undefined
  }

  suspend (peer: PeerName): void {
    if (this.#membership.get(peer) !== undefined && this.#choice.suspend(peer, this.#components.clock.monotonicMs())) {
      this.#settling.news()
    }
  }

  heard (peer: PeerName): void {
    this.#membership.heard(peer)
    if (this.#choice.resume(peer)) {
      this.#settling.news()
    }
  }

  async tellEquivocation (proof: EquivocationProof): Promise<void> {
    if (!this.#stopped.signal.aborted) {
      await this.#control.publishEquivocation(proof)
    }
  }

  handleControl (data: Uint8Array, from: PeerName): ControlVerdict {
    return this.#stopped.signal.aborted ? 'ignore' : this.#control.handle(data, from)
  }

  async #run (): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stopped
    while (!signal.aborted) {
      this.#upkeep.tick()
      if (this.#choice.release(clock.monotonicMs())) {
        this.#settling.news()
      }
      await this.#presence.tick()
      await clock.delay(TICK_MS, { signal }).catch(() => {
        // stopped: the loop ends
      })
    }
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#connected.add(peer)
    this.#lost.delete(peer)
    this.heard(peer)
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#connected.delete(peer)
    const member = this.#membership.get(peer)
    if (member !== undefined) {
      this.#lost.set(peer, member.sequence)
    }
  }

  readonly #onChange = ({ detail }: MembershipEvents['change']): void => {
    const { peer, joined } = detail
    this.#lost.delete(peer)
    this.#choice.resume(peer)
    if (joined) {
      this.#onJoined(peer)
    } else {
      this.#onLeft(peer, detail.goodbye)
    }
    this.#settling.news()
  }

  #onJoined (peer: PeerName): void {
    this.#joined.add(peer)
    if (this.#connected.has(peer)) {
      this.#keeper.remember(peer)
    }
  }

  #onLeft (peer: PeerName, goodbye: boolean): void {
    this.#joined.delete(peer)
    this.#origins.forget(peer)
    if (goodbye) {
      this.#book.left(peer)
    }
  }

  /** A member that broke off, or was silent for too long, and cannot be dialled */
  #onUnreachable (peer: PeerName): void {
    const member = this.#membership.get(peer)
    const isConnected = (name: PeerName): boolean => this.#connected.has(name)
    if (member?.suspectedMs === undefined && member !== undefined && !isConnected(peer) && (this.#lost.has(peer) || this.#presence.isSilent(member))) {
      void this.#presence.suspect(member, isConnected, this.#stopped.signal)
    }
  }

  #draw (): void {
    const members = this.#membership.names()
    const { wanted: before, neighbours, upcoming } = this.#choice
    this.#choice.draw(this.#membership.contributors(), this.#membership.observers())
    const { wanted } = this.#choice
    this.#exchange.setNeeded(wanted)
    for (const peer of wanted) {
      if (!this.#connected.has(peer) && (this.#joined.has(peer) || !before.has(peer))) {
        this.#keeper.expect(peer)
      }
    }
    this.#joined.clear()
    this.#publishChanges(members, !sameNames(neighbours, this.#choice.neighbours) || !sameNames(upcoming, this.#choice.upcoming))
  }

  #publishChanges (members: PeerName[], neighboursChanged: boolean): void {
    if (!sameNames(members, this.#members)) {
      this.#members = members
      this.safeDispatchEvent('members:change', { detail: { members: [...members] } })
    }
    if (neighboursChanged) {
      this.safeDispatchEvent('neighbours:change', { detail: { neighbours: this.neighbours() } })
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

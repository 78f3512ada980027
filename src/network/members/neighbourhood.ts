/**
 * Membership, choice of neighbours and connections of one node: who is there, whom it mixes with, whom it talks to
 *
 * Signed member records come by the control topic and by exchange with connected peers; who counts follows from what
 * they say about connections (vouching.ts), and the neighbours from who counts, by a graph that everybody computes
 * alike; the connections that the graph asks for are kept.
 */
import '../../promise-with-resolvers.ts'
import { TypedEventEmitter } from 'main-event'
import { lastingController } from '../../lasting-controller.ts'
import { AddressBook } from '../connections/address-book.ts'
import { ConnectionKeeper } from '../connections/connection-keeper.ts'
import { ControlMessages } from './control-messages.ts'
import { Links } from './links.ts'
import { MemberExchange } from './member-exchange.ts'
import { NeighbourChoice, sameNames } from './neighbour-choice.ts'
import { OwnRecord } from './own-record.ts'
import { Presence } from './presence.ts'
import { QuietPeriod, quietMsFor } from '../support/quiet-period.ts'
import { RecordIntake } from './record-intake.ts'
import { RecordOrigins } from './record-origins.ts'
import { Roll } from './roll.ts'
import { Upkeep } from './upkeep.ts'
import type { AbortOptions, IdentityUse, PeerName, UnansweredAddress } from '../../interface.ts'
import type { ControlVerdict } from './control-messages.ts'
import type { EquivocationProof } from '../signed/equivocation.ts'
import type { CountedMembers } from './counted-members.ts'
import type { Membership, MembershipEvents } from './membership.ts'
import type { Neighbourhood, NeighbourhoodComponents, NeighbourhoodEvents, NeighbourhoodInit } from './neighbourhood-interface.ts'

const TICK_MS = 250

/** The graph is drawn when there was no news of members for a while (quietMsFor), or when the first news is this old */
const MAX_SETTLE_MS = 5_000

class MeshNeighbourhood extends TypedEventEmitter<NeighbourhoodEvents> implements Neighbourhood {
  readonly #components: NeighbourhoodComponents
  readonly #init: NeighbourhoodInit
  readonly #membership: Membership
  readonly #counted: CountedMembers
  readonly #roll: Roll
  readonly #own: OwnRecord
  readonly #presence: Presence
  readonly #choice: NeighbourChoice
  readonly #book: AddressBook
  readonly #keeper: ConnectionKeeper
  readonly #exchange: MemberExchange
  readonly #control: ControlMessages
  readonly #upkeep: Upkeep
  readonly #origins: RecordOrigins
  readonly #intake: RecordIntake
  readonly #links: Links
  readonly #connected = new Set<PeerName>()
  /** Joined or moved since the graph was drawn */
  readonly #joined = new Set<PeerName>()
  /** As in the last event */
  #members: PeerName[]
  #settling: QuietPeriod
  #stopped = new AbortController()
  #running: Promise<void> | undefined
  #endFollowing: (() => void) | undefined

  constructor (components: NeighbourhoodComponents, init: NeighbourhoodInit) {
    super()
    const { host, clock, store } = components
    const { federationId, expiryMs = 60_000, graceMs = 20_000 } = init
    this.#components = components
    this.#init = init
    this.#choice = new NeighbourChoice({ ...init, self: host.self })
    this.#members = [host.self]
    this.#roll = new Roll({ ...init, self: host.self, clock, connected: this.#connected, isWelcome: host.gate?.isOpen, expiryMs, graceMs })
    this.#membership = this.#roll.members
    this.#counted = this.#roll.counted
    this.#own = new OwnRecord(components, federationId)
    this.#origins = new RecordOrigins(host)
    this.#book = new AddressBook({ store, clock }, host.self)
    this.#exchange = new MemberExchange({ host, clock }, {
      snapshot: (peer) => [...this.#own.entry ?? [], ...this.#membership.entries(), ...this.#membership.departed(peer)],
      newest: (peer) => this.#membership.get(peer)?.signed,
      receive: (entries, from) => this.#intake.receive(entries, from)
    })
    this.#control = this.#createControl()
    this.#intake = new RecordIntake({ membership: this.#membership, exchange: this.#exchange, control: this.#control, origins: this.#origins }, { self: host.self, federationId })
    this.#presence = new Presence({ host, clock, own: this.#own, membership: this.#membership, control: this.#control, exchange: this.#exchange }, {
      ...init,
      expiryMs,
      onInUse: (message) => { this.safeDispatchEvent('warning', { detail: { code: 'identity-in-use', message } }) },
      isShort: (peer) => this.#counted.isShort(peer)
    })
    this.#links = new Links({ host, membership: this.#membership, presence: this.#presence }, { connected: this.#connected, onConnect: (peer) => { this.heard(peer) } })
    this.#keeper = this.#createKeeper()
    this.#upkeep = new Upkeep({ host, clock, keeper: this.#keeper, membership: this.#membership, connected: this.#connected }, {
      ...init,
      ...{ beat: (peer) => this.#exchange.beat(peer), onReturn: (peer) => { this.heard(peer) } }
    })
    this.#settling = this.#createSettling()
    this.#membership.addEventListener('change', this.#onChange)
    this.#membership.addEventListener('ready', ({ detail }) => { this.safeDispatchEvent('ready', { detail }) })
  }

  #createControl (): ControlMessages {
    return new ControlMessages({ ...this.#components, membership: this.#membership }, {
      federation: this.#init.federationId,
      takeRecord: this.#init.takeRecord,
      isConnected: (peer) => this.#connected.has(peer),
      isPresent: (peer) => this.#roll.isPresent(peer),
      onRecord: (peer, from) => { this.#origins.note(peer, from) },
      onNews: (claim, from) => { this.#intake.spread(claim, from) },
      onDirect: (claim, verdict) => { this.#intake.direct(claim, verdict) },
      ownSequence: () => this.#own.sequence,
      onOwnRecord: (claim) => { this.#presence.onOwnRecord(claim) },
      onSuspected: () => { this.#presence.answer() },
      onEquivocation: (proof) => { this.safeDispatchEvent('equivocation', { detail: proof }) }
    })
  }

  #createKeeper (): ConnectionKeeper {
    const { host, clock } = this.#components
    return new ConnectionKeeper({ host, clock, book: this.#book }, {
      ...this.#init,
      wanted: () => this.#choice.wanted,
      addressesOf: (peer) => this.#addressesOf(peer),
      isUsable: (peer, address) => this.#origins.isUsable(peer, address),
      onUnanswered: (message) => { this.safeDispatchEvent('warning', { detail: { code: 'silent-address', message } }) },
      isNeededBy: (peer) => this.#exchange.isNeededBy(peer),
      isHeldBack: host.gate?.holdsBack,
      onUnreachable: (peer) => { this.#onUnreachable(peer) }
    })
  }

  #addressesOf (peer: PeerName): string[] | undefined {
    const isWorthIt = this.#roll.isPresent(peer) || this.#choice.wanted.has(peer)
    return isWorthIt ? this.#membership.get(peer)?.addresses.filter((address) => this.#origins.isUsable(peer, address)) : undefined
  }

  /** Draws the graph again when it is worth it */
  #createSettling (): QuietPeriod {
    return new QuietPeriod({
      clock: this.#components.clock,
      quietMs: () => quietMsFor(this.#membership.size),
      maxWaitMs: MAX_SETTLE_MS,
      signal: this.#stopped.signal,
      onQuiet: () => { this.#draw() }
    })
  }

  async start (): Promise<void> {
    if (this.#running !== undefined) {
      return
    }
    this.#stopped = lastingController()
    this.#settling = this.#createSettling()
    await this.#book.load()
    await this.#own.load()
    await this.#own.renew()
    this.#endFollowing = this.#components.host.gate?.onChange(() => { this.#membership.dismiss() && this.#draw() })
    this.#links.start()
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
    this.#stopped.abort()
    this.#endFollowing?.()
    await this.#running
    this.#running = undefined
    await this.#keeper.stop()
    if (options.signal?.aborted !== true) {
      await this.#presence.goodbye(options.signal)
    }
    await this.#exchange.stop()
    this.#links.stop()
    await this.#book.flush()
  }

  members (): PeerName[] {
    return [...this.#members]
  }

  isMember (peer: PeerName): boolean {
    return this.#counted.has(peer)
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
    this.#choice.observe()
  }

  unanswered = (): UnansweredAddress[] => this.#keeper.unanswered()

  identityUse = (): IdentityUse => this.#presence.identityUse()

  isConnected = (peer: PeerName): boolean => this.#connected.has(peer)

  isHeardOf = (peer: PeerName): boolean => this.#links.isHeardOf(peer)

  isLeftOut = (): boolean => this.#roll.isLeftOut

  declareReady = (isReady: boolean): void => { this.#presence.declareReady(isReady) }

  readyClaim (peer: PeerName): number | undefined {
    const member = this.#membership.get(peer)
    return member?.ready === true ? member.sequence : undefined
  }

  suspend (peer: PeerName): void {
    if (this.#membership.get(peer) !== undefined && this.#choice.suspend(peer, this.#components.clock.monotonicMs())) {
      this.#settling.news()
    }
  }

  heard (peer: PeerName, round?: number): void {
    this.#membership.heard(peer)
    if (this.#choice.resume(peer, round)) {
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
      if (this.#count()) {
        this.#settling.news()
      }
      if (this.#choice.release(clock.monotonicMs())) {
        this.#settling.news()
      }
      await this.#presence.tick()
      await clock.delay(TICK_MS, { signal }).catch(() => {
        // stopped: the loop ends
      })
    }
  }

  /** True when the graph should be drawn again: others count than before */
  #count (): boolean {
    const { isAnother, found, warning } = this.#roll.count()
    if (warning !== undefined) {
      this.safeDispatchEvent('warning', { detail: { code: 'left-out', message: warning } })
    }
    this.#own.vouches = this.#roll.vouches
    found.forEach((member) => { this.#intake.spread(member) })
    return isAnother
  }

  readonly #onChange = ({ detail }: MembershipEvents['change']): void => {
    const { peer, joined } = detail
    this.#links.forget(peer)
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
    if (this.#membership.get(peer) === undefined) {
      // not of one that nobody vouches for any more: it may be met again, at the addresses that it told
      this.#origins.forget(peer)
    }
    if (goodbye) {
      this.#book.left(peer)
    }
  }

  #onUnreachable (peer: PeerName): void {
    if (!this.#counted.has(peer)) {
      this.suspend(peer)
    }
    this.#links.unreachable(peer, this.#stopped.signal)
  }

  #draw (): void {
    this.#count()
    const members = this.#counted.names()
    const { wanted: before, neighbours, upcoming } = this.#choice
    this.#choice.draw(this.#counted.contributors(), this.#counted.observers(), this.#counted.candidates)
    const { wanted } = this.#choice
    this.#exchange.setNeeded(wanted)
    for (const peer of wanted) {
      if (!this.#connected.has(peer) && (this.#joined.has(peer) || !before.has(peer))) {
        this.#keeper.expect(peer, this.#counted.dialsFirst(peer))
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

/**
 * Networks of many nodes in one thread: the Network port over a virtual clock, without sockets or signatures
 *
 * Neighbours are those that real peers would draw from the same list of members. An update takes the time that its
 * bytes take on a link of one speed. Every node is honest about who it is: there are no signatures to forge, and no
 * proofs, so that a liar that tells everybody another lie is not found out by them.
 */
import { TypedEventEmitter } from 'main-event'
import { PublishError } from '../errors.ts'
import { neighbourGraph, rotationPeriod } from '../topology/neighbour-graph.ts'
import type { AbortOptions, EarlierLife, IdentityUse, Neighbour, Network, NetworkEvents, OutgoingUpdate, PeerName, PublishReceipt, ReceivedUpdate, RejectionReason, Traffic } from '../interface.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface SimulatedLinks {
  /** Time of flight of any message, milliseconds */
  latencyMs: number
  /** Bytes a second of one link */
  bytesPerSecond: number
}

/** Neighbours of each of these members in this round, who need not name all of them; others than these are left out */
export type DrawGraph = (members: readonly PeerName[], round: number) => ReadonlyMap<PeerName, readonly PeerName[]>

export interface SimulatedMeshInit {
  federation: string
  topology: { degree: number, resample?: number | undefined }
  /** Who is whose neighbour. Asked once where `topology.resample` is 0. @default as real peers draw it */
  graph?: DrawGraph | undefined
  links: SimulatedLinks
  maxPayloadBytes: number
}

const NOBODY: ReadonlyMap<PeerName, unknown> = new Map()

/** All nodes of a simulation, and who is whose neighbour */
export class SimulatedMesh {
  readonly clock: VirtualClock
  readonly init: SimulatedMeshInit
  readonly networks = new Map<PeerName, SimulatedNetwork>()
  readonly latest = new Map<PeerName, ReceivedUpdate>()
  /** Claims of those that say that they are ready */
  readonly claims = new Map<PeerName, number>()
  readonly #observers = new Set<PeerName>()
  #claimed = 0
  #members: PeerName[] = []
  readonly #graphs = new Map<number, ReadonlyMap<PeerName, readonly PeerName[]>>()

  constructor (clock: VirtualClock, init: SimulatedMeshInit) {
    this.clock = clock
    this.init = init
  }

  /** Throws RangeError for a name that is taken */
  join (self: PeerName): SimulatedNetwork {
    if (this.networks.has(self)) {
      throw new RangeError(`${self} is in the mesh already`)
    }
    const network = new SimulatedNetwork(this, self)
    this.networks.set(self, network)
    this.#redraw()
    return network
  }

  leave (self: PeerName): void {
    this.networks.delete(self)
    this.claims.delete(self)
    this.#redraw()
    this.#tell()
  }

  /** Publishes nothing any more, and is nobody's neighbour; it goes on hearing those who would be its own */
  observe (self: PeerName): void {
    this.claims.delete(self)
    this.#observers.add(self)
    this.#graphs.clear()
    this.#tell()
  }

  #tell (): void {
    for (const network of this.networks.values()) {
      network.changed()
    }
  }

  #redraw (): void {
    this.#members = [...this.networks.keys()].sort()
    this.#graphs.clear()
  }

  /** Ascending */
  members (): readonly PeerName[] {
    return this.#members
  }

  claim (self: PeerName, isReady: boolean): void {
    if (isReady) {
      this.claims.set(self, ++this.#claimed)
    } else {
      this.claims.delete(self)
    }
  }

  /** Ascending. In a graph that changes, that of round `round`; drawn without those whom `self` leaves out */
  neighboursOf (self: PeerName, round: number, without: ReadonlyMap<PeerName, unknown> = NOBODY): readonly PeerName[] {
    if (this.#observers.has(self) || without.size > 0) {
      const others = this.#contributors().filter((peer) => peer !== self && !without.has(peer))
      return this.#draw([...others, self], round).get(self) ?? []
    }
    const key = (this.init.topology.resample ?? 0) === 0 ? 0 : round
    let graph = this.#graphs.get(key)
    if (graph === undefined) {
      graph = this.#draw(this.#contributors(), round)
      for (const old of [...this.#graphs.keys()].filter((round) => round <= key - GRAPHS_KEPT)) {
        this.#graphs.delete(old)
      }
      this.#graphs.set(key, graph)
    }
    return graph.get(self) ?? []
  }

  /** Who follows the updates of `self`: its neighbours, and observers that have it for one */
  followersOf (self: PeerName, round: number): PeerName[] {
    const observers = [...this.#observers].filter((observer) => observer !== self && this.neighboursOf(observer, round).includes(self))
    return [...this.neighboursOf(self, round), ...observers].filter((peer) => this.networks.has(peer))
  }

  #contributors (): PeerName[] {
    return this.#members.filter((peer) => !this.#observers.has(peer))
  }

  #draw (members: readonly PeerName[], round: number): ReadonlyMap<PeerName, readonly PeerName[]> {
    const { federation, topology: { degree, resample = 0 }, graph } = this.init
    if (graph !== undefined) {
      const there = new Set(members)
      return new Map([...graph(members, round)].map(([member, peers]) => [member, peers.filter((peer) => there.has(peer)).sort()]))
    }
    const rotation = resample === 0 ? undefined : { round, period: rotationPeriod(members.length, degree, resample) }
    return neighbourGraph(members, degree, federation, rotation)
  }

  flightMs (bytes: number): number {
    const { latencyMs, bytesPerSecond } = this.init.links
    return latencyMs + 1_000 * bytes / bytesPerSecond
  }
}

/** As in the network of libp2p */
const SUSPENSION_MS = 60_000

/** Peers are in a few rounds at a time */
const GRAPHS_KEPT = 16

export class SimulatedNetwork extends TypedEventEmitter<NetworkEvents> implements Network {
  readonly self: PeerName
  readonly #mesh: SimulatedMesh
  /** Slow ones, and until when each is left out */
  readonly #suspended = new Map<PeerName, number>()
  /** Newest round that was heard of each peer */
  readonly #heard = new Map<PeerName, number>()
  readonly #traffic = { bytesSent: 0, bytesReceived: 0 }
  #round = 1
  #observes = false
  #state: 'new' | 'started' | 'stopped' = 'new'

  constructor (mesh: SimulatedMesh, self: PeerName) {
    super()
    this.#mesh = mesh
    this.self = self
  }

  start = async (): Promise<void> => {
    if (this.#state === 'stopped') {
      throw new TypeError('a network that was stopped cannot be started again')
    }
    this.#state = 'started'
    this.changed()
  }

  stop = async (): Promise<void> => {
    if (this.#state === 'started') {
      this.#mesh.leave(this.self)
    }
    this.#state = 'stopped'
  }

  addresses = (): string[] => []
  connections = (): [] => []
  unanswered = (): [] => []
  identityUse = (): IdentityUse => ({ inDoubt: false })
  newestOwn = async (afterSequence: number): Promise<EarlierLife> => {
    const known = this.#mesh.latest.get(this.self)
    const answers = this.#peers().length
    return known !== undefined && known.sequence > afterSequence ? { answers, newest: { round: known.round, sequence: known.sequence } } : { answers }
  }

  banned = (): PeerName[] => []
  elders = (): PeerName[] => []
  members = (): PeerName[] => [...this.#mesh.members()]
  traffic = (): Traffic => ({ ...this.#traffic })

  observe = (): void => {
    this.#observes = true
    this.#mesh.observe(this.self)
  }

  setRound = (round: number): void => {
    this.#round = round
  }

  /** Drawn without those that are left out as slow, for this node alone */
  #peers (): readonly PeerName[] {
    this.#release()
    return this.#mesh.neighboursOf(this.self, this.#round, this.#suspended)
  }

  #release (): void {
    const now = this.#mesh.clock.monotonicMs()
    for (const [peer, untilMs] of this.#suspended) {
      if (untilMs <= now) {
        this.#suspended.delete(peer)
      }
    }
  }

  neighbours = (): Neighbour[] => this.#peers().map((peer) => ({
    peer,
    live: this.#mesh.networks.has(peer),
    round: this.#heard.get(peer),
    readyClaim: this.#mesh.claims.get(peer)
  }))

  followed = (): PeerName[] => [...new Set([...this.#peers(), ...this.#mesh.neighboursOf(this.self, this.#round + 1)])]

  declareReady = (isReady: boolean): void => {
    if (!this.#observes) {
      this.#mesh.claim(this.self, isReady)
      this.#tellNeighbours((network) => { network.safeDispatchEvent('neighbours:ready', { detail: { peer: this.self } }) })
    }
  }

  #tellNeighbours (tell: (network: SimulatedNetwork) => void): void {
    for (const peer of this.#mesh.neighboursOf(this.self, this.#round)) {
      const network = this.#mesh.networks.get(peer)
      if (network !== undefined) {
        this.#mesh.clock.schedule(this.#mesh.init.links.latencyMs, () => { tell(network) })
      }
    }
  }

  publish = async (update: OutgoingUpdate, { signal }: AbortOptions = {}): Promise<PublishReceipt> => {
    signal?.throwIfAborted()
    const sent = this.#prepared(update)
    const receivers = this.#mesh.followersOf(this.self, update.round)
    for (const receiver of receivers) {
      this.#send(receiver, sent)
    }
    return { updateId: sent.updateId, recipients: receivers.length, inline: true }
  }

  /**
   * Sends one peer an update that nobody else gets, as only a liar does: a real one would be proved to equivocate.
   * Throws PublishError as `publish` does
   */
  tell (receiver: PeerName, update: OutgoingUpdate): void {
    this.#send(receiver, this.#prepared(update))
  }

  #prepared (update: OutgoingUpdate): Omit<ReceivedUpdate, 'receivedAtMs'> {
    const { byteLength } = update.payload
    if (this.#state !== 'started') {
      throw new PublishError(`round ${update.round} cannot be published: the network is not running`)
    }
    if (byteLength === 0 || byteLength > this.#mesh.init.maxPayloadBytes) {
      throw new PublishError(`the update of round ${update.round} has ${byteLength} bytes, but from 1 to ${this.#mesh.init.maxPayloadBytes} are allowed`)
    }
    const updateId = `${this.self}/${update.round}`
    // the caller's array may change; those of the receivers do not
    const sent = { ...update, payload: update.payload.slice(), author: this.self, updateId, from: this.self }
    this.#mesh.latest.set(this.self, { ...sent, receivedAtMs: this.#mesh.clock.monotonicMs() })
    return sent
  }

  #send (receiver: PeerName, update: Omit<ReceivedUpdate, 'receivedAtMs'>): void {
    const { clock, networks } = this.#mesh
    const { byteLength } = update.payload
    this.#traffic.bytesSent += byteLength
    clock.schedule(this.#mesh.flightMs(byteLength), () => {
      networks.get(receiver)?.receive({ ...update, receivedAtMs: clock.monotonicMs() })
    })
  }

  receive (update: ReceivedUpdate): void {
    if (this.#state !== 'started') {
      return
    }
    this.#traffic.bytesReceived += update.payload.byteLength
    this.#heard.set(update.author, Math.max(update.round, this.#heard.get(update.author) ?? 0))
    if (update.round >= this.#round && this.#suspended.delete(update.author)) {
      this.changed()
    }
    this.safeDispatchEvent('update', { detail: update })
  }

  pullLatest = async (): Promise<ReceivedUpdate[]> => {
    const { clock, latest, networks } = this.#mesh
    const held = this.#peers().filter((peer) => networks.has(peer)).map((peer) => latest.get(peer)).filter((update) => update !== undefined)
    await clock.delay(this.#mesh.flightMs(held[0]?.payload.byteLength ?? 0))
    return held.map((update) => ({ ...update, receivedAtMs: clock.monotonicMs() }))
  }

  penalise = (peer: PeerName, reason: RejectionReason): void => {
    this.safeDispatchEvent('update:rejected', { detail: { peer, author: peer, reason } })
  }

  suspend = (peer: PeerName): void => {
    this.#suspended.set(peer, this.#mesh.clock.monotonicMs() + SUSPENSION_MS)
    this.changed()
  }

  changed (): void {
    this.safeDispatchEvent('neighbours:change', { detail: { neighbours: this.neighbours() } })
    this.safeDispatchEvent('members:change', { detail: { members: this.members() } })
  }
}

/**
 * All nodes of a simulation, and who is whose neighbour
 */
import { neighbourGraph, rotationPeriod } from '../topology/neighbour-graph.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import type { KeyframeSource, PeerName, ReceivedUpdate, StepLimits } from '../interface.ts'
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
  /** What is said in the steps of a round; left out: nothing */
  steps?: StepLimits | undefined
}

/** Peers are in a few rounds at a time */
const GRAPHS_KEPT = 16

const NOBODY: ReadonlyMap<PeerName, unknown> = new Map()

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

  /**
   * Throws RangeError for a name that is taken
   *
   * @param replicas - Which kinds of updates the node understands, and what it hands on. @default keyframes alone
   */
  join (self: PeerName, replicas?: KeyframeSource): SimulatedNetwork {
    if (this.networks.has(self)) {
      throw new RangeError(`${self} is in the mesh already`)
    }
    const network = new SimulatedNetwork(this, self, replicas)
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

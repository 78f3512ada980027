/**
 * Whom this node mixes with and whom it wants a connection with, drawn from the list of members
 */
import { neighboursOf } from './neighbour-graph.ts'
import type { PeerName } from '../interface.ts'

/** A graph of this degree holds together well enough for the control topic, also when a few members are gone */
const CONTROL_DEGREE = 3

/** A peer that was merely slow is not lost for good: its topic is not heard while it is left out */
const SUSPENSION_MS = 60_000

export interface NeighbourChoiceInit {
  self: PeerName
  federationId: string
  degree: number
}

export class NeighbourChoice {
  readonly #init: NeighbourChoiceInit
  /** With the monotonic time at which it gets another chance */
  readonly #suspended = new Map<PeerName, number>()
  #neighbours: readonly PeerName[] = []
  #wanted: ReadonlySet<PeerName> = new Set()

  constructor (init: NeighbourChoiceInit) {
    this.#init = init
  }

  /** Whom this node aggregates, ascending */
  get neighbours (): readonly PeerName[] {
    return this.#neighbours
  }

  /** Neighbours, those that have this node as their neighbour, and links of the control topic */
  get wanted (): ReadonlySet<PeerName> {
    return this.#wanted
  }

  /** Leaves the peer out of the choice until it is heard from, or for a while. True when it was not left out before */
  suspend (peer: PeerName, nowMs: number): boolean {
    const isNew = !this.#suspended.has(peer)
    this.#suspended.set(peer, nowMs + SUSPENSION_MS)
    return isNew
  }

  /** Ends the suspensions whose time is over. True when there was one */
  release (nowMs: number): boolean {
    const over = [...this.#suspended].filter(([, untilMs]) => untilMs <= nowMs)
    over.forEach(([peer]) => this.#suspended.delete(peer))
    return over.length > 0
  }

  /** True when the peer was left out */
  resume (peer: PeerName): boolean {
    return this.#suspended.delete(peer)
  }

  draw (members: readonly PeerName[]): void {
    const { self, federationId, degree } = this.#init
    const graph = neighboursOf(self, members, degree, federationId)
    this.#neighbours = this.#suspended.size === 0
      ? graph
      : neighboursOf(self, members.filter((peer) => !this.#suspended.has(peer)), degree, federationId)
    // the same seed, so that the denser graph shares most of its edges with the sparser one
    const control = degree < CONTROL_DEGREE ? neighboursOf(self, members, CONTROL_DEGREE, federationId) : []
    this.#wanted = new Set([...this.#neighbours, ...graph, ...control])
  }
}

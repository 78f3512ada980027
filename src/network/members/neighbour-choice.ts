/**
 * Whom this node mixes with and whom it wants a connection with, drawn from the list of members
 */
import { neighbourGraph, rotationPeriod } from '../../topology/neighbour-graph.ts'
import { PairRanks } from '../../topology/pair-ranks.ts'
import type { PeerName } from '../../interface.ts'
import type { Rotation } from '../../topology/pair-ranks.ts'

/**
 * Connections that each member asks for at least: a graph of this degree holds the control topic together, and who
 * loses one of them has still enough members that vouch for it (vouching.ts)
 */
const CONTACT_DEGREE = 4

/** Connections with peers that do not count yet: few, because whoever counts can vouch for peers that do not exist */
const MEETINGS = 3

/**
 * A peer that was merely slow is not lost for good: its updates are followed, and one in step brings it back. Nor is it
 * left out where too few would remain: in each half of a split mesh some wait for the lost half to be dropped, publish
 * nothing, and are all there is
 */
const SUSPENSION_MS = 60_000

/** Connections that the graph of this many rounds ahead asks for are made before they are needed */
const ROUNDS_AHEAD = 2

export function sameNames (a: readonly PeerName[], b: readonly PeerName[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}

export interface NeighbourChoiceInit {
  self: PeerName
  federationId: string
  degree: number
  /** About how many neighbours change every round. @default 0 */
  resample?: number
  /** With fewer neighbours no round begins. @default 0 */
  leastNeighbours?: number
}

export class NeighbourChoice {
  readonly #init: NeighbourChoiceInit
  /** With the monotonic time at which it gets another chance */
  readonly #suspended = new Map<PeerName, number>()
  #neighbours: readonly PeerName[] = []
  #upcoming: readonly PeerName[] = []
  #elders: readonly PeerName[] = []
  #wanted: ReadonlySet<PeerName> = new Set()
  /** Neighbours without which no round begins */
  #least: number
  /** The round that is drawn next, from 0 */
  #round = 0

  constructor (init: NeighbourChoiceInit) {
    this.#init = init
    this.#least = init.leastNeighbours ?? 0
  }

  /** Whom this node aggregates, ascending */
  get neighbours (): readonly PeerName[] {
    return this.#neighbours
  }

  /**
   * Whom a next round may bring, ascending: those whom the graph of the next one has, and the slow ones that would be
   * neighbours, who are back as soon as they are heard in step
   */
  get upcoming (): readonly PeerName[] {
    return this.#upcoming
  }

  /**
   * Observers in the places that too few contributors leave empty, ascending: whose last updates may be started from.
   * They come from a graph of all members, so that nobody gets such a place by saying that it observes
   */
  get elders (): readonly PeerName[] {
    return this.#elders
  }

  /**
   * Neighbours, those that have this node as their neighbour, elders, and links over which members vouch for each other
   */
  get wanted (): ReadonlySet<PeerName> {
    return this.#wanted
  }

  /** This node's rounds begin with however few from now on */
  observe (): void {
    this.#least = 0
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

  /**
   * True when the peer was left out and is back
   *
   * @param round - Of the update that it was heard by: one of an earlier round than that in hand tells that it is slow
   * still. @default heard in another way
   */
  resume (peer: PeerName, round = Infinity): boolean {
    return round >= this.#round && this.#suspended.delete(peer)
  }

  /** True when the graph of this round is another one */
  setRound (round: number): boolean {
    const isAnother = round !== this.#round && (this.#init.resample ?? 0) > 0
    this.#round = round
    return isAnother
  }

  /**
   * @param members - Those who publish, this node included whether it does or not
   * @param observers - Those who do not
   * @param candidates - Those who do not count yet, and are met to find out whether they should
   */
  draw (members: readonly PeerName[], observers: readonly PeerName[] = [], candidates: readonly PeerName[] = []): void {
    const { degree, resample = 0 } = this.#init
    this.#bringBack(members)
    const present = this.#present(members)
    this.#neighbours = this.#drawn(present, degree, 0)
    const ahead = Array.from({ length: resample > 0 ? ROUNDS_AHEAD : 0 }, (_, i) => this.#drawn(present, degree, i + 1))
    const everyone = this.#suspended.size === 0 ? this.#neighbours : this.#drawn(members, degree, 0)
    const slow = everyone.filter((peer) => this.#suspended.has(peer))
    this.#upcoming = [...new Set([...ahead[0] ?? [], ...slow])].filter((peer) => !this.#neighbours.includes(peer)).sort()
    // the same seed, so that the denser graph shares most of its edges with the sparser one
    const contacts = degree < CONTACT_DEGREE || observers.length > 0 ? this.#drawn([...members, ...observers], CONTACT_DEGREE, 0) : []
    this.#elders = this.#neighbours.length < degree ? this.#eldersAmong(members, observers) : []
    this.#wanted = new Set([...this.#neighbours, ...ahead.flat(), ...everyone, ...contacts, ...this.#elders, ...this.#meetings(candidates)])
  }

  /**
   * A round without the slow ones may not begin, and they may wait for this node: where nobody else takes their places
   * they come back, one after another, those that were left out longest first
   */
  #bringBack (members: readonly PeerName[]): void {
    const { degree } = this.#init
    const slow = [...this.#suspended].filter(([peer]) => members.includes(peer)).sort(([, a], [, b]) => a - b)
    // no more than all of them give
    const enough = slow.length === 0 ? 0 : Math.min(this.#least, this.#drawn(members, degree, 0).length)
    for (const [peer] of slow) {
      if (this.#drawn(this.#present(members), degree, 0).length >= enough) {
        return
      }
      this.#suspended.delete(peer)
    }
  }

  #present (members: readonly PeerName[]): PeerName[] {
    return members.filter((peer) => !this.#suspended.has(peer))
  }

  /** The ones that rank first with this node among those that were not found unreachable of late */
  #meetings (candidates: readonly PeerName[]): PeerName[] {
    const { self, federationId } = this.#init
    const names = [self, ...candidates.filter((peer) => !this.#suspended.has(peer))]
    const ranks = new PairRanks(names, federationId, undefined)
    const order = names.map((peer, index) => ({ peer, rank: ranks.of(0, index) })).slice(1)
    return order.sort((a, b) => a.rank - b.rank).slice(0, MEETINGS).map(({ peer }) => peer)
  }

  #eldersAmong (members: readonly PeerName[], observers: readonly PeerName[]): PeerName[] {
    const { self, degree, federationId } = this.#init
    const all = observers.length === 0 ? [] : neighbourGraph([...members, ...observers], degree, federationId).get(self) ?? []
    return all.filter((peer) => observers.includes(peer) && !this.#suspended.has(peer))
  }

  #drawn (members: readonly PeerName[], degree: number, roundsAhead: number): PeerName[] {
    const { self, federationId, resample = 0 } = this.#init
    const rotation: Rotation | undefined = resample === 0 ? undefined : { round: this.#round + roundsAhead, period: rotationPeriod(members.length, degree, resample) }
    return neighbourGraph(members, degree, federationId, rotation).get(self) ?? []
  }
}

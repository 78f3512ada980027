/**
 * For whom this node vouches: members with which it holds a connection, and a few that broke off a moment ago
 */
import { MAX_VOUCHES } from './vouching.ts'
import type { PeerName } from '../../interface.ts'

/** A restart must not cost a member its place. Few, so that one socket cannot bring in one id after another */
const MAX_LINGERING = 8

export interface OwnVouchesInit {
  /** Its record is known, and it did not say goodbye */
  isKnown: (peer: PeerName) => boolean
  /** It counts as a member: where places are short it takes that of one that does not. @default nobody does */
  counts?: (peer: PeerName) => boolean
  /** Vouched for so long after its connection broke */
  lingerMs: number
}

export class OwnVouches {
  readonly #init: OwnVouchesInit
  /**
   * Longest first, with the monotonic time at which its connection was seen last; whoever comes later crowds out nobody
   * that counts
   */
  readonly #peers = new Map<PeerName, number>()
  #saved: ReadonlySet<PeerName> = new Set()

  constructor (init: OwnVouchesInit) {
    this.#init = init
  }

  /** As of the last update */
  get peers (): ReadonlySet<PeerName> {
    return this.#saved
  }

  /** To be called a few times a second. True when the list is another one */
  update (connected: ReadonlySet<PeerName>, nowMs: number): boolean {
    for (const peer of connected) {
      if (this.#peers.has(peer) || (this.#init.isKnown(peer) && this.#makeRoom(peer))) {
        this.#peers.set(peer, nowMs)
      }
    }
    const lingering = [...this.#peers].filter(([peer]) => !connected.has(peer)).sort(([, a], [, b]) => b - a)
    lingering.forEach(([peer, seenMs], index) => {
      if (index >= MAX_LINGERING || nowMs - seenMs >= this.#init.lingerMs) {
        this.#peers.delete(peer)
      }
    })
    const forgotten = [...this.#peers.keys()].filter((peer) => !this.#init.isKnown(peer))
    forgotten.forEach((peer) => this.#peers.delete(peer))
    const peers = new Set(this.#peers.keys())
    const isAnother = peers.size !== this.#saved.size || [...peers].some((peer) => !this.#saved.has(peer))
    this.#saved = isAnother ? peers : this.#saved
    return isAnother
  }

  /** False when all places are taken, and this one may not take another's */
  #makeRoom (peer: PeerName): boolean {
    const { counts = () => false } = this.#init
    const weakest = this.#peers.size >= MAX_VOUCHES && counts(peer) ? [...this.#peers.keys()].find((other) => !counts(other)) : undefined
    return this.#peers.size < MAX_VOUCHES || (weakest !== undefined && this.#peers.delete(weakest))
  }
}

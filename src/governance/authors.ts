/**
 * Whose statements are kept: how far each peer is from the voters and members by decision
 *
 * Guests of peers that were revoked fall with them, but their certificates stay: whoever comes with one is told why it
 * is out. They are last in every order.
 */
import { chainsOf, MAX_CHAIN } from './chains.ts'
import type { Certificate } from './chains.ts'
import type { GovernanceState } from './governance-state.ts'
import type { PeerName } from '../interface.ts'

/** Ranks from here on are those of peers that were revoked, and of whom they invited */
const FALLEN = 100

export class Authors {
  /** Number of certificates up to the top */
  readonly #ranks = new Map<PeerName, number>()

  /** Whether anything that a peer says may matter */
  has (peer: PeerName): boolean {
    return this.#ranks.has(peer)
  }

  isVouchedFor (peer: PeerName): boolean {
    return (this.#ranks.get(peer) ?? FALLEN) < FALLEN
  }

  /** Whether its certificates are kept: a chain has an end */
  mayInvite (peer: PeerName): boolean {
    const rank = this.#ranks.get(peer)
    return rank !== undefined && rank % FALLEN < MAX_CHAIN
  }

  /** Of two certificates the one that stays longer */
  isNearer (one: Certificate, other: Certificate): boolean {
    const difference = (this.#ranks.get(one.author) ?? Infinity) - (this.#ranks.get(other.author) ?? Infinity)
    return difference < 0 || (!(difference > 0) && one.id < other.id)
  }

  /** The only certificate of its number. False: more follows from it than the rank of its guest; `read` all again */
  add ({ author, body: { peer } }: Certificate, { revoked }: GovernanceState): boolean {
    const rank = this.#ranks.get(author)! + 1
    const held = this.#ranks.get(peer)
    if (held === undefined) {
      this.#ranks.set(peer, rank)
    }
    return held === undefined || held <= rank || revoked.has(peer)
  }

  read (state: GovernanceState, certificates: readonly Certificate[]): void {
    const { links, sound } = chainsOf({ state, certificates, departures: new Map() })
    this.#ranks.clear()
    for (const peer of state.admitted.keys()) {
      this.#ranks.set(peer, 0)
    }
    for (const [peer, [first]] of links) {
      this.#ranks.set(peer, Math.min(first!.depth, this.#ranks.get(peer) ?? Infinity))
    }
    let layer = [...state.revoked.keys()]
    for (let rank = FALLEN; layer.length > 0 && rank <= FALLEN + MAX_CHAIN; rank++) {
      const fallen = layer.filter((peer) => !this.#ranks.has(peer))
      fallen.forEach((peer) => this.#ranks.set(peer, rank))
      layer = fallen.flatMap((peer) => (sound.get(peer) ?? []).map(({ body }) => body.peer))
    }
  }
}

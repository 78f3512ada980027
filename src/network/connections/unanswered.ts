/**
 * Addresses that others announce, or that this node was given, and that do not lead to them: for the operator to read
 */
import type { PeerName, UnansweredAddress } from '../../interface.ts'
import type { DialFailure } from './dial-in-turn.ts'

/** Addresses that are remembered; the oldest make room */
const MAX_ADDRESSES = 256

const WORDS: Record<DialFailure, string> = { silent: 'no answer', refused: 'refused', failed: 'no such peer there' }

export class Unanswered {
  readonly #entries = new Map<string, UnansweredAddress>()

  /** True when this is news: it failed otherwise before, or not at all */
  failed (entry: UnansweredAddress): boolean {
    const key = keyOf(entry)
    const known = this.#entries.get(key)
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > MAX_ADDRESSES) {
      const [oldest] = this.#entries.keys()
      this.#entries.delete(oldest!)
    }
    return known?.failure !== entry.failure
  }

  answered (peer: PeerName | undefined, address: string): void {
    this.#entries.delete(keyOf({ peer, address }))
  }

  /** Forgets the addresses of all but these peers, and those without a peer */
  retain (peers: ReadonlySet<PeerName>): void {
    for (const [key, { peer }] of this.#entries) {
      if (peer !== undefined && !peers.has(peer)) {
        this.#entries.delete(key)
      }
    }
  }

  list (): UnansweredAddress[] {
    return [...this.#entries.values()]
  }
}

function keyOf ({ peer, address }: Pick<UnansweredAddress, 'peer' | 'address'>): string {
  return `${peer ?? ''} ${address}`
}

/**
 * What to tell the operator of addresses of one peer that are silent; `reached`: by which way it is connected all the
 * same
 */
export function unansweredMessage (addresses: readonly UnansweredAddress[], reached: string | undefined): string {
  const peer = addresses[0]?.peer
  const list = addresses.map(({ address, failure }) => `${address} (${WORDS[failure]})`).join(', ')
  const who = peer === undefined ? 'a peer to join through' : `peer ${peer}`
  return reached === undefined
    ? `${who} cannot be reached at ${list}; is it on, and does a firewall or a VPN stand between?`
    : `${who} cannot be reached at ${list}; ${reached}. A firewall or a VPN may stand between: it can leave addresses out with --announce`
}

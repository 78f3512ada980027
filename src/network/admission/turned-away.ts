/**
 * Peers that turned this node away: told to its operator once, and not dialled again for a while
 */
import { RecentMap } from '../support/recent-map.ts'
import { refusalWords } from './refusal-words.ts'
import type { Connection } from '@libp2p/interface'
import type { RefusalReason } from '../../governance/governance-interface.ts'
import type { Clock, PeerName } from '../../interface.ts'

const HOLD_BACK_MS = 60_000
const MAX_PEERS = 1_024

export interface TurnedAwayInit {
  clock: Pick<Clock, 'monotonicMs'>
  warn: (warning: { code: string, message: string }) => void
}

export class TurnedAway {
  readonly #init: TurnedAwayInit
  readonly #told = new Set<RefusalReason>()
  readonly #peers = new RecentMap<number>(MAX_PEERS)

  constructor (init: TurnedAwayInit) {
    this.#init = init
  }

  /** The peer says that this node may not take part */
  by (peer: PeerName, reason: RefusalReason, connection: Pick<Connection, 'remoteAddr'>): void {
    this.#peers.set(peer, this.#init.clock.monotonicMs() + HOLD_BACK_MS)
    if (!this.#told.has(reason)) {
      this.#told.add(reason)
      this.#init.warn({ code: 'not-admitted', message: `${peer} at ${connection.remoteAddr.toString()} does not let this peer in (${reason}): ${refusalWords(reason)}` })
    }
  }

  /** It need not be dialled for now */
  holdsBack (peer: PeerName): boolean {
    return this.#init.clock.monotonicMs() < (this.#peers.get(peer) ?? -Infinity)
  }
}

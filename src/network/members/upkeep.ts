/**
 * The regular work on connections and members, each part at its own pace
 */
import { DeafWatchdog } from '../connections/deaf-watchdog.ts'
import { Liveness } from '../connections/liveness.ts'
import type { Clock, PeerName } from '../../interface.ts'
import type { ConnectionKeeper } from '../connections/connection-keeper.ts'
import type { DeafWatchdogInit } from '../connections/deaf-watchdog.ts'
import type { Host } from '../host/host.ts'
import type { LivenessInit } from '../connections/liveness.ts'
import type { Membership } from './membership.ts'

const SECOND_MS = 1_000
const PRUNE_EVERY_MS = 5_000

export interface UpkeepComponents {
  host: Host
  clock: Clock
  keeper: ConnectionKeeper
  membership: Membership
  /** An open connection is a sign of life */
  connected: ReadonlySet<PeerName>
}

export class Upkeep {
  readonly #components: UpkeepComponents
  readonly #liveness: Liveness
  readonly #watchdog: DeafWatchdog
  #secondMs = -Infinity
  #pruneMs = -Infinity

  constructor (components: UpkeepComponents, init: LivenessInit & DeafWatchdogInit) {
    this.#components = components
    this.#liveness = new Liveness(components, init)
    this.#watchdog = new DeafWatchdog(components, init)
  }

  /** To be called a few times a second */
  tick (): void {
    const { clock, connected, keeper, membership } = this.#components
    const now = clock.monotonicMs()
    keeper.tick()
    if (now >= this.#secondMs) {
      this.#secondMs = now + SECOND_MS
      connected.forEach((peer) => { membership.heard(peer) })
      this.#liveness.tick()
      this.#watchdog.tick()
      membership.expire()
    }
    if (now >= this.#pruneMs) {
      this.#pruneMs = now + PRUNE_EVERY_MS
      keeper.prune()
    }
  }
}

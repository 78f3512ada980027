/**
 * What this node says on its own account: that it is there, that it leaves, that somebody else seems lost
 */
import { anySignal } from 'any-signal'
import { seededRandom } from '../../seeded-random.ts'
import { IdentityWatch, inUseMessage } from './identity-watch.ts'
import type { Clock, IdentityUse, PeerName, Random } from '../../interface.ts'
import type { ControlMessages } from './control-messages.ts'
import type { Host } from '../host/host.ts'
import type { MemberExchange } from './member-exchange.ts'
import type { MemberClaim } from './member-record.ts'
import type { Member, Membership } from './membership.ts'
import type { OwnRecord } from './own-record.ts'

/** Another reporter may have been faster */
const SUSPICION_DELAY_MS = 400

/** At most this often, whatever others provoke */
const MIN_ANNOUNCE_MS = 1_000

/** Who is vouched for waits for it */
const VOUCH_ANNOUNCE_MS = 500

const GOODBYE_MS = 500

/**
 * Who uses the id of this node elsewhere and was not heard of for this long is gone, unless it may keep silent for
 * longer
 */
const FORGET_MS = 120_000

/** A process that lives is heard of once in so many heartbeats at least */
const FORGET_HEARTBEATS = 3

export interface PresenceComponents {
  host: Pick<Host, 'libp2p' | 'self'>
  clock: Clock
  own: OwnRecord
  membership: Membership
  control: Pick<ControlMessages, 'publishRecord' | 'publishSuspicion'>
  exchange: Pick<MemberExchange, 'push' | 'flush'>
}

export interface PresenceInit {
  /** Waits for members that vouch for it. @default nobody */
  isShort?: (peer: PeerName) => boolean
  /** @default 10000 */
  heartbeatMs?: number
  /** Another process that used the id of this node is gone when nothing was heard of it for this long, or sooner */
  expiryMs: number
  /** Another process uses the id of this node: what to tell the operator */
  onInUse: (message: string) => void
}

export class Presence {
  readonly #components: PresenceComponents
  readonly #heartbeatMs: number
  readonly #isShort: (peer: PeerName) => boolean
  readonly #random: Random
  readonly #watch: IdentityWatch
  #nextMs = -Infinity
  #announcedMs = -Infinity
  /** The next announcement goes to every connected peer at once, too */
  #isUrgent = false
  /** Somebody who waits for the next record is connected, whether gossip reaches it yet or not */
  #isAwaited = false

  constructor (components: PresenceComponents, { heartbeatMs = 10_000, expiryMs, isShort = () => false, onInUse }: PresenceInit) {
    this.#isShort = isShort
    this.#components = components
    this.#heartbeatMs = heartbeatMs
    this.#watch = new IdentityWatch({
      clock: components.clock,
      forgetMs: () => {
        const { quietFactor } = components.membership
        return Math.min(expiryMs * quietFactor, Math.max(FORGET_MS, FORGET_HEARTBEATS * heartbeatMs * quietFactor))
      },
      onInUse: (conflict) => { onInUse(inUseMessage(conflict)) }
    })
    this.#random = seededRandom(`${components.host.self} presence`)
  }

  /** The next start begins with an announcement */
  reset (): void {
    this.#nextMs = -Infinity
    this.#announcedMs = -Infinity
  }

  /**
   * Announces this node when it is time, when its addresses changed, or when it vouches for somebody. To be called a
   * few times a second
   */
  async tick (): Promise<void> {
    const { clock, control, exchange, host, membership, own } = this.#components
    const now = clock.monotonicMs()
    const isWaitedFor = own.vouchesForMore(this.#isShort) && now - this.#announcedMs >= VOUCH_ANNOUNCE_MS
    const isChanged = own.isOutdated || this.#announcedMs === -Infinity || isWaitedFor
    if (now < this.#nextMs && !isChanged) {
      return
    }
    const isNews = isChanged || this.#isUrgent
    this.#isUrgent = false
    this.#announcedMs = now
    this.#nextMs = now + this.#heartbeatMs * membership.quietFactor * (0.85 + 0.3 * this.#random())
    const isAwaited = this.#isAwaited
    this.#isAwaited = false
    const entry = await own.renew()
    if (isNews || isAwaited) {
      exchange.push(entry, host.self)
    }
    await this.#attempt(async () => { await control.publishRecord(entry) })
  }

  /**
   * Says, within a second, whether this node begins a round when enough neighbours do: a new claim each time that it is
   */
  declareReady (isReady: boolean): void {
    const { own } = this.#components
    if (isReady || own.ready) {
      own.ready = isReady
      this.#isUrgent = true
      this.#nextMs = Math.min(this.#nextMs, this.#announcedMs + MIN_ANNOUNCE_MS)
    }
  }

  /** Somebody doubts this node: it is announced soon */
  answer (): void {
    this.#isAwaited = true
    this.#nextMs = Math.min(this.#nextMs, this.#announcedMs + MIN_ANNOUNCE_MS)
  }

  /**
   * A genuine record of this node, above its newest, is about: it goes on above that. A process that lives would answer
   * at once, again and again
   */
  onOwnRecord (claim: MemberClaim): void {
    const { own } = this.#components
    const soon = this.#watch.foreign(claim, own.signedSequence)
    own.supersede(claim.sequence)
    this.#isAwaited = true
    if (soon) {
      this.answer()
    }
  }

  identityUse (): IdentityUse {
    return this.#watch.use()
  }

  /** Resolves when the goodbye is on its way, after half a second at most */
  async goodbye (signal?: AbortSignal): Promise<void> {
    const { control, exchange, host, own } = this.#components
    const entry = await own.renew(true)
    exchange.push(entry, host.self)
    await this.#attempt(async () => { await control.publishRecord(entry) })
    const inTime = anySignal([signal, AbortSignal.timeout(GOODBYE_MS)])
    await exchange.flush(inTime).finally(() => { inTime.clear() })
  }

  /** True when the member gave no sign of life for two heartbeats */
  isSilent ({ lastSignMs }: Pick<Member, 'lastSignMs'>): boolean {
    const { clock, membership } = this.#components
    return clock.monotonicMs() - lastSignMs > 2 * this.#heartbeatMs * membership.quietFactor
  }

  /**
   * Asks aloud whether a member lives that cannot be reached, unless somebody else does or `isBack` says that it came
   * back
   */
  async suspect ({ peer, sequence }: Member, isBack: (peer: PeerName) => boolean, signal: AbortSignal): Promise<void> {
    const { clock, control, membership } = this.#components
    try {
      await clock.delay(this.#random() * SUSPICION_DELAY_MS, { signal })
    } catch {
      // stopped
      return
    }
    if (!isBack(peer) && membership.suspect(peer, sequence)) {
      await this.#attempt(async () => { await control.publishSuspicion(peer, sequence) })
    }
  }

  /** What cannot be sent now is sent with the next heartbeat: nobody need act */
  async #attempt (task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (err) {
      this.#components.host.libp2p.logger.forComponent('grapevine:presence').error('could not publish - %e', err)
    }
  }
}

/**
 * Reputation: what each refused message costs, and who is banned for how long
 *
 * Penalties add up and halve every ten minutes. A peer that collects about a hundred points is banned; bans are kept in
 * the store, so that they survive a restart, and are enforced in the connection gater, because the router forgets the
 * score of a peer that reconnects.
 */
import { TypedEventEmitter } from 'main-event'
import { surplusBans } from '../ban-table.ts'
import type { BanEntry } from '../ban-table.ts'
import type { Ban, Clock, PeerName, RejectionReason, Store } from '../interface.ts'

/**
 * Points at which a peer is banned: a little below the sum of whole numbers, since points fade from the first moment
 */
export const BAN_POINTS = 99

const HALF_LIFE_MS = 600_000
const BAN_MS = 1_800_000
/** Longest ban: a peer whose machine was taken over may be honest again the next day */
const MAX_BAN_MS = 86_400_000
const MAX_TRACKED_PEERS = 4_096

/**
 * Points for one refusal: what no honest peer can send is dear. What a bad link, another view of the mesh or somebody
 * else can explain is free, for it proves nothing (blame.ts)
 */
const POINTS: Record<RejectionReason, number> = {
  oversized: 25,
  malformed: 20,
  'wrong-federation': 20,
  'wrong-author': 34,
  'wrong-receiver': 34,
  'bad-signature': 34,
  'round-window': 0,
  stranger: 0,
  'not-member': 0,
  replay: 0,
  equivocation: 100,
  rate: 10,
  banned: 0,
  'payload-hash': 25,
  'payload-unavailable': 0,
  codec: 25,
  shape: 25,
  'not-finite': 25,
  norm: 0,
  'distance-gate': 0,
  'loss-gate': 0,
  'not-selected': 0,
  quarantined: 0,
  'wrong-codec': 25,
  unsupported: 0,
  'wrong-epoch': 0
}

interface Standing {
  points: number
  updatedAtMs: number
  bans: number
}

export interface ReputationComponents {
  store: Pick<Store, 'bans' | 'putBan'>
  clock: Clock
}

export interface ReputationEvents {
  /** A peer was banned just now */
  ban: CustomEvent<Ban>
  /** A ban could not be made durable: it holds in this process only */
  error: CustomEvent<Error>
}

export class Reputation extends TypedEventEmitter<ReputationEvents> {
  private readonly components: ReputationComponents
  private readonly standings = new Map<PeerName, Standing>()
  private readonly bans = new Map<PeerName, BanEntry>()

  constructor (components: ReputationComponents) {
    super()
    this.components = components
  }

  /** Reads the bans of earlier runs */
  async load (): Promise<void> {
    const now = this.components.clock.now()
    for (const ban of await this.components.store.bans()) {
      if (ban.until > now) {
        // made while the clock was ahead, it would hold for as long as that was
        this.bans.set(ban.peer, { until: Math.min(ban.until, now + MAX_BAN_MS), proven: ban.evidence !== undefined })
      }
    }
    this.bound()
  }

  isBanned (peer: PeerName): boolean {
    const ban = this.bans.get(peer)
    if (ban === undefined) {
      return false
    }
    if (ban.until > this.components.clock.now()) {
      return true
    }
    this.bans.delete(peer)
    return false
  }

  /** All that are banned now, ascending */
  banned (): PeerName[] {
    return [...this.bans.keys()].filter((peer) => this.isBanned(peer)).sort()
  }

  /** Points after decay, for tests and status */
  points (peer: PeerName): number {
    const standing = this.standings.get(peer)
    return standing === undefined ? 0 : this.decayed(standing)
  }

  /** Adds the points of one refusal; bans the peer when they are too many. The evidence is kept with the ban */
  penalise (peer: PeerName, reason: RejectionReason, evidence?: string): void {
    const cost = POINTS[reason]
    if (cost === 0 || this.isBanned(peer)) {
      return
    }
    const standing = this.standings.get(peer) ?? { points: 0, updatedAtMs: 0, bans: 0 }
    standing.points = this.decayed(standing) + cost
    standing.updatedAtMs = this.components.clock.monotonicMs()
    this.standings.delete(peer)
    this.standings.set(peer, standing)
    if (this.standings.size > MAX_TRACKED_PEERS) {
      this.standings.delete(this.standings.keys().next().value!)
    }
    if (standing.points >= BAN_POINTS) {
      this.ban({ peer, reason, ...(evidence === undefined ? {} : { evidence }) }, standing)
    }
  }

  private decayed (standing: Standing): number {
    return standing.points * 0.5 ** ((this.components.clock.monotonicMs() - standing.updatedAtMs) / HALF_LIFE_MS)
  }

  /** Every further ban lasts twice as long */
  private ban (what: Omit<Ban, 'until'>, standing: Standing): void {
    const { peer } = what
    const ban = { ...what, until: this.components.clock.now() + Math.min(MAX_BAN_MS, BAN_MS * 2 ** standing.bans) }
    standing.points = 0
    standing.bans += 1
    this.bans.set(peer, { until: ban.until, proven: ban.evidence !== undefined })
    this.bound()
    this.components.store.putBan(ban).catch((err: unknown) => {
      this.safeDispatchEvent('error', { detail: err instanceof Error ? err : new TypeError(String(err)) })
    })
    this.safeDispatchEvent('ban', { detail: ban })
  }

  private bound (): void {
    for (const { peer } of surplusBans([...this.bans].map(([peer, ban]) => ({ peer, ...ban })))) {
      this.bans.delete(peer)
    }
  }
}

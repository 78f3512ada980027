/**
 * What this node publishes, in order: rounds and sequences only grow, whatever life of this home or of a copy of it
 * signed the last ones
 */
import { requireOwnRound } from '../number-limits.ts'
import type { OutgoingUpdate, PeerName, Publication } from '../interface.ts'
import type { RoundComponents } from './round-interface.ts'

/** A peer has fewer neighbours, and says no more to each of them in a step than one message */
const MOST_NEIGHBOURS = 1_024

export type PublisherComponents = Pick<RoundComponents, 'network' | 'store' | 'codec' | 'clock' | 'protocol'>

/** Sequences for the messages of one round, durable before the first of them is used */
export interface MessageNumbers {
  round: number
  first: number
  count: number
  /** The neighbours that the update of the round stated: one number for each of them in each step */
  peers: readonly PeerName[]
}

export class Publisher {
  private readonly components: PublisherComponents
  private last: Publication = { round: 0, sequence: 0 }
  /** What the last update stated; undefined where none was sent since the start */
  degree: number | undefined
  /** For the messages of the round that was published last; undefined where none was since the start */
  numbers: MessageNumbers | undefined

  constructor (components: PublisherComponents) {
    this.components = components
  }

  /** The newest round that was published, as far as is known */
  get round (): number {
    return this.last.round
  }

  /** This round, or the newest one that was published where that is later. Throws RoundLimitError */
  notBefore (round: number): number {
    return requireOwnRound(Math.max(round, this.last.round))
  }

  async load (): Promise<void> {
    this.last = await this.components.store.getPublication() ?? this.last
  }

  /**
   * An earlier life of this key is known to have published up to here: nothing up to here is signed again. Durable.
   * Throws RoundLimitError
   */
  async resumeAfter ({ round, sequence }: Publication): Promise<void> {
    // others tell the number of an update, and not those of the messages that may have followed
    const beyond = sequence + this.steps * MOST_NEIGHBOURS
    this.last = { round: Math.max(requireOwnRound(round), this.last.round), sequence: Math.max(beyond, this.last.sequence) }
    await this.components.store.putPublication(this.last)
  }

  /** Of a round, beside that of the updates */
  private get steps (): number {
    return (this.components.protocol?.steps ?? 1) - 1
  }

  /**
   * Publishes this for one round. Throws RoundLimitError
   *
   * @returns The number of own neighbours that the update states
   */
  async send (round: number, update: Pick<OutgoingUpdate, 'payload' | 'kind' | 'replicaHash'>, signal: AbortSignal): Promise<number> {
    requireOwnRound(round)
    const { network, store, codec, clock } = this.components
    const peers = network.neighbours().map(({ peer }) => peer)
    const degree = this.degree = peers.length
    const count = this.steps * degree
    // wall clock, so that a home restored from a backup does not sign an old number again
    const sequence = Math.max(this.last.sequence + 1, clock.now())
    // with the numbers of the round's messages: one synced write for all of them
    this.last = { round, sequence: sequence + count }
    await store.putPublication(this.last)
    await network.publish({ round, sequence, codec: codec.name, degree, ...update }, { signal })
    this.numbers = { round, first: sequence + 1, count, peers }
    return degree
  }
}

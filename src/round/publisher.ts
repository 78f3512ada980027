/**
 * What this node publishes, in order: rounds and sequences only grow, whatever life of this home or of a copy of it
 * signed the last ones
 */
import { requireOwnRound } from '../number-limits.ts'
import type { OutgoingUpdate, Publication } from '../interface.ts'
import type { RoundComponents } from './round-interface.ts'

export class Publisher {
  private readonly components: Pick<RoundComponents, 'network' | 'store' | 'codec' | 'clock'>
  private last: Publication = { round: 0, sequence: 0 }
  /** What the last update stated; undefined where none was sent since the start */
  degree: number | undefined

  constructor (components: Pick<RoundComponents, 'network' | 'store' | 'codec' | 'clock'>) {
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
    this.last = { round: Math.max(requireOwnRound(round), this.last.round), sequence: Math.max(sequence, this.last.sequence) }
    await this.components.store.putPublication(this.last)
  }

  /**
   * Publishes this for one round: one update, unless the node lies. Throws RoundLimitError
   *
   * @returns The number of own neighbours that the update states
   */
  async send (round: number, updates: ReadonlyArray<Pick<OutgoingUpdate, 'payload' | 'kind' | 'replicaHash'>>, signal: AbortSignal): Promise<number> {
    requireOwnRound(round)
    const { network, store, codec, clock } = this.components
    const degree = this.degree = network.neighbours().length
    for (const [index, { payload, ...stated }] of updates.entries()) {
      // wall clock, so that a home restored from a backup does not sign an old number again
      const sequence = index === 0 ? Math.max(this.last.sequence + 1, clock.now()) : this.last.sequence + 1
      this.last = { round, sequence }
      await store.putPublication(this.last)
      await network.publish({ round, sequence, codec: codec.name, payload, degree, ...stated }, { signal })
    }
    return degree
  }
}

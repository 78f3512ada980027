/**
 * Links between places that lose, delay, reorder and double messages, and are cut in groups, until they heal
 *
 * Time is in ticks. After healing, each message arrives within DELTA_TICKS, and none is lost.
 */
import type { Random } from '../../src/interface.ts'

export const DELTA_TICKS = 10

export interface LinkTroubles {
  /** From then on all is well */
  healTick: number
  /** Share of messages that are lost before, 0 to 1 */
  loss: number
  /** Share that comes twice */
  doubled: number
  /** Ticks that one takes at most, before */
  slowestTicks: number
  /** From when on which place is in which group, ascending: there are no links between groups */
  cuts: Array<{ tick: number, groups: readonly number[] }>
}

export class VirtualNetwork {
  readonly #random: Random
  readonly #troubles: LinkTroubles
  readonly #buckets: Array<Array<() => void> | undefined> = []
  #groups: readonly number[] = []
  #waiting = 0
  tick = 0

  constructor (random: Random, troubles: LinkTroubles) {
    this.#random = random
    this.#troubles = troubles
    for (const { tick, groups } of troubles.cuts) {
      this.at(tick, () => { this.#groups = groups })
    }
  }

  get isHealed (): boolean {
    return this.tick >= this.#troubles.healTick
  }

  /** No link now */
  isCut (from: number, to: number): boolean {
    return !this.isHealed && this.#groups[from] !== this.#groups[to]
  }

  at (tick: number, act: () => void): void {
    const bucket = this.#buckets[tick]
    bucket === undefined ? this.#buckets[tick] = [act] : bucket.push(act)
    this.#waiting++
  }

  /** Delivers it, or does not */
  send (from: number, to: number, deliver: () => void): void {
    if (this.isHealed) {
      this.at(this.tick + 1 + Math.floor(this.#random() * DELTA_TICKS), deliver)
      return
    }
    const { loss, doubled } = this.#troubles
    if (this.isCut(from, to) || this.#random() < loss) {
      return
    }
    this.#later(deliver)
    this.#random() < doubled && this.#later(deliver)
  }

  #later (deliver: () => void): void {
    const { healTick, slowestTicks } = this.#troubles
    this.at(Math.min(this.tick + 1 + Math.floor(this.#random() * slowestTicks), healTick + DELTA_TICKS), deliver)
  }

  /** Until nothing waits any more, it is `lastTick`, or somebody has seen enough */
  run (lastTick: number, isDone: () => boolean): void {
    while (this.#waiting > 0 && this.tick <= lastTick && !isDone()) {
      const bucket = this.#buckets[this.tick]
      for (const act of bucket ?? []) {
        act()
      }
      this.#waiting -= bucket?.length ?? 0
      this.#buckets[this.tick] = undefined
      this.tick++
    }
  }
}

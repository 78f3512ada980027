/**
 * How fast this node goes: what its training took, and when its updates were out
 *
 * An observer trains no more, and its neighbours still do: it counts as if it had trained as long as it last did.
 */

/** Own publications whose time is remembered, to learn how late an update was that missed its round */
const REMEMBERED_ROUNDS = 8

const DURATION_GAIN = 1 / 4

export class Pace {
  private readonly publishedAtMs = new Map<number, number>()
  /** Time that training took when it was last done */
  trainedMs = 0
  private mixedMs: number | undefined

  /** A round took this long from its beginning to its end, with neighbours in it */
  mixed (durationMs: number): void {
    this.mixedMs = this.mixedMs === undefined ? durationMs : this.mixedMs + DURATION_GAIN * (durationMs - this.mixedMs)
  }

  /** How long a round with neighbours usually takes; `atLeastMs` before there was one */
  usualMs (atLeastMs: number): number {
    return Math.max(atLeastMs, this.mixedMs ?? 0)
  }

  /** The own update of this round is out */
  published (round: number, nowMs: number): void {
    this.publishedAtMs.set(round, nowMs)
    this.publishedAtMs.delete(round - REMEMBERED_ROUNDS)
  }

  /** An observer begins this round */
  observed (round: number, nowMs: number): void {
    this.published(round, nowMs + this.trainedMs)
  }

  /**
   * How long after the own update of its round something came: negative when before, undefined when it is not known any
   * more
   */
  lagMs (round: number, receivedAtMs: number): number | undefined {
    const publishedAtMs = this.publishedAtMs.get(round)
    return publishedAtMs === undefined ? undefined : receivedAtMs - publishedAtMs
  }
}

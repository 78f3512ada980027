/**
 * How long a round waits for the neighbours: a multiple of what they usually take, never above the document's bound
 *
 * The usual lag is a smoothed mean plus four mean deviations, the estimator of TCP's retransmission timer
 * (Jacobson 1988; RFC 6298): it follows a slow machine within a few rounds and forgives jitter.
 */
import type { PeerName } from '../interface.ts'

const MEAN_GAIN = 1 / 4
const DEVIATION_GAIN = 1 / 4
const DEVIATIONS = 4

/** Whatever the history says, scheduling on a busy machine costs this much */
const MIN_DEADLINE_MS = 1000

interface Lag {
  meanMs: number
  deviationMs: number
}

export class AdaptiveDeadline {
  private readonly maxMs: number
  private readonly lags = new Map<PeerName, Lag>()
  /** Of the neighbours that were known last */
  private usualMs: number | undefined

  /** `maxMs`: the document's bound */
  constructor (maxMs: number) {
    this.maxMs = maxMs
  }

  /**
   * Notes that a neighbour's update of the round in hand came `lagMs` after the own one was published; 0 when before
   */
  observe (peer: PeerName, lagMs: number): void {
    const lag = this.lags.get(peer)
    const value = Math.max(0, lagMs)
    if (lag === undefined) {
      this.lags.set(peer, { meanMs: value, deviationMs: value / 2 })
      return
    }
    lag.deviationMs += DEVIATION_GAIN * (Math.abs(value - lag.meanMs) - lag.deviationMs)
    lag.meanMs += MEAN_GAIN * (value - lag.meanMs)
  }

  /**
   * Milliseconds to wait after the own update is published. The document's bound before any neighbour was known: the
   * first round must not punish a peer for its start-up. Later, newcomers get as long as the others usually took
   */
  waitMs (neighbours: readonly PeerName[], ownRoundMs: number): number {
    const known = neighbours.map((peer) => this.lags.get(peer)).filter((lag) => lag !== undefined)
    if (known.length > 0) {
      this.usualMs = Math.max(...known.map(({ meanMs, deviationMs }) => meanMs + DEVIATIONS * deviationMs))
    }
    if (this.usualMs === undefined) {
      return this.maxMs
    }
    return Math.min(this.maxMs, Math.max(MIN_DEADLINE_MS, 2 * this.usualMs, 2 * ownRoundMs))
  }

  forget (peer: PeerName): void {
    this.lags.delete(peer)
  }
}

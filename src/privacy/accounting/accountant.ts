/**
 * What a differential-privacy accountant is: it adds up what noisy mechanisms on the same data have leaked
 *
 * A mechanism is one step of the Poisson-subsampled Gaussian (DP-SGD, Abadi et al. 2016): every example takes part
 * with probability q, each one's part is clipped to L2 norm C, and noise N(0, (noiseMultiplier C)^2) is added to the
 * sum. Neighbouring data sets differ by one example added or removed. With sampleRate 1 it is the plain Gaussian
 * mechanism, which is also how a whole clipped and noised update is counted.
 */

/** Equal mechanisms, one after another */
export interface MechanismEvent {
  /** q in (0, 1]: probability with which Poisson sampling takes an example; 1: all examples, every step */
  readonly sampleRate: number
  /** sigma > 0: standard deviation of the noise, in units of the clip norm */
  readonly noiseMultiplier: number
  /** Whole number >= 0 */
  readonly steps: number
}

/** `rdp`: Rényi differential privacy, cheap. `pld`: privacy loss distributions, tighter */
export type AccountantName = 'rdp' | 'pld'

/**
 * A record of mechanisms and the (epsilon, delta) that they add up to
 *
 * Immutable, so that a forecast is `accountant.compose(planned).epsilon(delta)`. Both bounds are upper bounds: what was
 * really leaked is never more.
 */
export interface Accountant {
  readonly name: AccountantName
  /** What was composed so far: one entry for each pair of sampleRate and noiseMultiplier, in order of appearance */
  readonly events: readonly MechanismEvent[]
  /** A new accountant with one more event. Throws RangeError for an event outside the bounds above */
  compose: (event: MechanismEvent) => Accountant
  /**
   * Least epsilon >= 0 that the accountant can prove at this delta; Infinity if none. Throws RangeError unless
   * 0 < delta < 1
   */
  epsilon: (delta: number) => number
  /**
   * Whether `epsilon(delta) <= limit`, found with little work where the limit is far. Throws RangeError unless
   * 0 < delta < 1
   */
  proves: (limit: number, delta: number) => boolean
  /** Least delta in [0, 1] that the accountant can prove at this epsilon. Throws RangeError unless epsilon >= 0 */
  delta: (epsilon: number) => number
}

/** Throws RangeError, saying which number is wrong, unless the event is within the bounds of `MechanismEvent` */
export function checkedEvent ({ sampleRate, noiseMultiplier, steps }: MechanismEvent): MechanismEvent {
  if (!(sampleRate > 0 && sampleRate <= 1)) {
    throw new RangeError(`sampleRate must be above 0 and at most 1, not ${sampleRate}`)
  }
  if (!(noiseMultiplier > 0 && noiseMultiplier < Infinity)) {
    throw new RangeError(`noiseMultiplier must be a finite number above 0, not ${noiseMultiplier}`)
  }
  if (!(Number.isSafeInteger(steps) && steps >= 0)) {
    throw new RangeError(`steps must be a whole number of at least 0, not ${steps}`)
  }
  return { sampleRate, noiseMultiplier, steps }
}

/** Throws RangeError unless 0 < delta < 1 */
export function checkedDelta (delta: number): number {
  if (!(delta > 0 && delta < 1)) {
    throw new RangeError(`delta must be above 0 and below 1, not ${delta}`)
  }
  return delta
}

/** Throws RangeError unless epsilon is a number of at least 0 */
export function checkedEpsilon (epsilon: number): number {
  if (!(epsilon >= 0)) {
    throw new RangeError(`epsilon must be at least 0, not ${epsilon}`)
  }
  return epsilon
}

/** The events with one more; equal mechanisms share one entry, whatever their order. Throws as `checkedEvent` does */
export function withEvent (events: readonly MechanismEvent[], event: MechanismEvent): readonly MechanismEvent[] {
  const { sampleRate, noiseMultiplier, steps } = checkedEvent(event)
  if (steps === 0) {
    return events
  }
  const at = events.findIndex((other) => other.sampleRate === sampleRate && other.noiseMultiplier === noiseMultiplier)
  if (at < 0) {
    return [...events, { sampleRate, noiseMultiplier, steps }]
  }
  const sum = checkedEvent({ sampleRate, noiseMultiplier, steps: events[at]!.steps + steps })
  return events.with(at, sum)
}

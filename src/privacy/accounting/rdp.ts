/**
 * Accountant by Rényi differential privacy: divergences of equal order add up
 *
 * Mironov 2017, "Rényi differential privacy", proposition 1. A step costs as many additions as there are orders, and a
 * new pair of sampleRate and noiseMultiplier 1 to 3 milliseconds.
 */
import { checkedDelta, checkedEpsilon, checkedEvent, withEvent } from './accountant.ts'
import { deltaOfRdp, epsilonOfRdp } from './rdp-conversion.ts'
import { sampledGaussianDivergence } from './renyi-divergence.ts'
import type { Accountant, MechanismEvent } from './accountant.ts'

/** The orders that Google's dp_accounting takes, so that the results can be compared */
const DEFAULT_ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  128, 256, 512, 1024
]

/** An accountant that knows of no mechanism yet; each order is above 1 */
export function rdpAccountant (orders: readonly number[] = DEFAULT_ORDERS): Accountant {
  const wrong = orders.find((order) => !(order > 1 && order < Infinity))
  if (wrong !== undefined) {
    throw new RangeError(`an order must be a finite number above 1, not ${wrong}`)
  }
  return new RdpAccountant({ orders, events: [], divergences: new Float64Array(orders.length), perStep: new Map() })
}

interface RdpState {
  readonly orders: readonly number[]
  readonly events: readonly MechanismEvent[]
  /** Of all events together */
  readonly divergences: Float64Array
  /** Of one step of each kind, shared by all that descend from one accountant */
  readonly perStep: Map<string, Float64Array>
}

/** A search for a noise multiplier goes through many; each takes a kilobyte */
const MAX_REMEMBERED = 256

class RdpAccountant implements Accountant {
  readonly name = 'rdp'
  readonly #state: RdpState

  constructor (state: RdpState) {
    this.#state = state
  }

  get events (): readonly MechanismEvent[] {
    return this.#state.events
  }

  compose (event: MechanismEvent): Accountant {
    const checked = checkedEvent(event)
    if (checked.steps === 0) {
      return this
    }
    const perStep = stepDivergences(this.#state, checked)
    const divergences = this.#state.divergences.map((divergence, at) => divergence + checked.steps * perStep[at]!)
    return new RdpAccountant({ ...this.#state, events: withEvent(this.#state.events, checked), divergences })
  }

  epsilon (delta: number): number {
    checkedDelta(delta)
    return epsilonOfRdp(this.#state, delta).epsilon
  }

  delta (epsilon: number): number {
    checkedEpsilon(epsilon)
    return deltaOfRdp(this.#state, epsilon).delta
  }
}

function stepDivergences ({ orders, perStep }: RdpState, { sampleRate, noiseMultiplier }: MechanismEvent): Float64Array {
  const key = `${sampleRate} ${noiseMultiplier}`
  const known = perStep.get(key)
  if (known !== undefined) {
    return known
  }
  if (perStep.size >= MAX_REMEMBERED) {
    perStep.clear()
  }
  const divergences = Float64Array.from(orders, (order) => sampledGaussianDivergence({ sampleRate, noiseMultiplier }, order))
  perStep.set(key, divergences)
  return divergences
}

/**
 * Accountant by Rényi differential privacy: divergences of equal order add up
 *
 * Mironov 2017, "Rényi differential privacy", proposition 1. A step costs as many additions as there are orders, and a
 * new pair of sampleRate and noiseMultiplier 1 to 3 milliseconds.
 */
import { checkedDelta, checkedEpsilon, checkedEvent, withEvent } from './accountant.ts'
import { deltaOfRdp, epsilonOfOrder, epsilonOfRdp } from './rdp-conversion.ts'
import { sampledGaussianDivergence } from './renyi-divergence.ts'
import type { Accountant, MechanismEvent } from './accountant.ts'
import type { RdpCurve } from './rdp-conversion.ts'

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
  return new RdpAccountant({ orders, perStep: new Map() })
}

interface RdpShared {
  readonly orders: readonly number[]
  /** Of one step of each kind; shared by all that descend from one accountant */
  readonly perStep: Map<string, Float64Array>
}

/** One event after another's: what it adds is computed when it is asked for */
interface Link {
  readonly before: RdpAccountant
  readonly event: MechanismEvent
  /** Divergences of one step of it, NaN where no one asked yet */
  readonly perStep: Float64Array
}

/** A search for a noise multiplier goes through many; each takes a kilobyte */
const MAX_REMEMBERED = 256

class RdpAccountant implements Accountant {
  readonly name = 'rdp'
  readonly events: readonly MechanismEvent[]
  readonly #shared: RdpShared
  /** Undefined once the divergences are known */
  #link: Link | undefined
  /** Of all events together; undefined until they are asked for */
  #divergences: Float64Array | undefined

  constructor (shared: RdpShared, link?: Link) {
    this.#shared = shared
    this.#link = link
    this.#divergences = link === undefined ? new Float64Array(shared.orders.length) : undefined
    this.events = link === undefined ? [] : withEvent(link.before.events, link.event)
  }

  compose (event: MechanismEvent): Accountant {
    const checked = checkedEvent(event)
    return checked.steps === 0 ? this : new RdpAccountant(this.#shared, { before: this, event: checked, perStep: rowOf(this.#shared, checked) })
  }

  epsilon (delta: number): number {
    checkedDelta(delta)
    return epsilonOfRdp(this.#curve(), delta).epsilon
  }

  /** Each order is a bound by itself, and a whole one costs little */
  proves (limit: number, delta: number): boolean {
    checkedDelta(delta)
    const whole = this.#shared.orders.findIndex((order, at) => Number.isInteger(order) && Math.max(0, epsilonOfOrder(order, this.#divergence(at), delta)) <= limit)
    return whole !== -1 || this.epsilon(delta) <= limit
  }

  delta (epsilon: number): number {
    checkedEpsilon(epsilon)
    return deltaOfRdp(this.#curve(), epsilon).delta
  }

  #curve (): RdpCurve {
    const { orders } = this.#shared
    this.#divergences ??= Float64Array.from(orders, (_, at) => this.#divergence(at))
    this.#link = undefined
    return { orders, divergences: this.#divergences }
  }

  /** Of one order: what was known last, and the events since, in their order */
  #divergence (at: number): number {
    const since: Link[] = []
    let known: RdpAccountant = this
    for (; known.#link !== undefined; known = known.#link.before) {
      since.push(known.#link)
    }
    return since.reduceRight((sum, { event, perStep }) => {
      if (Number.isNaN(perStep[at])) {
        perStep[at] = sampledGaussianDivergence(event, this.#shared.orders[at]!)
      }
      return sum + event.steps * perStep[at]!
    }, known.#divergences![at]!)
  }
}

function rowOf ({ orders, perStep }: RdpShared, { sampleRate, noiseMultiplier }: MechanismEvent): Float64Array {
  const key = `${sampleRate} ${noiseMultiplier}`
  const known = perStep.get(key)
  if (known !== undefined) {
    return known
  }
  if (perStep.size >= MAX_REMEMBERED) {
    perStep.clear()
  }
  const row = new Float64Array(orders.length).fill(NaN)
  perStep.set(key, row)
  return row
}

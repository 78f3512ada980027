/**
 * From Rényi differential privacy to (epsilon, delta) and back
 *
 * Canonne, Kamath, Steinke 2020, "The discrete Gaussian for differential privacy", proposition 12 (also Balle et al.
 * 2020, "Hypothesis testing interpretations and Rényi differential privacy"), and for small divergences
 * delta <= sqrt(1 - exp(-KL)) (Bretagnolle, Huber 1979), as in Google's dp_accounting.
 */

/** Divergences (nats), one for each order; +Infinity excludes an order */
export interface RdpCurve {
  /** Each above 1 */
  readonly orders: readonly number[]
  readonly divergences: ArrayLike<number>
}

/** Below this order the proposition loses its digits, and it is of no use there */
const LEAST_ORDER = 1.01

/** Least epsilon >= 0 at this delta in (0, 1), and the order that gave it; Infinity and NaN when no order gives one */
export function epsilonOfRdp ({ orders, divergences }: RdpCurve, delta: number): { epsilon: number, order: number } {
  let best = { epsilon: Infinity, order: NaN }
  for (const [at, order] of orders.entries()) {
    const epsilon = epsilonOfOrder(order, divergences[at]!, delta)
    if (epsilon < best.epsilon) {
      best = { epsilon, order }
    }
  }
  return { ...best, epsilon: Math.max(0, best.epsilon) }
}

/** What one order proves, below 0 as well */
export function epsilonOfOrder (order: number, divergence: number, delta: number): number {
  if (delta * delta + Math.expm1(-divergence) > 0) {
    return 0
  }
  return order > LEAST_ORDER
    ? divergence + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1)
    : Infinity
}

/** Least delta in [0, 1] at this epsilon >= 0, and the order that gave it; 1 and NaN when no order gives one */
export function deltaOfRdp ({ orders, divergences }: RdpCurve, epsilon: number): { delta: number, order: number } {
  let best = { logDelta: 0, order: NaN }
  for (const [at, order] of orders.entries()) {
    const logDelta = logDeltaOfOrder(order, divergences[at]!, epsilon)
    if (logDelta < best.logDelta) {
      best = { logDelta, order }
    }
  }
  return { delta: Math.exp(best.logDelta), order: best.order }
}

function logDeltaOfOrder (order: number, divergence: number, epsilon: number): number {
  if (divergence === Infinity) {
    return 0
  }
  const viaKl = 0.5 * Math.log(-Math.expm1(-divergence))
  const viaOrder = (order - 1) * (divergence - epsilon + Math.log1p(-1 / order)) - Math.log(order)
  return order > LEAST_ORDER ? Math.min(viaKl, viaOrder) : viaKl
}

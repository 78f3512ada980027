/**
 * Attacks `foe`, `alie`, `dissensus`, `spectral`: from where, in which direction and how far
 *
 * Each is a point and a direction; the strength says how far. In the laboratory the point is the target's own model
 * and the strength is searched for (adaptive); a real peer tells all its neighbours the same, from the mean of what it
 * knows, with a fixed strength.
 */
import { checkedStrength } from './checked-strength.ts'
import { deviationOf, meanOf, plus } from './statistics.ts'
import type { Attack, AttackView } from './attack.ts'

const BOUNDS = { above: 0, atMost: 1e6 }

/**
 * `foe[:eps]`: -eps * mu, eps = 0.1 (hides) by default, above 1 (pulls)
 *
 * Xie, Koyejo, Gupta 2019, "Fall of empires: breaking Byzantine-tolerant SGD by inner product manipulation" (IPM)
 */
export function fallOfEmpires (eps: number = 0.1): Attack {
  checkedStrength('foe', eps, BOUNDS)
  return { name: 'foe', corrupt: (view) => meanOf(known(view)).map((value) => -eps * value) }
}

/**
 * `alie[:z]`: mu - z * sd, coordinate by coordinate, sd with n - 1; z = 1.5 by default
 *
 * Baruch, Baruch, Goldberg 2019, "A little is enough". `alieStrength` gives the z that the paper derives from n and m
 */
export function littleIsEnough (z: number = 1.5): Attack {
  checkedStrength('alie', z, BOUNDS)
  return { name: 'alie', corrupt: (view) => plus(meanOf(known(view)), -z, deviationOf(known(view))) }
}

/**
 * `dissensus[:eps]`: x - eps * (mean of the others - x), eps = 1.5: cancels the pull of the honest and pushes away
 *
 * He, Karimireddy, Jaggi 2022, section 3
 */
export function dissensus (eps: number = 1.5): Attack {
  checkedStrength('dissensus', eps, BOUNDS)
  return {
    name: 'dissensus',
    corrupt: (view) => {
      const mean = meanOf(known(view))
      return plus(view.own, -eps, plus(mean, -1, view.own))
    }
  }
}

/**
 * `spectral[:scale]`: x + scale * sum_h v_h x_h, v a vector that tells two weakly connected halves of the honest peers
 * apart
 *
 * Gaucher, Dieuleveut, Hendrikx 2025 (spectral heterogeneity) take the Fiedler vector of the honest graph. A real peer
 * knows its own neighbours only: it tells them apart by the first principal component of their models
 */
export function spectral (scale: number = 1): Attack {
  checkedStrength('spectral', scale, BOUNDS)
  return {
    name: 'spectral',
    corrupt: (view) => {
      const models = known(view)
      return plus(view.own, scale, spectralDirection(models, principalSides(models)))
    }
  }
}

function known ({ own, observed }: AttackView): Float32Array[] {
  return [own, ...observed]
}

/** sum_h v_h x_h */
export function spectralDirection (models: readonly Float32Array[], sides: ArrayLike<number>): Float32Array {
  const sums = new Float64Array(models[0]!.length)
  for (const [h, model] of models.entries()) {
    for (let i = 0; i < model.length; i++) {
      sums[i]! += sides[h]! * model[i]!
    }
  }
  return Float32Array.from(sums)
}

/** Coordinates of the models along their first principal component, of length 1 and sum 0; zeros when all are equal */
export function principalSides (models: readonly Float32Array[]): Float64Array {
  const mean = meanOf(models)
  const centred = models.map((model) => plus(model, -1, mean))
  const gram = centred.map((a) => centred.map((b) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)))
  let sides = Float64Array.from(models, (_, h) => Math.cos(h))
  for (let step = 0; step < 50; step++) {
    const next = Float64Array.from(gram, (row) => row.reduce((sum, value, h) => sum + value * sides[h]!, 0))
    const length = Math.hypot(...next)
    if (length === 0) {
      return next
    }
    sides = next.map((value) => value / length)
  }
  return sides
}

/** ALIE's largest z that hides m liars among n: Phi^-1((n - m - s) / (n - m)), s = floor(n / 2 + 1) - m; 0 at least */
export function alieStrength (n: number, m: number): number {
  const s = Math.floor(n / 2 + 1) - m
  return Math.max(0, normalQuantile((n - m - s) / (n - m)))
}

/** Phi^-1(p) by bisection of the error function */
function normalQuantile (p: number): number {
  let low = -10
  let high = 10
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2
    if (normalCdf(middle) < p) {
      low = middle
    } else {
      high = middle
    }
  }
  return (low + high) / 2
}

/** Series of Marsaglia 2004: exact to rounding within ten standard deviations of the middle */
function normalCdf (x: number): number {
  if (Math.abs(x) > 8) {
    return x < 0 ? 0 : 1
  }
  let sum = x
  let term = x
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
    term *= x * x / i
    sum += term
  }
  return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI)
}

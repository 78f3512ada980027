/**
 * What the Byzantine neighbours of a target say in a laboratory: they know everything, and may tell each target
 * something else
 */
import { weightedSum } from '../../src/aggregators/kernels/weighted-sum.ts'
import { principalSides, spectralDirection } from '../../src/attacks/directions.ts'
import { deviationOf, meanOf, plus } from '../../src/attacks/statistics.ts'
import { minMax, minSum } from '../../src/attacks/within-spread.ts'
import { seededNormal } from '../../src/seeded-random.ts'
import type { Random } from '../../src/interface.ts'
import type { AttackWithoutStrength, AttackWithStrength } from './attack-name.ts'
import type { Weights } from './mixing.ts'

export interface Target {
  index: number
  /** All honest models of this round, the target's included */
  models: readonly Float32Array[]
  /** Indices of the target's honest neighbours */
  neighbours: readonly number[]
  weights: Weights
  /** How many liars stand beside it */
  byzantine: number
  fiedler: Float64Array
  /** Models trained on wrong data, for the attacks that poison; empty otherwise */
  poisoned: readonly Float32Array[]
  /** Whom mimic copies */
  mimicked: number
  round: number
  /** Drawn anew for each target and round */
  random: Random
}

/** From where a lie starts and which way it goes */
export interface Direction {
  base: Float32Array
  direction: Float32Array
}

/** What the target and its honest neighbours hold */
export function known ({ index, models, neighbours }: Target): Float32Array[] {
  return [models[index]!, ...neighbours.map((j) => models[j]!)]
}

/**
 * From the mean against the standard deviation, n - 1 in the denominator, both coordinate by coordinate
 *
 * In one pass and without intermediate vectors: a ring asks for it 4500 times
 */
function meanAgainstDeviation (vectors: readonly Float32Array[]): Direction {
  const count = vectors.length
  const base = new Float32Array(vectors[0]!.length)
  const direction = new Float32Array(base.length)
  for (let i = 0; i < base.length; i++) {
    let sum = 0
    for (let v = 0; v < count; v++) {
      sum += vectors[v]![i]!
    }
    const mean = Math.fround(sum / count)
    let squares = 0
    for (let v = 0; v < count; v++) {
      squares += (vectors[v]![i]! - mean) ** 2
    }
    base[i] = mean
    direction[i] = -Math.sqrt(squares / Math.max(1, count - 1))
  }
  return { base, direction }
}

/** -sum_j w_ij (x_j - x_i) / sum_b w_ib: at strength 1 the liars cancel what the honest say */
function awayFromNeighbours ({ index, models, neighbours, weights, byzantine }: Target): Float32Array {
  const factors = weights.honest.map((weight) => -weight / (weights.liar * byzantine))
  // the weights of the differences: sum_j factor_j x_j - (sum_j factor_j) x_i
  return weightedSum([...neighbours.map((j) => models[j]!), models[index]!], [...factors, -factors.reduce((sum, factor) => sum + factor, 0)])
}

/** Standard normal in every coordinate */
function noise (length: number, random: Random): Float32Array {
  const normal = seededNormal(random)
  return Float32Array.from({ length }, () => normal())
}

/** Root mean square of the coordinates */
function rootMeanSquare (vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0) / vector.length)
}

/**
 * Where the search for a strength begins and which way it goes: the target's own model, or the mean for alie
 *
 * Strength 1 of gaussian is as wide as honest models differ
 */
export function adaptiveDirection (attack: AttackWithStrength, target: Target): Direction {
  const own = target.models[target.index]!
  switch (attack) {
    case 'foe': return { base: own, direction: meanOf(known(target)).map((value) => -value) }
    case 'gaussian': {
      const spread = rootMeanSquare(deviationOf(known(target)))
      return { base: own, direction: noise(own.length, target.random).map((value) => spread * value) }
    }
    case 'alie':
    case 'dissensus':
    case 'spectral': return fixedDirection(attack, target)
  }
}

/** The same for a strength that is said, which means what it means in src/attacks */
export function fixedDirection (attack: AttackWithStrength, target: Target): Direction {
  const { index, models, fiedler } = target
  const own = models[index]!
  switch (attack) {
    case 'alie': return meanAgainstDeviation(known(target))
    case 'foe': return { base: new Float32Array(own.length), direction: meanOf(known(target)).map((value) => -value) }
    case 'dissensus': return { base: own, direction: awayFromNeighbours(target) }
    case 'spectral': return { base: own, direction: spectralDirection(models, fiedler).map((value) => value * fiedler[index]!) }
    case 'gaussian': return { base: own, direction: noise(own.length, target.random) }
  }
}

/**
 * Who differs most from the others along the direction in which honest models differ most: whom mimic copies for good
 */
export function mostTelling (models: readonly Float32Array[]): number {
  const sides = principalSides(models).map(Math.abs)
  return sides.indexOf(Math.max(...sides))
}

/** One message for each Byzantine neighbour, for attacks without a strength */
export function plainLies (attack: AttackWithoutStrength, target: Target): Float32Array[] {
  const { index, models, neighbours, byzantine, poisoned, mimicked, round, random } = target
  const own = models[index]!
  const each = (lie: (b: number) => Float32Array): Float32Array[] => Array.from({ length: byzantine }, (_, b) => lie(b))
  const all = (lie: Float32Array): Float32Array[] => each(() => lie)
  switch (attack) {
    case 'sign-flip': return all(meanOf(known(target)).map((value) => -value))
    case 'label-flip':
    case 'backdoor': return each((b) => poisoned[b % poisoned.length]!)
    // model replacement (Bagdasaryan et al. 2020): as much farther as its weight in a mean would shrink it
    case 'backdoor-boosted': return each((b) => plus(own, (neighbours.length + byzantine + 1) / byzantine, plus(poisoned[b % poisoned.length]!, -1, own)))
    case 'min-max':
    case 'min-sum': {
      const { corrupt } = attack === 'min-max' ? minMax() : minSum()
      return all(corrupt({ own, observed: known(target).slice(1), round, random }))
    }
    case 'mimic': return all(models[mimicked]!)
    // the extra neighbours send copies of honest models
    case 'none': return each((b) => models[(index + 1 + b + round) % models.length]!)
  }
}

/** One message to several targets goes from the mean of where each one's would start, the mean of their ways */
export function meanDirection (directions: readonly Direction[]): Direction {
  return directions.length === 1
    ? directions[0]!
    : { base: meanOf(directions.map(({ base }) => base)), direction: meanOf(directions.map(({ direction }) => direction)) }
}

/** The same for attacks without a strength. What is somebody's model stays that: the first target's */
export function meanLies (attack: AttackWithoutStrength, lies: ReadonlyArray<readonly Float32Array[]>): Float32Array[] {
  const [first = []] = lies
  const isCopy = attack === 'none' || attack === 'mimic' || attack === 'label-flip' || attack === 'backdoor'
  return isCopy || lies.length === 1 ? [...first] : first.map((_, b) => meanOf(lies.map((each) => each[b]!)))
}

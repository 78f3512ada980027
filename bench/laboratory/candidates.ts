/**
 * Rules by name for the laboratory: those of the product, and those on trial
 *
 * What the trials gave stands in docs/robustness.md.
 */
import { aggregatorOf, createAggregator } from '../../src/aggregators/aggregator.ts'
import { distancesFromMean, distancesFromVector, mixed, picked, ranked, squaredDistanceOf } from '../../src/aggregators/geometry.ts'
import { median } from '../../src/aggregators/median.ts'
import { nearestNeighbourMixing } from '../../src/aggregators/nearest-neighbour-mixing.ts'
import { unmetPrecondition } from '../../src/aggregators/rules.ts'
import { geometricMedianWeights } from '../../src/aggregators/weiszfeld.ts'
import { publishedGeometricMedian } from './published-geometric-median.ts'
import type { CombinationRule, Geometry, RuleContext } from '../../src/aggregators/rule.ts'
import type { RuleChain } from '../../src/aggregators/rules.ts'
import type { Aggregator, Random } from '../../src/interface.ts'

/** Weights of the vectors that a stage leaves, from what it leaves */
type Stage = (geometry: Geometry, context: RuleContext) => Float64Array

const geometricMedian: Stage = ({ products }) => geometricMedianWeights(products)

const equalMean: Stage = ({ count }) => new Float64Array(count).fill(1 / count)

/** Keeps what is within `factor` times the median distance from the own model */
function gate (factor: number, next: Stage): Stage {
  return (geometry, context) => {
    const distances = distancesFromVector(geometry, 0)
    const limit = factor * median(distances.subarray(1))
    return among(geometry, ranked(distances).filter((index) => distances[index]! <= limit).sort((a, b) => a - b), next, context)
  }
}

/** Drops the f vectors farthest from the geometric median, never the own one */
function dropFarthest (next: Stage): Stage {
  return (geometry, context) => {
    const distances = distancesFromMean(geometry, geometricMedianWeights(geometry.products))
    distances[0] = 0
    const kept = ranked(distances).slice(0, Math.max(2, geometry.count - context.f)).sort((a, b) => a - b)
    return among(geometry, kept, next, context)
  }
}

/** Every vector becomes the mean of the nearest ones first */
function mixNearest (next: Stage): Stage {
  return (geometry, context) => {
    const rows = nearestNeighbourMixing.mix(geometry, context)
    const weights = next(mixed(geometry, rows), context)
    const result = new Float64Array(geometry.count)
    rows.forEach((row, i) => { row.forEach((weight, j) => { result[j]! += weights[i]! * weight }) })
    return result
  }
}

/** The n - f vectors, the own one among them, of the smallest diameter (MDA) */
function smallestDiameter (next: Stage): Stage {
  return (geometry, context) => {
    const left = Math.max(2, geometry.count - context.f)
    let best: number[] = []
    let least = Infinity
    for (const others of choose(Array.from({ length: geometry.count - 1 }, (_, i) => i + 1), left - 1)) {
      const set = [0, ...others]
      const diameter = Math.max(...set.flatMap((i, at) => set.slice(at + 1).map((j) => squaredDistanceOf(geometry, i, j))))
      if (diameter < least) {
        least = diameter
        best = set
      }
    }
    return among(geometry, best, next, context)
  }
}

function choose (items: readonly number[], size: number): number[][] {
  if (size === 0 || items.length < size) {
    return size === 0 ? [[]] : []
  }
  const [first, ...rest] = items
  return [...choose(rest, size - 1).map((set) => [first!, ...set]), ...choose(rest, size)]
}

/** Half the way to what the next stage says, the other half stays */
function halfWay (next: Stage): Stage {
  return (geometry, context) => {
    const weights = next(geometry, context).map((weight) => weight / 2)
    weights[0]! += 0.5
    return weights
  }
}

/** Keeps what points where the others point, as robust scores of cosines tell */
function angleGate (limit: number, next: Stage): Stage {
  return (geometry, context) => {
    const { products, count } = geometry
    const inner = (i: number, j: number): number => products[i * count + j]! - products[i * count]! - products[j]! + products[0]!
    const others = Array.from({ length: count - 1 }, (_, j) => j + 1)
    const cosines = others.map((i) => {
      const along = others.filter((j) => j !== i).reduce((sum, j) => sum + inner(i, j), 0)
      const rest = others.filter((j) => j !== i).reduce((sum, j) => sum + others.filter((l) => l !== i).reduce((part, l) => part + inner(j, l), 0), 0)
      return along / Math.sqrt(Math.max(1e-30, inner(i, i) * rest))
    })
    const middle = median(cosines)
    const spread = Math.max(0.02, median(cosines.map((value) => Math.abs(value - middle))))
    const kept = [0, ...others.filter((_, at) => 0.6745 * (cosines[at]! - middle) / spread > -limit)]
    return among(geometry, kept, next, context)
  }
}

/** The own model counts as several */
function ownVotes (votes: number, next: Stage): Stage {
  return (geometry, context) => {
    const copies = [...new Array<number>(votes).fill(0), ...Array.from({ length: geometry.count - 1 }, (_, j) => j + 1)]
    const inner = next(picked(geometry, copies), context)
    const weights = new Float64Array(geometry.count)
    copies.forEach((index, position) => { weights[index]! += inner[position]! })
    return weights
  }
}

function among (geometry: Geometry, kept: readonly number[], next: Stage, context: RuleContext): Float64Array {
  const inner = next(picked(geometry, kept), context)
  const weights = new Float64Array(geometry.count)
  kept.forEach((index, position) => { weights[index] = inner[position]! })
  return weights
}

/** On trial */
const CANDIDATES: Readonly<Record<string, Stage>> = {
  'gate3+gm': gate(3, geometricMedian),
  'gate4+gm': gate(4, geometricMedian),
  'gate1.5+gm': gate(1.5, geometricMedian),
  'gate1.25+gm': gate(1.25, geometricMedian),
  'gate+nnm+gm': gate(2, mixNearest(geometricMedian)),
  'gate+drop+gm': gate(2, dropFarthest(geometricMedian)),
  'gate+drop+mean': gate(2, dropFarthest(equalMean)),
  'gate1.5+drop+mean': gate(1.5, dropFarthest(equalMean)),
  'gate+mda': gate(2, smallestDiameter(equalMean)),
  'gate+angle2+gm': gate(2, angleGate(2, geometricMedian)),
  'gate+angle3+gm': gate(2, angleGate(3, geometricMedian)),
  'gate+own2+gm': gate(2, ownVotes(2, geometricMedian)),
  'gate+angle3+own2+gm': gate(2, angleGate(3, ownVotes(2, geometricMedian))),
  'gate+angle2.5+own2+gm': gate(2, angleGate(2.5, ownVotes(2, geometricMedian))),
  'gate+angle3+own3+gm': gate(2, angleGate(3, ownVotes(3, geometricMedian))),
  'gate3+angle2.5+own2+gm': gate(3, angleGate(2.5, ownVotes(2, geometricMedian))),
  'gate4+angle2.5+own2+gm': gate(4, angleGate(2.5, ownVotes(2, geometricMedian))),
  'gate3+angle2.5+gm': gate(3, angleGate(2.5, geometricMedian)),
  'gate+half': gate(2, halfWay(geometricMedian))
}

export const CANDIDATE_NAMES = Object.keys(CANDIDATES)

function chainOf (name: string, stage: Stage): RuleChain {
  const rule: CombinationRule = {
    kind: 'combination',
    minimumVectors: (f) => 2 * f + 1,
    combine: (geometry, context) => {
      const weights = stage(geometry, context)
      return { weights, excluded: new Map([...weights.keys()].filter((index) => weights[index] === 0).map((index) => [index, 'not-selected'])) }
    }
  }
  return { name, before: [], rule }
}

/**
 * The aggregator that a name stands for: a rule of the product, `rule:radius` for one that clips, one on trial, `rfa8`,
 * or `alone`, which is not a rule: nobody mixes
 *
 * Throws RangeError for an unknown name, and for a radius that is not above 0 or belongs to a rule that has none
 */
export function aggregatorFor (name: string, f: number, random: Random): Aggregator {
  if (name === 'alone') {
    return createAggregator({ rule: 'mean', f }, random)
  }
  if (name === publishedGeometricMedian.name) {
    return publishedGeometricMedian
  }
  const stage = CANDIDATES[name]
  if (stage !== undefined) {
    return aggregatorOf(chainOf(name, stage), { f }, random)
  }
  const [rule = '', radius] = name.split(':')
  return createAggregator({ rule, f, clipRadius: radius === undefined ? undefined : checkedRadius(rule, Number(radius)) }, random)
}

/** What a federation document says of it; for a rule that is none of the product's, the default one's words */
export function documentRule (name: string): { rule: string, clipRadius?: number } {
  if (name === 'alone') {
    return { rule: 'mean' }
  }
  if (name === publishedGeometricMedian.name || Object.hasOwn(CANDIDATES, name)) {
    return { rule: 'gated-geometric-median' }
  }
  const [rule = '', radius] = name.split(':')
  return radius === undefined ? { rule } : { rule, clipRadius: Number(radius) }
}

function checkedRadius (rule: string, clipRadius: number): number {
  const problem = clipRadius > 0 ? unmetPrecondition({ rule, f: 0, clipRadius }, Infinity) : `the clipping radius of ${rule} must be above 0`
  if (problem !== undefined) {
    throw new RangeError(problem)
  }
  return clipRadius
}

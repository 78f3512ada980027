/**
 * The aggregation rules by name, and what they need
 *
 * A name is a rule, or a pre-aggregation and a rule: `nnm+geometric-median`. One file for each rule; a new one is one
 * more file and one more line here.
 */
import { closest } from '../closest.ts'
import { quoted } from '../quoted.ts'
import { balance } from './balance.ts'
import { bucketing } from './bucketing.ts'
import { bulyan } from './bulyan.ts'
import { centeredClipping, clippedGossip, csPlus } from './clipping.ts'
import { coordinateMedian } from './coordinate-median.ts'
import { gatedGeometricMedian } from './gated-geometric-median.ts'
import { geometricMedian } from './geometric-median.ts'
import { krum, multiKrum } from './krum.ts'
import { mean } from './mean.ts'
import { nearestNeighbourMixing } from './nearest-neighbour-mixing.ts'
import { trimmedMean } from './trimmed-mean.ts'
import { ubar } from './ubar.ts'
import type { PreAggregation, Rule } from './rule.ts'

const RULES: Readonly<Record<string, Rule>> = {
  mean,
  median: coordinateMedian,
  'trimmed-mean': trimmedMean,
  krum,
  'multi-krum': multiKrum,
  bulyan,
  'geometric-median': geometricMedian,
  'gated-geometric-median': gatedGeometricMedian,
  'centered-clipping': centeredClipping,
  'clipped-gossip': clippedGossip,
  'cs-plus': csPlus,
  balance,
  ubar
}

const PRE_AGGREGATIONS: Readonly<Record<string, PreAggregation>> = {
  nnm: nearestNeighbourMixing,
  bucketing
}

/** Rules that read `clipRadius` */
const WITH_RADIUS: ReadonlySet<string> = new Set(['centered-clipping', 'clipped-gossip'])

/** Names of rules, without pre-aggregations */
export const AGGREGATION_RULES = Object.keys(RULES)

/** Names of what may precede a rule, with a `+` */
export const PRE_AGGREGATION_NAMES = Object.keys(PRE_AGGREGATIONS)

export interface RuleChain {
  name: string
  before: readonly PreAggregation[]
  rule: Rule
}

/**
 * The chain that a name such as `nnm+trimmed-mean` stands for
 *
 * Throws RangeError for an unknown part, one that is there twice, and a rule that cannot follow a pre-aggregation
 */
export function ruleChain (name: string): RuleChain {
  const parts = name.split('+')
  const last = parts.pop()!
  const rule = named(RULES, last, `aggregation rule ${quoted(last)}`)
  const before = parts.map((part) => named(PRE_AGGREGATIONS, part, `pre-aggregation ${quoted(part)}`))
  if (new Set(parts).size < parts.length) {
    throw new RangeError(`${quoted(name)} names a pre-aggregation twice`)
  }
  if (before.length > 0 && rule.kind === 'combination' && rule.needsOriginals === true) {
    throw new RangeError(`${quoted(name)}: ${last} judges the neighbours' own models and cannot follow ${parts.join('+')}`)
  }
  return { name, before, rule }
}

function named<T> (table: Readonly<Record<string, T>>, name: string, what: string): T {
  if (Object.hasOwn(table, name)) {
    return table[name]!
  }
  const names = Object.keys(table)
  const suggestion = closest(name, names)
  throw new RangeError(`unknown ${what}${suggestion === undefined ? `; known are ${names.join(', ')}` : ` (did you mean "${suggestion}"?)`}`)
}

/** Fewest neighbours with which the rule withstands f liars among them; at least 1 */
export function minimumNeighbours ({ before, rule }: RuleChain, f: number): number {
  const vectors = before.reduceRight((needed, step) => step.minimumVectors(f, needed), rule.minimumVectors(f))
  return Math.max(1, vectors - 1)
}

/**
 * Why a rule cannot work with this f at this degree, as a text that names the numbers; undefined when it can
 *
 * Throws as `ruleChain` does
 */
export function unmetPrecondition ({ rule, f, clipRadius }: { rule: string, f: number, clipRadius?: number | undefined }, degree: number): string | undefined {
  const needed = minimumNeighbours(ruleChain(rule), f)
  if (degree < needed) {
    return `${rule} needs at least ${needed} neighbours to withstand f = ${f} of them, but topology.degree is ${degree}; raise the degree, lower f or choose another rule`
  }
  if (clipRadius !== undefined && !WITH_RADIUS.has(rule.split('+').at(-1)!)) {
    return `${rule} has no clipRadius; only ${[...WITH_RADIUS].join(' and ')} have one`
  }
  return undefined
}

/** Whether a rule reads losses on own examples. Throws RangeError for a name that is none */
export function needsLosses (name: string): boolean {
  const { rule } = ruleChain(name)
  return rule.kind === 'combination' && rule.needsLosses === true
}

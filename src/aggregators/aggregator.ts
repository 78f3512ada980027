/**
 * The aggregation rules by name
 *
 * One file for each rule; what reads whole vectors is in kernels/. A new rule is one more file, one more line here and
 * one more name in the federation document's schema.
 */
import { closest } from '../closest.ts'
import { gatedGeometricMedian } from './gated-geometric-median.ts'
import { geometricMedian } from './geometric-median.ts'
import { mean } from './mean.ts'
import { trimmedMean } from './trimmed-mean.ts'
import type { FederationDocument } from '../federation.ts'
import type { Aggregator } from '../interface.ts'

type Aggregation = FederationDocument['aggregation']

const RULES: Record<Aggregation['rule'], (f: number) => Aggregator> = {
  mean,
  'trimmed-mean': trimmedMean,
  'geometric-median': geometricMedian,
  'gated-geometric-median': gatedGeometricMedian
}

/** Names that `createAggregator` accepts */
export const AGGREGATION_RULES = Object.keys(RULES) as Array<Aggregation['rule']>

/**
 * The rule that a federation document names, for the f that it declares
 *
 * Throws RangeError when there is no such rule, or f is not a whole number of at least 0
 */
export function createAggregator ({ rule, f }: Aggregation): Aggregator {
  if (!AGGREGATION_RULES.includes(rule)) {
    const suggestion = closest(rule, AGGREGATION_RULES)
    throw new RangeError(`unknown aggregation rule "${rule}"${suggestion === undefined ? `; known are ${AGGREGATION_RULES.join(', ')}` : ` (did you mean "${suggestion}"?)`}`)
  }
  if (!Number.isInteger(f) || f < 0) {
    throw new RangeError(`f must be a whole number of at least 0, not ${f}`)
  }
  return RULES[rule](f)
}

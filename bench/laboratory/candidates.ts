/**
 * Rules by name for the laboratory: those of the product, and those on trial
 */
import { aggregatorOf, createAggregator } from '../../src/aggregators/aggregator.ts'
import { ruleChain } from '../../src/aggregators/rules.ts'
import type { RuleChain } from '../../src/aggregators/rules.ts'
import type { Aggregator, Random } from '../../src/interface.ts'

/** Chains on trial: what they gave stands in docs/robustness.md */
export const CANDIDATES: Readonly<Record<string, () => RuleChain>> = {}

/** `alone` is not a rule: nobody mixes */
export function aggregatorFor (rule: string, f: number, random: Random): Aggregator {
  if (rule === 'alone') {
    return createAggregator({ rule: 'mean', f }, random)
  }
  const candidate = CANDIDATES[rule]
  return aggregatorOf(candidate === undefined ? ruleChain(rule) : candidate(), { f }, random)
}

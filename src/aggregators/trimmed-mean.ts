/**
 * Rule `trimmed-mean`: per coordinate, without the f lowest and the f highest numbers
 *
 * Yin, Chen, Ramchandran, Bartlett 2018, definition 2; on a peer's neighbourhood it is BRIDGE-T of Fang, Yang, Bajwa
 * 2022. The own model counts as one of n vectors, n >= 2f + 1. Every coordinate of the result lies between the honest
 * numbers as long as at most f neighbours lie, whatever they send. f = 0 is the unweighted mean.
 */
import { trimmedMeanOf } from './kernels/order-statistics.ts'
import type { CoordinateRule } from './rule.ts'

export const trimmedMean: CoordinateRule = {
  kind: 'coordinates',
  minimumVectors: (f) => 2 * f + 1,
  aggregate: (columns, _geometry, { f }) => trimmedMeanOf(columns, f)
}

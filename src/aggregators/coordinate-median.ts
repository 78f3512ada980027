/**
 * Rule `median`: per coordinate the median of the own model and the neighbours'
 *
 * Yin, Chen, Ramchandran, Bartlett 2018, definition 1; of an even number of values the mean of the two in the middle.
 * Needs n >= 2f + 1, then every coordinate lies between honest ones. Where data differ it ignores what a minority of
 * the honest peers has learned.
 */
import { medianOf } from './kernels/order-statistics.ts'
import type { CoordinateRule } from './rule.ts'

export const coordinateMedian: CoordinateRule = {
  kind: 'coordinates',
  minimumVectors: (f) => 2 * f + 1,
  aggregate: (columns) => medianOf(columns)
}

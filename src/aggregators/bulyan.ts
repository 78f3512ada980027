/**
 * Rule `bulyan`: repeated Krum, then per coordinate the mean around the median
 *
 * El Mhamdi, Guerraoui, Rouault 2018: Krum chooses theta = n - 2f vectors, one after the other out of those left; of
 * these every coordinate is the mean of the theta - 2f values nearest to their median. Needs n >= 4f + 3.
 */
import { meanAroundMedian } from './kernels/order-statistics.ts'
import { krumSelection } from './krum.ts'
import type { CoordinateRule } from './rule.ts'

export const bulyan: CoordinateRule = {
  kind: 'coordinates',
  minimumVectors: (f) => 4 * f + 3,
  aggregate: ({ vectors, rows }, geometry, { f }) => {
    const theta = geometry.count - 2 * f
    const chosen = krumSelection(geometry, f, theta).sort((a, b) => a - b)
    const columns = rows === undefined ? { vectors: chosen.map((index) => vectors[index]!) } : { vectors, rows: chosen.map((index) => rows[index]!) }
    return meanAroundMedian(columns, theta - 2 * f)
  }
}

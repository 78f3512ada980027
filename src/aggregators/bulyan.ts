/**
 * Rule `bulyan`: repeated Krum, then per coordinate the mean around the median
 *
 * El Mhamdi, Guerraoui, Rouault 2018: Krum chooses theta = n - 2f vectors, one after the other out of those left; of
 * these every coordinate is the mean of the theta - 2f values nearest to their median. Needs n >= 4f + 3.
 */
import { meanAroundMedian } from './kernels/mean-around-median.ts'
import { krumSelection } from './krum.ts'
import type { CoordinateRule } from './rule.ts'

export const bulyan: CoordinateRule = {
  kind: 'coordinates',
  minimumVectors: (f) => 4 * f + 3,
  aggregate: (vectors, geometry, { f }) => {
    const theta = vectors.length - 2 * f
    const chosen = krumSelection(geometry, f, theta).sort((a, b) => a - b)
    return meanAroundMedian(chosen.map((index) => vectors[index]!), theta - 2 * f)
  }
}

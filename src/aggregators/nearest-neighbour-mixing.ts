/**
 * Pre-aggregation `nnm`: every vector becomes the mean of the n - f nearest to it
 *
 * Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan 2023 ("Fixing by mixing"): makes what follows order-optimal
 * where data differ. On a static sparse graph a spectral attack can make it diverge: draw new neighbours every round.
 */
import { distancesFromVector, ranked } from './geometry.ts'
import type { PreAggregation } from './rule.ts'

export const nearestNeighbourMixing: PreAggregation = {
  minimumVectors: (f, needed) => Math.max(2 * f + 1, needed),
  mix: (geometry, { f }) => Array.from({ length: geometry.count }, (_, i) => {
    const row = new Float64Array(geometry.count)
    const distances = distancesFromVector(geometry, i)
    // the vector itself comes first, also among copies of it
    distances[i] = -1
    for (const j of ranked(distances).slice(0, geometry.count - f)) {
      row[j] = 1 / (geometry.count - f)
    }
    return row
  })
}

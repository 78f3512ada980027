/**
 * The laboratory with a recipe for private training: shares of equal size, and each peer's own noise
 */
import { equalShares } from './equal-shares.ts'
import { Laboratory } from './laboratory.ts'
import { privateDocument } from './private-recipes.ts'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import { subset } from './shared-data.ts'
import type { LaboratoryInit } from './laboratory.ts'
import type { PrivateCell } from './private-recipes.ts'

export function privateLaboratory (cell: PrivateCell, { dataset, backend }: Pick<LaboratoryInit, 'dataset' | 'backend'>): Laboratory {
  return new Laboratory(cell, {
    document: privateDocument(cell.recipe),
    dataset,
    backend,
    own: equalShares(dataset.train.labels, cell).map((rows) => subset(dataset.train, rows)),
    noiseOf: (index) => seededNoise(`noise ${cell.seed}/${index}`)
  })
}

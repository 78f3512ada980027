/**
 * A cell with a recipe for private training: shares of equal size, and each peer's own noise
 */
import { selectExamples } from '../../src/data/select-examples.ts'
import { equalShares } from './equal-shares.ts'
import { runGridCell } from './grid-cell.ts'
import { privateDocument } from './private-recipes.ts'
import type { CellResult } from './cell.ts'
import type { GridCellInit } from './grid-cell.ts'
import type { PrivateCell } from './private-recipes.ts'

/** As runGridCell */
export async function runPrivateCell (cell: PrivateCell, { dataset, backend }: Pick<GridCellInit, 'dataset' | 'backend'>): Promise<CellResult> {
  const own = equalShares(dataset.train.labels, cell).map((rows) => selectExamples(dataset.train, rows))
  return runGridCell(cell, { dataset, backend, training: privateDocument(cell.recipe), own })
}

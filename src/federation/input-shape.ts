/**
 * What the document's words mean in numbers of inputs: apart from its schema, so that training does not load zod
 */
import type { ModelInput } from './document.ts'
import type { TableColumn } from './table-input.ts'

/** Number of inputs of the model, as a shape without the batch */
export function inputShape (input: ModelInput): number[] {
  if (input.kind === 'image') {
    return [...input.shape]
  }
  return [input.columns.reduce((sum, column) => sum + columnWidth(column), 0)]
}

/** Inputs of the model that a column becomes */
export function columnWidth (column: TableColumn): number {
  return column.kind === 'numeric'
    ? (column.missing?.indicator === true ? 2 : 1)
    : column.values.length + (column.missing === true ? 1 : 0)
}

/** `mean` and `stdDev` of a declared range: those of values that are spread evenly over it */
export function rangeMoments ({ min, max }: { min: number, max: number }): { mean: number, stdDev: number } {
  return { mean: min + (max - min) / 2, stdDev: (max - min) / Math.sqrt(12) }
}

/**
 * `mean` and `stdDev` that are the same for all pictures: near the statistics of photographs, and declared numbers,
 * where a mean of somebody's pictures would tell of these
 */
export const PICTURE_MOMENTS = { mean: 0.5, stdDev: 0.25 } as const

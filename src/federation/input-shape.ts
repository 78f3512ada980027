/**
 * What the document's words mean in numbers of inputs: apart from its schema, so that training does not load zod
 */
import type { ModelInput } from './document.ts'
import type { TableColumn } from './table-input.ts'
import type { TextDescription } from './text-input.ts'

/** Padding, and one for each byte */
const BYTE_TOKENS = 257
/** Padding, and any other word */
export const FIRST_WORD = 2

/** Number of inputs of the model, as a shape without the batch */
export function inputShape (input: ModelInput): number[] {
  if (input.kind === 'image') {
    return [...input.shape]
  }
  if (input.kind === 'text') {
    return [input.length]
  }
  return [input.columns.reduce((sum, column) => sum + columnWidth(column), 0)]
}

/** Different tokens of a text, padding included: each input of the model is a whole number below this */
export function tokenCount ({ vocabulary }: Pick<TextDescription, 'vocabulary'>): number {
  return vocabulary === undefined ? BYTE_TOKENS : FIRST_WORD + vocabulary.length
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

/** Of the pixels of the MNIST training images, which everybody has: presets take them */
export const MNIST_MOMENTS = { mean: 0.1307, stdDev: 0.3081 } as const

import type { ModelInput } from './document.ts'

/** Number of inputs of the model, as a shape without the batch */
export function inputShape (input: ModelInput): number[] {
  if (input.kind === 'image') {
    return [...input.shape]
  }
  return [input.columns.reduce((sum, column) => sum + (column.kind === 'numeric' ? 1 : column.values.length), 0)]
}

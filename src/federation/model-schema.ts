/**
 * What the document says of the model: layers, initial weights, loss, input and outputs
 */
import * as z from 'zod'
import { inputSchema, newInput } from './input-schema.ts'

/** Numbers in `model.constants`. As fractions of 9 bytes each fewer fit into MAX_FEDERATION_BYTES */
export const MAX_CONSTANTS = 65_536

const finite = z.number()

function fewConstants (constants: Record<string, readonly number[]>): boolean {
  return Object.values(constants).reduce((sum, values) => sum + values.length, 0) <= MAX_CONSTANTS
}

export const modelSchema = z.strictObject({
  /** `LayersModel.toJSON()` of tfjs: class_name, config, … */
  topology: z.record(z.string(), z.unknown()),
  /**
   * Weights of the layers with `trainable: false`, row-major, such as `"features/kernel": [0.5, …]`: part of the
   * agreement, neither trained nor sent
   */
  constants: z.record(z.string(), z.array(finite)).refine(fewConstants, `must have at most ${MAX_CONSTANTS} numbers in all`).optional(),
  /** Seed of the common initial weights */
  seed: z.int().min(0).max(0xffffffff),
  loss: z.enum(['categoricalCrossentropy', 'binaryCrossentropy']),
  input: inputSchema,
  /** Names of the classes, in the order of the model's outputs */
  labels: z.array(z.string().min(1).max(256)).min(2).max(65_536)
})

export type Model = z.output<typeof modelSchema>

/** Path of a field, where there is one, that a reader of format 1 does not know */
export function newModelField ({ input }: Pick<Model, 'input'>): string | undefined {
  return newInput(input)
}

/**
 * What the document says of the model: layers, initial weights, loss, input and outputs
 */
import * as z from 'zod'
import { MAX_WEIGHTS_BYTES } from '../limits.ts'
import { inputSchema, newInput } from './input-schema.ts'
import { targetSchema } from './task-schema.ts'
import { isRegression, LOSSES, newTask } from './task.ts'

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
  /**
   * The weights of all layers, frozen ones and initial ones, in place of `constants` and of what `seed` gives: their
   * canonical file as src/model/canonical-weights.ts makes it. Members bring it along; it is never sent. Format 2
   */
  weights: z.strictObject({
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits in lower case'),
    bytes: z.int().min(1).max(MAX_WEIGHTS_BYTES)
  }).optional(),
  /** Seed of the common initial weights */
  seed: z.int().min(0).max(0xffffffff),
  loss: z.enum(LOSSES),
  input: inputSchema,
  /** Names of the classes, in the order of the model's outputs; none where a number is predicted */
  labels: z.array(z.string().min(1).max(256)).max(65_536),
  /** The number that is predicted. Format 2 */
  target: targetSchema.optional(),
  /**
   * What an example of each class counts for in the loss, in the order of the labels: declared, never computed from
   * anybody's data. Format 2
   *
   * @default 1 each
   */
  classWeights: z.array(finite.positive().max(1e6)).min(2).max(65_536).optional()
}).superRefine((model, context) => {
  if (model.weights !== undefined && model.constants !== undefined) {
    context.addIssue({ code: 'custom', path: ['constants'], input: model.constants, message: 'must be left out beside model.weights, where the frozen layers\' numbers are' })
  }
  if (!isRegression(model) && model.labels.length < 2) {
    context.addIssue({ code: 'too_small', minimum: 2, origin: 'array', inclusive: true, path: ['labels'], input: model.labels })
  }
})

export type Model = z.output<typeof modelSchema>

/** Path of a field, where there is one, that a reader of format 1 does not know */
export function newModelField (model: Pick<Model, 'input' | 'target' | 'classWeights' | 'weights'>): string | undefined {
  return newTask(model) ?? newInput(model.input) ?? (model.weights === undefined ? undefined : 'model.weights')
}

/**
 * The number that a federation predicts, as its document says it
 */
import * as z from 'zod'

const finite = z.number()

/** The model gives (value - mean) / stdDev */
export const targetSchema = z.strictObject({
  mean: finite,
  stdDev: finite.positive(),
  /** Such as `mmol/l`: alike in all members' data */
  unit: z.string().min(1).max(32).optional(),
  /** Values outside are refused */
  min: finite.optional(),
  max: finite.optional()
})

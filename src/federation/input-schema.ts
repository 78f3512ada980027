/**
 * What the document says of the model's input: how examples become numbers, alike for all members
 *
 * Each field that came after format 1 is optional, absent means what it meant before, and `newInput` names it.
 */
import * as z from 'zod'
import { newTableField, tableInput } from './table-input.ts'

const finite = z.number()
const positive = finite.positive()

export const inputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('image'),
    /** height, width, channels. Pixels are scaled from 0..255 to 0..1, then standardised */
    shape: z.array(z.int().min(1).max(4096)).length(3),
    mean: finite.default(0),
    stdDev: positive.default(1)
  }),
  tableInput
])

export type ModelInput = z.output<typeof inputSchema>

/** Path of a field, where there is one, that a reader of format 1 does not know */
export function newInput (input: ModelInput): string | undefined {
  return input.kind === 'table' ? newTableField(input) : undefined
}

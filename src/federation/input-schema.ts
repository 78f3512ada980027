/**
 * What the document says of the model's input: how examples become numbers, alike for all members
 *
 * Each field that came after format 1 is optional, absent means what it meant before, and `newInput` names it.
 */
import * as z from 'zod'
import { newTableField, tableInput } from './table-input.ts'
import { textInput } from './text-input.ts'

const finite = z.number()
const positive = finite.positive()

export const inputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('image'),
    /** height, width, channels. Pixels are scaled from 0..255, or 0..65535, to 0..1, then standardised */
    shape: z.array(z.int().min(1).max(4096)).length(3),
    mean: finite.default(0),
    stdDev: positive.default(1),
    /**
     * Of picture files of another size: stretched by the whole-number arithmetic of src/data/pictures/resize.ts.
     * Absent: they are refused. Format 2
     */
    resize: z.literal('bilinear').optional(),
    /**
     * Of pictures of other proportions than `shape`: the middle is cut out first, as large as possible. Only beside
     * `resize`. Absent: they are stretched. Format 2
     */
    fit: z.literal('crop').optional(),
    /** Bits of a sample that members keep: pictures of 8 bits are widened. Absent: 8. Format 2 */
    bits: z.literal(16).optional()
  }).superRefine((input, context) => {
    if (input.fit !== undefined && input.resize === undefined) {
      context.addIssue({ code: 'custom', path: ['fit'], input: input.fit, message: 'is for pictures of any size: it needs model.input.resize' })
    }
  }),
  tableInput,
  textInput
])

export type ModelInput = z.output<typeof inputSchema>

/** Path of a field, where there is one, that a reader of format 1 does not know */
export function newInput (input: ModelInput): string | undefined {
  if (input.kind === 'table') {
    return newTableField(input)
  }
  if (input.kind === 'text') {
    return 'model.input.kind'
  }
  const field = (['resize', 'fit', 'bits'] as const).find((name) => input[name] !== undefined)
  return field === undefined ? undefined : `model.input.${field}`
}

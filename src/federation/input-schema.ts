/**
 * What the document says of the model's input: how examples become numbers, alike for all members
 *
 * Each field that came after format 1 is optional, absent means what it meant before, and `newInput` names it.
 */
import * as z from 'zod'

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
    /** Bits of a sample that members keep: pictures of 8 bits are widened. Absent: 8. Format 2 */
    bits: z.literal(16).optional()
  }),
  z.strictObject({
    kind: z.literal('table'),
    /** The column that holds the class */
    label: z.string().min(1).max(256),
    /** In the order of the input vector. A categorical column becomes one input for each value */
    columns: z.array(z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('numeric'), name: z.string().min(1).max(256), mean: finite, stdDev: positive }),
      z.strictObject({
        kind: z.literal('categorical'),
        name: z.string().min(1).max(256),
        values: z.array(z.string().max(256)).min(1).max(1024),
        /** Any other value, and none at all, is no error: all inputs of the column are 0 then */
        other: z.literal(true).optional()
      })
    ])).min(1).max(4096)
  })
])

export type ModelInput = z.output<typeof inputSchema>

/** Path of a field, where there is one, that a reader of format 1 does not know */
export function newInput (input: ModelInput): string | undefined {
  const field = input.kind === 'image' ? (['resize', 'bits'] as const).find((name) => input[name] !== undefined) : undefined
  return field === undefined ? undefined : `model.input.${field}`
}

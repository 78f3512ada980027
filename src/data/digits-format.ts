/**
 * The embedded digits as a data format
 */
import { DIGIT_LABELS, DIGITS_INPUT, loadDigits, requireDigits } from './digits.ts'
import type { DataFormat } from './data-format.ts'
import type { DigitsSource } from './digits.ts'

export const digitsFormat: DataFormat<DigitsSource> = {
  load: async (source, model, partition) => loadDigits(source, model, partition),
  check: async (source, model) => { requireDigits(source, model) },
  infer: async () => ({ input: { ...DIGITS_INPUT, shape: [...DIGITS_INPUT.shape] }, labels: [...DIGIT_LABELS] }),
  count: async ({ trainExamples }) => trainExamples
}

/**
 * Texts as a data format: a folder of .txt files with a sub-folder for each class, or a table with a column of texts
 */
import { inferTexts } from './infer-texts.ts'
import { checkTexts, loadTexts, textLabels } from './text-dataset.ts'
import { readTextInputs } from './text-inputs.ts'
import type { DataFormat } from '../data-format.ts'
import type { TextSource } from './text-dataset.ts'

export const textsFormat: DataFormat<TextSource> = {
  load: loadTexts,
  check: checkTexts,
  infer: inferTexts,
  count: async (source, model) => (await textLabels(source, model)).length,
  inputs: readTextInputs
}

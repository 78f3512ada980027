/**
 * NumPy's arrays as a data format
 */
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { inferTable } from '../infer-table.ts'
import { listed } from '../csv.ts'
import { pictureInput, proposedSize } from '../pictures/infer-pictures.ts'
import { arrayLabels, checkArrays, loadArrays, pictureShape, tableSource } from './array-dataset.ts'
import { readArray, readArrayHeader } from './array-files.ts'
import { namedLabels, requireLabels } from './array-labels.ts'
import { readArrayInputs } from './array-inputs.ts'
import { arrayPairs } from './array-pairs.ts'
import type { DataFormat, FoundingChoices, InferredInput } from '../data-format.ts'
import type { ArraySource } from './array-dataset.ts'

export const arrayFormat: DataFormat<ArraySource> = {
  load: loadArrays,
  check: checkArrays,
  infer: inferArrays,
  count: async (source, model) => (await arrayLabels(source, model)).length,
  inputs: readArrayInputs
}

async function inferArrays (source: ArraySource, choices: FoundingChoices): Promise<InferredInput> {
  const { train } = await arrayPairs(source.path)
  const header = await readArrayHeader(train.inputs)
  if (header.shape.length <= 2) {
    return inferTable((await tableSource(source)).file, choices)
  }
  const { height, width, channels, bits } = pictureShape(printable(train.inputs), header)
  const labels = await readArray(train.labels)
  requireLabels(printable(train.labels), labels, header.shape[0]!)
  const { classes } = namedLabels(printable(train.labels), labels)
  if (classes.length < 2) {
    throw new DatasetError(`${printable(train.labels)} has one class only, ${listed(classes)}; there is nothing to tell apart`)
  }
  const size = choices.size ?? proposedSize(new Map([[`${height}x${width}`, 1]]))
  return { input: pictureInput(size, { channels, deep: bits === 16, fit: choices.fit }), labels: classes }
}

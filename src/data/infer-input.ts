/**
 * Proposes the model's input and labels from local data, for a peer that founds a federation
 *
 * What is found goes into the federation document, which every joiner reads: the names of columns, their means,
 * standard deviations and common categories, and the labels. Whoever founds one shows the schema first.
 */
import { DatasetError } from '../errors.ts'
import { DIGIT_LABELS, DIGITS_INPUT } from './digits.ts'
import { findIdxFiles, imageShape, readIdxImages, readIdxLabels } from './idx-dataset.ts'
import { inferTable } from './infer-table.ts'
import type { ModelInput } from '../federation/document.ts'
import type { DatasetSource } from '../interface.ts'
import type { IdxFiles } from './idx-dataset.ts'
import type { TableChoices, TableSchema } from './table-schema.ts'

/** As in the federation document */
export interface InferredInput {
  input: ModelInput
  labels: string[]
  /** Of a table */
  schema?: TableSchema
}

/** Longest side the federation document allows */
const MAX_SIDE = 4096

/**
 * Reads the training data once. The choices are for the columns of a CSV file
 *
 * Throws DatasetError when the data cannot be read, or are no classification data
 */
export async function inferInput (source: DatasetSource, choices: TableChoices = {}): Promise<InferredInput> {
  switch (source.kind) {
    case 'digits':
      return { input: { ...DIGITS_INPUT, shape: [...DIGITS_INPUT.shape] }, labels: [...DIGIT_LABELS] }
    case 'idx':
      return inferImages((await findIdxFiles(source.directory)).train)
    case 'csv':
      return inferTable(source.file, choices)
  }
}

async function inferImages (files: IdxFiles): Promise<InferredInput> {
  const largest = (await readIdxLabels(files.labels)).reduce((a, b) => Math.max(a, b), 0)
  if (largest === 0) {
    throw new DatasetError(`${files.labels}: every label is 0; there is nothing to tell apart`)
  }
  const histogram = new Float64Array(256)
  const sizes = await readIdxImages(files.images, (found) => {
    if (imageShape(found).some((side) => side > MAX_SIDE)) {
      throw new DatasetError(`${files.images}: images of ${imageShape(found).join(' x ')} are larger than ${MAX_SIDE} on a side; make them smaller`)
    }
    return (piece) => {
      for (let i = 0; i < piece.length; i++) {
        histogram[piece[i]!]!++
      }
    }
  })
  return {
    input: { kind: 'image', shape: imageShape(sizes), ...pixelStatistics(histogram) },
    labels: Array.from({ length: largest + 1 }, (_, label) => String(label))
  }
}

/** Of pixels scaled to 0..1; four decimals are more than enough and make a readable document */
function pixelStatistics (histogram: Float64Array): { mean: number, stdDev: number } {
  const pixels = histogram.reduce((sum, count) => sum + count, 0)
  const mean = histogram.reduce((sum, count, pixel) => sum + count * pixel / 255, 0) / pixels
  const variance = histogram.reduce((sum, count, pixel) => sum + count * (pixel / 255 - mean) ** 2, 0) / pixels
  const stdDev = Number(Math.sqrt(variance).toFixed(4))
  return { mean: Number(mean.toFixed(4)), stdDev: stdDev === 0 ? 1 : stdDev }
}

/**
 * A folder of IDX files as a data format
 */
import { DatasetError } from '../errors.ts'
import { checkIdxDataset, findIdxFiles, imageShape, loadIdxDataset, readIdxImages, readIdxLabels } from './idx-dataset.ts'
import { readIdxInputs } from './idx-inputs.ts'
import type { DatasetSource } from '../interface.ts'
import type { DataFormat, InferredInput } from './data-format.ts'
import type { IdxFiles } from './idx-dataset.ts'

/** Longest side the federation document allows */
const MAX_SIDE = 4096

export const idxFormat: DataFormat<Extract<DatasetSource, { kind: 'idx' }>> = {
  load: async ({ directory }, model, partition) => loadIdxDataset(directory, model, partition),
  check: async ({ directory }, model) => checkIdxDataset(directory, model),
  infer: async ({ directory }) => inferImages((await findIdxFiles(directory)).train),
  count: async ({ directory }, model) => (await readIdxLabels((await findIdxFiles(directory)).train.labels, model.labels)).length,
  inputs: readIdxInputs
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

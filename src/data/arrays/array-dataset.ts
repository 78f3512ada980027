/**
 * Examples from NumPy's arrays: pictures where inputs are bytes or 16-bit integers of three or four dimensions, a table
 * where they have two
 */
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { checkCsvDataset, loadCsvDataset } from '../csv-dataset.ts'
import { DEFAULT_TEST_FRACTION, HOLD_OUT_SEED, holdOut } from '../hold-out.ts'
import { indices, partitionRows } from '../partition.ts'
import { labelNumbers } from '../class-list.ts'
import { requirePicture } from '../pictures/prepare.ts'
import { rasterExamples } from '../pictures/raster-examples.ts'
import { readArray, readArrayHeader } from './array-files.ts'
import { namedLabels, requireLabels } from './array-labels.ts'
import { arrayPairs } from './array-pairs.ts'
import type { DatasetSource, Partition } from '../../interface.ts'
import type { LoadOptions } from '../data-format.ts'
import type { CsvSource } from '../csv-dataset.ts'
import type { Dataset, Model } from '../examples.ts'
import type { RasterShape } from '../pictures/raster.ts'
import type { RasterRows } from '../pictures/raster-examples.ts'
import type { ArrayPair } from './array-pairs.ts'
import type { NpyHeader } from './npy-header.ts'

export type ArraySource = Extract<DatasetSource, { kind: 'npy' }>

/** Throws DatasetError, and RangeError on an impossible test fraction */
export async function loadArrays (source: ArraySource, model: Model, partition?: Partition, options?: LoadOptions): Promise<Dataset> {
  if (model.input.kind !== 'image') {
    return loadCsvDataset(await tableSource(source), model, partition, options)
  }
  const { labels: names } = model
  const { train, test } = await arrayPairs(source.path)
  const labels = await labelsOf(train, names)
  const held = test === undefined ? holdOut(labels, source.testFraction ?? DEFAULT_TEST_FRACTION, HOLD_OUT_SEED) : { train: indices(labels.length), test: undefined }
  const own = partition === undefined ? held.train : partitionRows(labels, partition, held.train)
  if (own.length === 0 || held.test?.length === 0) {
    throw new DatasetError(`${printable(source.path)} has ${labels.length} examples: too few to train and to test; add some`)
  }
  const pictures = await pictureReader(train.inputs)
  const examples = await rasterExamples({ ...pictures, labels, rows: own }, model, true)
  if (test === undefined) {
    return { train: examples, test: await rasterExamples({ ...pictures, labels, rows: held.test! }, model, false) }
  }
  const testLabels = await labelsOf(test, names)
  return { train: examples, test: await rasterExamples({ ...await pictureReader(test.inputs), labels: testLabels, rows: indices(testLabels.length) }, model, false) }
}

/** Headers of pictures, the first rows of a table. Throws DatasetError as loading would */
export async function checkArrays (source: ArraySource, model: Model): Promise<void> {
  if (model.input.kind !== 'image') {
    return checkCsvDataset(await tableSource(source), model)
  }
  const { train, test } = await arrayPairs(source.path)
  for (const { inputs } of test === undefined ? [train] : [train, test]) {
    requirePicture(printable(inputs), pictureShape(printable(inputs), await readArrayHeader(inputs)), model.input)
  }
}

/** Classes of the examples to train. Throws DatasetError */
export async function arrayLabels (source: ArraySource, model: Model): Promise<Uint16Array> {
  const { train, test } = await arrayPairs(source.path)
  const labels = await labelsOf(train, model.labels)
  const rows = test === undefined ? holdOut(labels, source.testFraction ?? DEFAULT_TEST_FRACTION, HOLD_OUT_SEED).train : indices(labels.length)
  return Uint16Array.from(rows, (row) => labels[row]!)
}

/** The same arrays as tables. Throws DatasetError where they are none */
export async function tableSource ({ path, testFraction }: ArraySource): Promise<CsvSource> {
  const { train, test } = await arrayPairs(path)
  for (const { inputs } of test === undefined ? [train] : [train, test]) {
    const { shape } = await readArrayHeader(inputs)
    if (shape.length > 2) {
      throw new DatasetError(`${printable(inputs)} has the shape (${shape.join(', ')}), but a table has two dimensions`)
    }
  }
  return { kind: 'csv', file: train.inputs, ...(test === undefined ? { testFraction: testFraction ?? DEFAULT_TEST_FRACTION } : { testFile: test.inputs }) }
}

async function labelsOf ({ inputs, labels: place }: ArrayPair, names: readonly string[]): Promise<Uint16Array> {
  const labels = await readArray(place)
  requireLabels(printable(place), labels, (await readArrayHeader(inputs)).shape[0] ?? 1)
  return labelNumbers(printable(place), namedLabels(printable(place), labels), names)
}

/** Throws DatasetError, which names `place`, for an array that holds no pictures */
export function pictureShape (place: string, { shape, kind, size }: NpyHeader): RasterShape {
  const [, height = 0, width = 0, channels = 1] = shape
  if (shape.length < 3 || shape.length > 4) {
    throw new DatasetError(`${place} has the shape (${shape.join(', ')}), but pictures have three or four dimensions: number, height, width, channels`)
  }
  if (kind !== 'u' || size > 2) {
    throw new DatasetError(`${place} holds elements of type ${kind}${8 * size}, but samples of pictures are uint8 or uint16; convert them (x * 255).round().astype('uint8')`)
  }
  return { height, width, channels, bits: size === 2 ? 16 : 8 }
}

/** The pictures of an array, by row */
async function pictureReader (place: string): Promise<Pick<RasterRows, 'name' | 'read'>> {
  const array = await readArray(place)
  const path = printable(place)
  const shape = pictureShape(path, array.header)
  return { name: path, read: async (row) => ({ path, raster: { ...shape, samples: array.samples(row) } }) }
}

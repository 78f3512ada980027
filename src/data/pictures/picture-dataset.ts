/**
 * Examples from picture files: only those that are this peer's own are decoded, and each is held as the model takes it
 */
import { join } from 'node:path'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { labelNumbers } from '../class-list.ts'
import { inputWords } from '../examples.ts'
import { DEFAULT_TEST_FRACTION, HOLD_OUT_SEED, holdOut } from '../hold-out.ts'
import { indices, partitionRows } from '../partition.ts'
import { listPictures } from './picture-list.ts'
import { readPicture, readPictureShape } from './picture-file.ts'
import { requirePicture } from './prepare.ts'
import { rasterExamples } from './raster-examples.ts'
import type { DatasetSource, Partition } from '../../interface.ts'
import type { FileSet } from '../class-list.ts'
import type { Dataset, Examples, ImageInput, Model } from '../examples.ts'
import type { Raster } from './raster.ts'

export type PictureSource = Extract<DatasetSource, { kind: 'images' }>

/** Headers that a check reads of each set */
const CHECKED_PICTURES = 100

/** Numbers of the pictures to train and to test, of which set, and the classes of that set's pictures */
interface PictureSplit {
  train: Selection
  test: Selection
}

interface Selection {
  set: FileSet
  labels: Uint16Array
  /** Ascending */
  rows: Uint32Array
}

/** Throws DatasetError, and RangeError on an impossible test fraction */
export async function loadPictures (source: PictureSource, model: Model, partition?: Partition): Promise<Dataset> {
  requirePictureInput(source.path, model)
  const { train, test } = await splitPictures(source, model, partition)
  return { train: await loadSelection(train, model, true), test: await loadSelection(test, model, false) }
}

/** Lists all, and reads the headers of the first of each set. Throws DatasetError as loading would */
export async function checkPictures (source: PictureSource, model: Model): Promise<void> {
  const input = requirePictureInput(source.path, model)
  const { train, test } = await splitPictures(source, model)
  for (const { set, rows } of [train, test]) {
    for (const row of rows.subarray(0, CHECKED_PICTURES)) {
      const path = join(set.root, set.files[row]!.file)
      requirePicture(printable(path), await readPictureShape(path), input)
    }
  }
}

/** Classes of the pictures to train, which are not opened. Throws DatasetError */
export async function pictureLabels (source: PictureSource, model: Model): Promise<Uint16Array> {
  const { labels, rows } = (await splitPictures(source, model)).train
  return Uint16Array.from(rows, (row) => labels[row]!)
}

/** Throws DatasetError for a model that takes no picture files */
export function requirePictureInput (path: string, { input }: Model): ImageInput {
  if (input.kind !== 'image') {
    throw new DatasetError(`${path} holds pictures, but the federation's model takes ${inputWords(input).takes}; give the data that its document describes`)
  }
  if (input.shape[2] !== 1 && input.shape[2] !== 3) {
    throw new DatasetError(`${path}: the federation's pictures have ${input.shape[2]} channels; picture files have 1 (grey) or 3 (colour): give IDX or NPY files`)
  }
  return input
}

async function splitPictures ({ path, testFraction }: PictureSource, { labels: names }: Model, partition?: Partition): Promise<PictureSplit> {
  const { train, test } = await listPictures(path)
  const labels = numbersOf(train, names)
  const held = test === undefined ? holdOut(labels, testFraction ?? DEFAULT_TEST_FRACTION, HOLD_OUT_SEED) : { train: indices(labels.length), test: undefined }
  const own = partition === undefined ? held.train : partitionRows(labels, partition, held.train)
  const testing = held.test === undefined
    ? { set: test!, labels: numbersOf(test!, names), rows: indices(test!.files.length) }
    : { set: train, labels, rows: held.test }
  if (own.length === 0 || testing.rows.length === 0) {
    throw new DatasetError(`${path} has ${labels.length} pictures to train${test === undefined ? ' and to test' : ` and ${testing.rows.length} to test`}: too few; add some`)
  }
  return { train: { set: train, labels, rows: own }, test: testing }
}

function numbersOf ({ root, files, classes }: FileSet, names: readonly string[]): Uint16Array {
  return labelNumbers(root, { rows: files.map(({ label }) => label), classes }, names)
}

async function loadSelection ({ set, labels, rows }: Selection, model: Model, identified: boolean): Promise<Examples> {
  const read = async (row: number): Promise<{ path: string, raster: Raster }> => {
    const path = join(set.root, set.files[row]!.file)
    return { path: printable(path), raster: await readPicture(path) }
  }
  return rasterExamples({ name: printable(set.root), labels, rows, read }, model, identified)
}

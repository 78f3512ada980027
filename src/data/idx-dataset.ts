/**
 * A folder of four IDX files, named as MNIST and its relatives name them: training and test images and labels
 *
 * Labels are read first: they decide which images are this peer's own, and only those are kept.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '../errors.ts'
import { imageExamples, inputWords, requireRoom } from './examples.ts'
import { readIdx } from './idx.ts'
import { partitionRows } from './partition.ts'
import { unreadable } from './unreadable.ts'
import type { Dataset, Examples, ImageInput, Model } from './examples.ts'
import type { IdxSink } from './idx.ts'
import type { Partition } from '../interface.ts'

const IMAGE_RANKS = [3, 4]

const LABEL_RANKS = [1]

/** A file of labels says nothing of the model, so its length is bounded here */
const MAX_EXAMPLES = 2 ** 28

export interface IdxFiles {
  images: string
  labels: string
}

/** Which rows of an image file to keep: all of them, or these, ascending */
interface ImageSelection {
  labels: Uint16Array
  rows: Uint32Array | undefined
}

/** Paths of the training and the test pair in `directory`. Throws DatasetError that names the missing file */
export async function findIdxFiles (directory: string): Promise<{ train: IdxFiles, test: IdxFiles }> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (err) {
    throw unreadable(`data folder ${directory}`, err)
  }
  const find = (set: string, part: string): string => {
    const pattern = new RegExp(`^${set}-${part}[.-]idx[1-4]-ubyte(\\.gz)?$`)
    const found = names.filter((name) => pattern.test(name)).sort()[0]
    if (found === undefined) {
      throw new DatasetError(`no ${set}-${part} file in ${directory}: expected ${set}-${part}-idx${part === 'labels' ? 1 : 3}-ubyte, plain or with .gz`)
    }
    return join(directory, found)
  }
  const pair = (set: string): IdxFiles => ({ images: find(set, 'images'), labels: find(set, 'labels') })
  return { train: pair('train'), test: pair('t10k') }
}

/** height, width, channels of an image file's sizes: rank 3 has one channel */
export function imageShape (sizes: readonly number[]): [number, number, number] {
  const [, height = 0, width = 0, channels = 1] = sizes
  return [height, width, channels]
}

/**
 * Loads the training and test images; with a partition only the own training images, and all test images
 *
 * Throws DatasetError when a file is missing or damaged, or does not fit the model
 */
export async function loadIdxDataset (directory: string, model: Model, partition?: Partition): Promise<Dataset> {
  const input = requireImages(directory, model)
  const { train, test } = await findIdxFiles(directory)
  const labels = await readIdxLabels(train.labels, model.labels)
  const rows = partition === undefined ? undefined : partitionRows(labels, partition)
  return {
    train: await loadImages(train, input, { labels, rows }),
    test: await loadImages(test, input, { labels: await readIdxLabels(test.labels, model.labels), rows: undefined })
  }
}

/** Checks what can be told from the headers alone. Throws DatasetError as loading would */
export async function checkIdxDataset (directory: string, model: Model): Promise<void> {
  const input = requireImages(directory, model)
  const { train, test } = await findIdxFiles(directory)
  for (const { images, labels } of [train, test]) {
    const [count = 0] = await readIdx(labels, LABEL_RANKS, () => undefined)
    await readIdx(images, IMAGE_RANKS, (sizes) => {
      requireFit({ images, labels }, sizes, input, count)
      return undefined
    })
  }
}

/** All labels of a file. With `names`, throws DatasetError on a label that has none */
export async function readIdxLabels (path: string, names?: readonly string[]): Promise<Uint16Array> {
  let labels = new Uint16Array(0)
  await readIdx(path, LABEL_RANKS, ([count = 0]) => {
    if (count > MAX_EXAMPLES) {
      throw new DatasetError(`${path} has ${count} labels, more than ${MAX_EXAMPLES}`)
    }
    labels = new Uint16Array(count)
    return (piece, offset) => labels.set(piece, offset)
  })
  const outside = names === undefined ? -1 : labels.findIndex((label) => label >= names.length)
  if (names !== undefined && outside !== -1) {
    throw new DatasetError(`${path}: label ${labels[outside]} of example ${outside} is outside the federation's ${names.length} labels (0 to ${names.length - 1}); use the data this federation is about`)
  }
  return labels
}

/** Feeds every image byte of a file to `begin`'s sink. Throws DatasetError as `readIdx` does */
export async function readIdxImages (path: string, begin: (sizes: readonly number[]) => IdxSink | undefined): Promise<readonly number[]> {
  return readIdx(path, IMAGE_RANKS, begin)
}

/** Throws DatasetError where the model takes a table */
export function requireImages (directory: string, { input }: Model): ImageInput {
  if (input.kind !== 'image') {
    throw new DatasetError(`${directory}: IDX files hold images, but the federation's model takes ${inputWords(input).takes}; give ${input.kind === 'table' ? 'a CSV file' : inputWords(input).give}`)
  }
  return input
}

async function loadImages (files: IdxFiles, input: ImageInput, { labels, rows }: ImageSelection): Promise<Examples> {
  let pixels = new Uint8Array(0)
  await readIdxImages(files.images, (sizes) => {
    requireFit(files, sizes, input, labels.length)
    const rowBytes = input.shape.reduce((product, size) => product * size, 1)
    const count = rows?.length ?? labels.length
    requireRoom(files.images, count, rowBytes)
    pixels = new Uint8Array(count * rowBytes)
    return rows === undefined ? (piece, offset) => pixels.set(piece, offset) : rowSink(pixels, rows, rowBytes)
  })
  return imageExamples(pixels, rows === undefined ? labels : Uint16Array.from(rows, (row) => labels[row]!), input)
}

/** Throws DatasetError when images of these sizes (count, height, width, channels) do not fit the model */
export function requireImageShape (images: string, sizes: readonly number[], { shape }: ImageInput): void {
  const found = imageShape(sizes)
  if (found.some((size, i) => size !== shape[i])) {
    const channelsFirst = sizes[1] === shape[2] && sizes[2] === shape[0] && sizes[3] === shape[1]
    throw new DatasetError(`${images}: images of ${found.join(' x ')} do not fit the federation's model, which takes ${shape.join(' x ')} (height x width x channels)${channelsFirst ? '; store the channels last' : ''}`)
  }
}

function requireFit ({ images, labels }: IdxFiles, sizes: readonly number[], input: ImageInput, labelCount: number): void {
  requireImageShape(images, sizes, input)
  if (sizes[0] !== labelCount) {
    throw new DatasetError(`${images} has ${sizes[0]} images, but ${labels} has ${labelCount} labels; fetch both again`)
  }
}

/** Copies the wanted rows (ascending) out of the pieces that go by */
function rowSink (pixels: Uint8Array, rows: Uint32Array, rowBytes: number): IdxSink {
  let next = 0
  return (piece, offset) => {
    const end = offset + piece.length
    for (; next < rows.length; next++) {
      const rowStart = rows[next]! * rowBytes
      if (rowStart >= end) {
        return
      }
      const from = Math.max(rowStart, offset)
      const to = Math.min(rowStart + rowBytes, end)
      pixels.set(piece.subarray(from - offset, to - offset), next * rowBytes + from - rowStart)
      if (rowStart + rowBytes > end) {
        return
      }
    }
  }
}

/**
 * Pictures without labels, prepared as for training: what a prediction is made from
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { filesBelow } from '../class-folder.ts'
import { imageExamples } from '../examples.ts'
import { unreadable } from '../unreadable.ts'
import { requirePictureInput } from './picture-dataset.ts'
import { PICTURES, readPicture } from './picture-file.ts'
import { preparedPicture } from './prepare.ts'
import type { Model } from '../examples.ts'

/** Pictures that are handed over at once */
const BATCH = 64

export interface PictureBatch {
  /** Standardised, count x features; reused after the batch is done with */
  inputs: Float32Array
  count: number
  /** Below the folder, with `/` */
  names: readonly string[]
}

/**
 * Hands over the pictures of a file, or of a folder and all folders in it, by the bytes of their names, in bounded
 * memory. A promise of `take` is waited for before the next batch is read. Resolves to their number
 *
 * Throws DatasetError: missing, damaged, no pictures, links, standard input, a model that takes something else
 */
export async function readPictureInputs (source: { path: string, bytes?: Readable | undefined }, model: Model, take: (batch: PictureBatch) => Promise<void> | undefined): Promise<number> {
  const { path, bytes } = source
  const input = requirePictureInput(path, model)
  if (bytes !== undefined) {
    throw new DatasetError('pictures cannot come through standard input; give a file or a folder')
  }
  const files = await filesAt(path)
  const features = input.shape.reduce((product, size) => product * size, 1)
  const inputs = new Float32Array(Math.min(BATCH, files.length) * features)
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH)
    for (const [i, { file }] of batch.entries()) {
      const picture = preparedPicture(printable(file), await readPicture(file), input)
      imageExamples(picture, new Uint16Array(1), input, input.bits).writeInputs(0, inputs, i * features)
    }
    await take({ inputs, count: batch.length, names: batch.map(({ name }) => name) })
  }
  return files.length
}

async function filesAt (path: string): Promise<Array<{ file: string, name: string }>> {
  let isFolder: boolean
  try {
    isFolder = (await stat(path)).isDirectory()
  } catch (err) {
    throw unreadable(printable(path), err)
  }
  if (!isFolder) {
    return [{ file: path, name: path }]
  }
  const names = await filesBelow(path, PICTURES)
  if (names.length === 0) {
    throw new DatasetError(`${printable(path)} has no pictures; give a folder of PNG or JPEG files`)
  }
  return names.map((name) => ({ file: join(path, name), name }))
}

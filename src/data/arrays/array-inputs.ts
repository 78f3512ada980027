/**
 * An array of NumPy without labels, prepared as for training: what predictions are made from
 */
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { readTableInputs } from '../csv-inputs.ts'
import { listed } from '../csv.ts'
import { INPUT_BATCH } from '../data-format.ts'
import { imageExamples, requireRoom } from '../examples.ts'
import { preparedPicture, requirePicture } from '../pictures/prepare.ts'
import { TextRow } from '../row.ts'
import { pictureShape } from './array-dataset.ts'
import { arraysAt, readArray } from './array-files.ts'
import { columnsOfWidth } from './array-table.ts'
import type { InputSource, TakeInputs } from '../data-format.ts'
import type { ImageInput, Model } from '../examples.ts'
import type { NpyArray } from './npy-array.ts'

/** Pictures that are handed over at once */
const PICTURES = 64

/**
 * Hands over the rows of a NPY file, or of the one array of a NPZ file: pictures where the model takes some, else rows
 * of a table with the columns x0, x1, … Resolves to their number
 *
 * Throws DatasetError: damaged, several arrays, of another type or shape than the model takes
 */
export async function readArrayInputs (source: InputSource, model: Model, take: TakeInputs): Promise<number> {
  const place = await onlyArray(source.path)
  const array = await readArray(place)
  return model.input.kind === 'image'
    ? readPictures(printable(place), array, { input: model.input, take })
    : readTableInputs(source, model, take, async (begin, ready) => readRows(printable(place), array, begin, ready))
}

async function onlyArray (path: string): Promise<string> {
  if (!path.endsWith('.npz')) {
    return path
  }
  const arrays = await arraysAt(path)
  if (arrays.size !== 1) {
    throw new DatasetError(`${printable(path)} has ${arrays.size === 0 ? 'no arrays' : `the arrays ${listed([...arrays.keys()])}`}, and predictions are made from one: save it alone (numpy.save)`)
  }
  return [...arrays.values()][0]!
}

type ReadRows = Parameters<Parameters<typeof readTableInputs>[3]>

async function readRows (name: string, array: NpyArray, ...[begin, ready]: ReadRows): Promise<number> {
  if (array.header.shape.length !== 2) {
    throw new DatasetError(`${name} has the shape (${array.header.shape.join(', ')}), but the federation's model takes a table: rows x columns`)
  }
  const visit = begin(columnsOfWidth(name, array.width))
  const row = new TextRow()
  for (let at = 0; at < array.rows; at++) {
    if (at % INPUT_BATCH === 0) {
      await ready()
    }
    row.fields = Array.from({ length: array.width }, (_, i) => array.text(at, i))
    // as if the names of the columns stood in a first line
    if (visit(row, { file: name, line: at + 2 }) === false) {
      return at + 1
    }
  }
  return array.rows
}

async function readPictures (name: string, array: NpyArray, { input, take }: { input: ImageInput, take: TakeInputs }): Promise<number> {
  const shape = pictureShape(name, array.header)
  requirePicture(name, shape, input)
  const features = input.shape.reduce((product, size) => product * size, 1)
  requireRoom(name, PICTURES, 4 * features)
  const inputs = new Float32Array(Math.min(PICTURES, array.rows) * features)
  for (let from = 0; from < array.rows; from += PICTURES) {
    const count = Math.min(PICTURES, array.rows - from)
    for (let i = 0; i < count; i++) {
      const picture = preparedPicture(name, { ...shape, samples: array.samples(from + i) }, input)
      imageExamples(picture, new Uint16Array(1), input, input.bits).writeInputs(0, inputs, i * features)
    }
    await take({ inputs, count })
  }
  return array.rows
}

/**
 * Images of an IDX file without their labels, batch by batch, for predictions
 */
import { DatasetError } from '../errors.ts'
import { INPUT_BATCH } from './data-format.ts'
import { imageExamples } from './examples.ts'
import { readIdxImages, requireImages, requireImageShape } from './idx-dataset.ts'
import type { InputSource, TakeInputs } from './data-format.ts'
import type { Model } from './examples.ts'

/** Inputs of one batch: 32 MiB, where images are that large */
const BATCH_FLOATS = 8_388_608

/** Hands over every image, as `DataFormat.inputs` says. Throws DatasetError */
export async function readIdxInputs ({ path, bytes }: InputSource, model: Model, take: TakeInputs): Promise<number> {
  if (bytes !== undefined) {
    throw new DatasetError(`${path} is read as CSV, but the federation's model takes images; give an IDX file of images by its name`)
  }
  const input = requireImages(path, model)
  const imageBytes = input.shape.reduce((product, side) => product * side, 1)
  const capacity = Math.max(1, Math.min(INPUT_BATCH, Math.floor(BATCH_FLOATS / imageBytes)))
  const pixels = new Uint8Array(capacity * imageBytes)
  const examples = imageExamples(pixels, new Uint16Array(capacity), input)
  const inputs = new Float32Array(pixels.length)
  let filled = 0
  let failure: { err: unknown } | undefined
  const flush = async (): Promise<void> => {
    const count = filled / imageBytes
    filled = 0
    for (let image = 0; image < count; image++) {
      examples.writeInputs(image, inputs, image * imageBytes)
    }
    // the reader would take another's failure for one of the file
    try {
      await take({ inputs, count })
    } catch (err) {
      failure = { err }
      throw err
    }
  }
  try {
    const [count = 0] = await readIdxImages(path, (sizes) => {
      requireImageShape(path, sizes, input)
      return async (piece) => {
        for (let from = 0; from < piece.length;) {
          const part = piece.subarray(from, from + pixels.length - filled)
          pixels.set(part, filled)
          filled += part.length
          from += part.length
          if (filled === pixels.length) {
            await flush()
          }
        }
      }
    })
    if (filled > 0) {
      await flush()
    }
    return count
  } catch (err) {
    throw failure === undefined ? err : failure.err
  }
}

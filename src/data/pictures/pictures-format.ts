/**
 * Folders of PNG and JPEG files as a data format
 */
import { inferPictures } from './infer-pictures.ts'
import { readPictureInputs } from './picture-inputs.ts'
import { checkPictures, loadPictures, pictureLabels } from './picture-dataset.ts'
import type { DataFormat } from '../data-format.ts'
import type { PictureSource } from './picture-dataset.ts'

export const picturesFormat: DataFormat<PictureSource> = {
  load: loadPictures,
  check: checkPictures,
  infer: async ({ path }, choices) => inferPictures(path, choices),
  count: async (source, model) => (await pictureLabels(source, model)).length,
  inputs: readPictureInputs
}

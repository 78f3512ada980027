/**
 * Proposes size, colours, depth and classes for pictures, from headers alone: no pixel goes into the document, not even
 * by its mean
 */
import { join } from 'node:path'
import { DatasetError } from '../../errors.ts'
import { PICTURE_MOMENTS } from '../../federation/input-shape.ts'
import { listed } from '../csv.ts'
import { readPictureShape } from './picture-file.ts'
import { listPictures } from './picture-list.ts'
import type { ImageInput } from '../examples.ts'
import type { FoundingChoices, InferredInput } from '../data-format.ts'

/** Longest side that is proposed: larger pictures take minutes a round on a processor */
const PROPOSED_SIDE = 64

export interface PictureSize {
  height: number
  width: number
}

type PictureChoices = Pick<FoundingChoices, 'size' | 'fit'>

/** Reads the headers of all pictures for training. Throws DatasetError */
export async function inferPictures (path: string, { size, fit }: PictureChoices = {}): Promise<InferredInput> {
  const { train } = await listPictures(path)
  if (train.classes.length < 2) {
    throw new DatasetError(`${path} has one class only, ${listed(train.classes)}; there is nothing to tell apart`)
  }
  if (train.files.length === 0) {
    throw new DatasetError(`${path} has no pictures; add PNG or JPEG files`)
  }
  const counts = new Map<string, number>()
  let [colour, deep] = [false, false]
  for (const { file } of train.files) {
    const { width, height, channels, bits } = await readPictureShape(join(train.root, file))
    colour ||= channels === 3
    deep ||= bits === 16
    const key = `${height}x${width}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return { input: pictureInput(size ?? proposedSize(counts), { channels: colour ? 3 : 1, deep, fit }), labels: train.classes }
}

/** What a document says of pictures like these */
export function pictureInput ({ height, width }: PictureSize, { channels, deep, fit }: { channels: number, deep: boolean, fit?: 'crop' | undefined }): ImageInput {
  return { kind: 'image', shape: [height, width, channels], ...PICTURE_MOMENTS, resize: 'bilinear', ...(fit === undefined ? {} : { fit }), ...(deep ? { bits: 16 } : {}) }
}

/** The most common size, scaled down to PROPOSED_SIDE; of equally common ones the first by its name */
export function proposedSize (counts: ReadonlyMap<string, number>): PictureSize {
  const [common] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]!
  const [height, width] = common.split('x').map(Number) as [number, number]
  const scale = Math.min(1, PROPOSED_SIDE / Math.max(height, width))
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) }
}

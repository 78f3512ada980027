/**
 * Folders of PNG files, one sub-folder a class, as a site would have them
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PNG } from 'pngjs'
import { loadDigits } from '../../src/data/digits.ts'
import { presetDocument } from '../../src/presets.ts'

const SIDE = 28

/** Writes the embedded digits `from` to `from + count` of the training set of a seed */
export async function writePictures (folder: string, { from, count, seed }: { from: number, count: number, seed: number }): Promise<void> {
  const { model } = presetDocument('digits')
  const { train } = loadDigits({ kind: 'digits', seed, trainExamples: from + count, testExamples: 1 }, model)
  for (let i = from; i < from + count; i++) {
    const image = new PNG({ width: SIDE, height: SIDE })
    train.original!(i).forEach((pixel, at) => { image.data.set([pixel, pixel, pixel, 255], 4 * at) })
    const path = join(folder, String(train.labels[i]))
    await mkdir(path, { recursive: true })
    await writeFile(join(path, `${i}.png`), PNG.sync.write(image, { colorType: 0 }))
  }
}

/**
 * Examples of decoded pictures, one after another: each is prepared and let go
 */
import { imageExamples, requireRoom } from '../examples.ts'
import { hash } from 'node:crypto'
import { exampleDigest } from '../fingerprint.ts'
import { RECORD_DIGEST_BYTES } from '../record-digest.ts'
import { preparedPicture } from './prepare.ts'
import { bytesOfSamples } from './raster.ts'
import type { Examples, ImageInput, Model } from '../examples.ts'
import type { Raster } from './raster.ts'

export interface RasterRows {
  /** What a message calls all of them */
  name: string
  /** Of each row of the source: its place among `names` */
  labels: Uint16Array
  /** Those wanted, ascending */
  rows: Uint32Array
  /** The picture of a row, and what a message calls it */
  read: (row: number) => Promise<{ path: string, raster: Raster }>
}

/**
 * `identified`: by digests of the pixels as they came, whatever size and depth the document makes of them, and of the
 * name of the class, whatever its place in the document: a budget follows the pictures. Throws DatasetError
 */
export async function rasterExamples ({ name, labels, rows, read }: RasterRows, { input: anyInput, labels: names }: Pick<Model, 'input' | 'labels'>, identified: boolean): Promise<Examples> {
  const input = anyInput as ImageInput
  const numbers = names.map(classNumber)
  const bits = input.bits ?? 8
  const bytesEach = input.shape.reduce((product, size) => product * size, bits / 8)
  requireRoom(name, rows.length, bytesEach + RECORD_DIGEST_BYTES)
  const pixels = new Uint8Array(rows.length * bytesEach)
  const digests = identified ? new Uint8Array(rows.length * RECORD_DIGEST_BYTES) : undefined
  for (let i = 0; i < rows.length; i++) {
    const { path, raster } = await read(rows[i]!)
    pixels.set(preparedPicture(path, raster, input), i * bytesEach)
    digests?.set(exampleDigest(bytesOfSamples(raster.samples), numbers[labels[rows[i]!]!]!), i * RECORD_DIGEST_BYTES)
  }
  const examples = imageExamples(pixels, Uint16Array.from(rows, (row) => labels[row]!), input, bits)
  return digests === undefined ? examples : { ...examples, recordDigests: digests }
}

/** A class that is called by a number is that one, as in an IDX file; another is known by its name, beyond these */
function classNumber (name: string): number {
  return /^(0|[1-9]\d{0,4})$/.test(name) && Number(name) <= 0xffff ? Number(name) : 0x10000 + hash('sha256', name, 'buffer').readUInt32BE(0) % 0xfff0000
}

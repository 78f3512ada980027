/**
 * What training sees of a dataset: labelled examples that write their standardised inputs on demand
 *
 * Examples stay in their compact form (one byte for a pixel) and become float32 only inside a batch.
 */
import { DatasetError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import type { FederationDocument, ModelInput } from '../federation/document.ts'
import type { TestSplit } from '../interface.ts'

/** More bytes than this are not held in memory by one peer */
export const MAX_EXAMPLE_BYTES = 2 ** 31

export interface Examples {
  readonly count: number
  /** Inputs of one example */
  readonly featureCount: number
  /** Class of each example: an index into the document's labels; 0 each where a number is predicted */
  readonly labels: Uint16Array
  /** Of a predicted number: the standardised target of each example. Left out where there are classes */
  readonly targets?: Float32Array
  /** Writes the standardised inputs of example `index` to out[offset .. offset + featureCount). Throws RangeError */
  writeInputs: (index: number, out: Float32Array, offset: number) => void
  /**
   * An example as it came, whatever the document makes of it; a view, not to be mutated. Left out where that is not
   * held
   */
  original?: (index: number) => Uint8Array
  /**
   * For rows of a table: sha-256 of each as its file says it, label included, 32 bytes after 32 bytes
   * (record-digest.ts)
   */
  readonly recordDigests?: Uint8Array
  /**
   * False where different examples may well have the same inputs, as texts that begin alike: no version ever knew them
   * by their inputs
   *
   * @default true
   */
  readonly toldByInputs?: boolean
}

export interface Dataset {
  /** This peer's own */
  train: Examples
  test: Examples
  /** How the own training rows differ from what the document was made for, a line each. Local knowledge: never sent */
  remarks?: readonly string[]
  /** How test examples were told from training examples, where that was decided here */
  split?: TestSplit
}

export type Model = FederationDocument['model']
export type ImageInput = Extract<ModelInput, { kind: 'image' }>
export type TableInput = Extract<ModelInput, { kind: 'table' }>
export type TextInput = Extract<ModelInput, { kind: 'text' }>

/** What a model takes, to follow "takes", and what to give it */
export function inputWords (input: ModelInput): { takes: string, give: string } {
  switch (input.kind) {
    case 'image': return { takes: `images of ${input.shape.join(' x ')}`, give: 'images: PNG or JPEG files, IDX files or NumPy arrays' }
    case 'table': return { takes: `a table with the label ${quoted(input.label)}`, give: 'a CSV or Parquet file (--data csv:FILE, parquet:FILE)' }
    case 'text': return { takes: 'texts', give: 'texts (--data text:PATH)' }
  }
}

/**
 * Throws DatasetError when `count` examples of `bytesEach` bytes are more than a peer may hold. `source` is named in
 * the message
 */
export function requireRoom (source: string, count: number, bytesEach: number): void {
  if (count * bytesEach > MAX_EXAMPLE_BYTES) {
    throw new DatasetError(`${source}: ${count} examples of ${bytesEach} bytes are more than the ${MAX_EXAMPLE_BYTES / 2 ** 30} GiB one peer can hold; give each peer a part of them (--partition i/n)`)
  }
}

/** Throws RangeError when example `index`, or its place in `out`, does not exist */
export function requirePlace (examples: Pick<Examples, 'count' | 'featureCount'>, index: number, out: Float32Array, offset: number): void {
  if (!(index >= 0 && index < examples.count)) {
    throw new RangeError(`example ${index} does not exist: there are ${examples.count}`)
  }
  if (!(offset >= 0 && offset + examples.featureCount <= out.length)) {
    throw new RangeError(`${examples.featureCount} inputs do not fit at offset ${offset} of ${out.length}`)
  }
}

/**
 * Images held as bytes, `labels.length` rows of height x width x channels; with `bits` 16 each sample has two of them,
 * little-endian, on every machine
 *
 * A pixel p becomes (p / 255 - mean) / stdDev, or with 65535, by table: there are only 256 of them, or 65,536. Throws
 * RangeError when `pixels` has another length
 */
export function imageExamples (pixels: Uint8Array, labels: Uint16Array, input: ImageInput, bits: 8 | 16 = 8): Examples {
  return bits === 16 ? deepImageExamples(pixels, labels, input) : byteImageExamples(pixels, labels, input)
}

function deepImageExamples (pixels: Uint8Array, labels: Uint16Array, input: ImageInput): Examples {
  const featureCount = input.shape.reduce((product, size) => product * size, 1)
  const rowBytes = 2 * featureCount
  const count = labels.length
  if (pixels.length !== count * rowBytes) {
    throw new RangeError(`${pixels.length} bytes are not ${count} images of ${featureCount} samples of 16 bits`)
  }
  const standardised = Float32Array.from({ length: 65_536 }, (_, sample) => (sample / 65_535 - input.mean) / input.stdDev)
  return {
    count,
    featureCount,
    labels,
    original: (index) => pixels.subarray(index * rowBytes, (index + 1) * rowBytes),
    writeInputs (index, out, offset) {
      requirePlace(this, index, out, offset)
      for (let from = index * rowBytes, to = offset; to < offset + featureCount; from += 2, to++) {
        out[to] = standardised[pixels[from]! + 256 * pixels[from + 1]!]!
      }
    }
  }
}

function byteImageExamples (pixels: Uint8Array, labels: Uint16Array, input: ImageInput): Examples {
  const featureCount = input.shape.reduce((product, size) => product * size, 1)
  const count = labels.length
  if (pixels.length !== count * featureCount) {
    throw new RangeError(`${pixels.length} bytes are not ${count} images of ${featureCount}`)
  }
  const standardised = Float32Array.from({ length: 256 }, (_, pixel) => (pixel / 255 - input.mean) / input.stdDev)
  return {
    count,
    featureCount,
    labels,
    original: (index) => pixels.subarray(index * featureCount, (index + 1) * featureCount),
    writeInputs (index, out, offset) {
      requirePlace(this, index, out, offset)
      let from = index * featureCount
      const end = from + featureCount
      let to = offset
      // four at a time takes half as long, and every epoch and evaluation passes here
      for (; from + 4 <= end; from += 4, to += 4) {
        out[to] = standardised[pixels[from]!]!
        out[to + 1] = standardised[pixels[from + 1]!]!
        out[to + 2] = standardised[pixels[from + 2]!]!
        out[to + 3] = standardised[pixels[from + 3]!]!
      }
      for (; from < end; from++, to++) {
        out[to] = standardised[pixels[from]!]!
      }
    }
  }
}

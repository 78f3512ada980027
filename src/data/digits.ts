/**
 * The embedded dataset: images of handwritten-looking digits, drawn from a seed, so that a fresh machine needs no
 * download
 *
 * Each example is a pure function of the seed, its set (training or test) and its index: a peer draws only its own. A
 * digit is one of a few styles of writing, whose points shake; then slant, turn, stretch and shift (affine), a smooth
 * random displacement (elastic, after Simard, Steinkraus and Platt 2003), a pen of random width, pressure and
 * sharpness, and noise.
 */
import { DatasetError } from '../errors.ts'
import { seededNormal, seededRandom } from '../seeded-random.ts'
import { GLYPHS } from './digit-glyphs.ts'
import { drawPath, smoothCurve } from './digit-pen.ts'
import { imageExamples, requireRoom } from './examples.ts'
import { indices, partitionRows } from './partition.ts'
import type { DatasetSource, Partition, Random } from '../interface.ts'
import type { Dataset, ImageInput, Model } from './examples.ts'

export type DigitsSource = Extract<DatasetSource, { kind: 'digits' }>

/** Height and width of an image */
const DIGIT_SIZE = 28

export const DIGIT_LABELS: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

/** What the demo uses */
export const DIGITS_DEFAULTS: Readonly<Omit<DigitsSource, 'kind'>> = { seed: 1, trainExamples: 16_000, testExamples: 2000 }

/** Mean and standard deviation of the pixels, scaled to 0..1, over the defaults */
export const DIGITS_INPUT: ImageInput = { kind: 'image', shape: [DIGIT_SIZE, DIGIT_SIZE, 1], mean: 0.1227, stdDev: 0.2636 }

const PIXELS = DIGIT_SIZE * DIGIT_SIZE

const MAX_EXAMPLES = 10_000_000

/** How far hands differ. Tuned so that a linear model is well below a small network; see test/data/digits.test.ts */
const SHAKE = 0.02
const TURN_RADIANS = 0.12
const SLANT = 0.16
const SHIFT_PIXELS = 1.65
const ELASTIC = 0.02
const NOISE = 0.02

export type DigitSet = 'train' | 'test'

/** The digit that example `index` shows: every ten in a row are all ten */
export function digitLabel (index: number): number {
  return index % DIGIT_LABELS.length
}

/** Draws one example into out[offset .. offset + 784), 0 for paper to 255 for ink */
function drawDigit (seed: number, set: DigitSet, index: number, out: Uint8Array): void {
  const random = seededRandom(`digits/${seed}/${set}/${index}`)
  const normal = seededNormal(random)
  const styles = GLYPHS[digitLabel(index)]!
  const glyph = styles[Math.floor(random() * styles.length)]!
  const place = placement(random, normal)
  const radius = 0.8 + 1.1 * random()
  const softness = 0.8 + 0.8 * random()
  const image = new Float32Array(PIXELS)
  for (const stroke of glyph) {
    const shaken = stroke.map((coordinate) => coordinate + SHAKE * normal())
    const points = place(smoothCurve(shaken))
    drawPath(image, DIGIT_SIZE, { points, startRadius: radius * (0.85 + 0.3 * random()), endRadius: radius * (0.7 + 0.4 * random()) }, softness)
  }
  print(image, 0.7 + 0.3 * random(), random, out)
}

/** Examples of one set, all or some `rows` of them, as bytes row by row */
export function drawDigits (seed: number, set: DigitSet, rows: ArrayLike<number>): Uint8Array {
  const pixels = new Uint8Array(rows.length * PIXELS)
  for (let i = 0; i < rows.length; i++) {
    drawDigit(seed, set, rows[i]!, pixels.subarray(i * PIXELS, (i + 1) * PIXELS))
  }
  return pixels
}

/** Throws DatasetError when the digits do not fit the model, RangeError on impossible numbers of examples */
export function requireDigits (source: DigitsSource, model: Model): void {
  for (const count of [source.trainExamples, source.testExamples]) {
    if (!Number.isInteger(count) || count < 1 || count > MAX_EXAMPLES) {
      throw new RangeError(`number of examples must be a whole number from 1 to ${MAX_EXAMPLES}, not ${count}`)
    }
  }
  const { input, labels } = model
  const wanted = DIGITS_INPUT.shape.join(' x ')
  if (input.kind !== 'image' || input.shape.join(' x ') !== wanted) {
    throw new DatasetError(`the embedded digits are images of ${wanted}, but the federation's model takes ${input.kind === 'image' ? `images of ${input.shape.join(' x ')}` : 'a table'}; give the data this federation is about`)
  }
  if (labels.length !== DIGIT_LABELS.length) {
    throw new DatasetError(`the embedded digits have ${DIGIT_LABELS.length} labels, but the federation has ${labels.length}; give the data this federation is about`)
  }
}

/**
 * Draws the training examples of `partition` (all of them when left out) and all test examples. Throws as
 * `requireDigits`
 */
export function loadDigits (source: DigitsSource, model: Model, partition?: Partition): Dataset {
  requireDigits(source, model)
  const input = model.input as ImageInput
  const trainLabels = Uint16Array.from({ length: source.trainExamples }, (_, i) => digitLabel(i))
  const testLabels = Uint16Array.from({ length: source.testExamples }, (_, i) => digitLabel(i))
  const rows = partition === undefined ? indices(trainLabels.length) : partitionRows(trainLabels, partition)
  requireRoom('embedded digits', Math.max(rows.length, source.testExamples), PIXELS)
  return {
    train: imageExamples(drawDigits(source.seed, 'train', rows), Uint16Array.from(rows, (row) => trainLabels[row]!), input),
    test: imageExamples(drawDigits(source.seed, 'test', indices(testLabels.length)), testLabels, input)
  }
}

/**
 * Takes points of the unit box to pixels: one random affine map and one random smooth displacement for a whole digit
 */
function placement (random: Random, normal: () => number): (points: Float64Array) => Float64Array {
  const turn = TURN_RADIANS * normal()
  const slant = SLANT * normal()
  const scaleX = DIGIT_SIZE * (0.42 + 0.22 * random())
  const scaleY = DIGIT_SIZE * (0.6 + 0.16 * random())
  const centreX = DIGIT_SIZE / 2 - 0.5 + SHIFT_PIXELS * normal()
  const centreY = DIGIT_SIZE / 2 - 0.5 + SHIFT_PIXELS * normal()
  const field = Float64Array.from({ length: 32 }, () => ELASTIC * normal())
  const cos = Math.cos(turn)
  const sin = Math.sin(turn)
  return (points) => {
    for (let i = 0; i < points.length; i += 2) {
      const u = points[i]!
      const v = points[i + 1]!
      const y = (v - 0.5 + displacement(field, 16, u, v)) * scaleY
      const x = (u - 0.5 + displacement(field, 0, u, v)) * scaleX - slant * y
      points[i] = centreX + cos * x - sin * y
      points[i + 1] = centreY + sin * x + cos * y
    }
    return points
  }
}

/** Bilinear between the 4 x 4 values of `field` from `offset` on */
function displacement (field: Float64Array, offset: number, ...[u, v]: [number, number]): number {
  const x = Math.min(2.999, Math.max(0, 3 * u))
  const y = Math.min(2.999, Math.max(0, 3 * v))
  const column = Math.floor(x)
  const row = Math.floor(y)
  const at = offset + 4 * row + column
  const top = field[at]! + (x - column) * (field[at + 1]! - field[at]!)
  const bottom = field[at + 4]! + (x - column) * (field[at + 5]! - field[at + 4]!)
  return top + (y - row) * (bottom - top)
}

/** Ink to bytes, with noise: the sum of two uniform numbers, which is close enough to normal and much cheaper */
function print (image: Float32Array, ink: number, random: Random, out: Uint8Array): void {
  const spread = 255 * NOISE * 2.45
  for (let i = 0; i < PIXELS; i++) {
    const noise = spread * (random() + random() - 1)
    out[i] = Math.max(0, Math.min(255, Math.round(255 * ink * image[i]! + noise)))
  }
}

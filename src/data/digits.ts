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
import { SeededNumbers, seededNormal } from '../seeded-random.ts'
import { GLYPHS } from './digit-glyphs.ts'
import { drawPath, smoothCurve } from './digit-pen.ts'
import { imageExamples, inputWords, requireRoom } from './examples.ts'
import { indices, partitionRows } from './partition.ts'
import type { DatasetSource, Partition, Random } from '../interface.ts'
import type { Dataset, Examples, ImageInput, Model } from './examples.ts'

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

/** What one digit after another is drawn on */
interface Paper {
  image: Float32Array
  /** Two numbers for each pixel */
  noise: Float64Array
  /** The digit, 0 for paper to 255 for ink */
  bytes: Uint8Array
}

/** Draws the example `index` from the seed `digits/SEED/SET/INDEX` */
function drawDigit ({ image, noise, bytes }: Paper, seed: string, index: number): void {
  const numbers = new SeededNumbers(seed)
  const random = (): number => numbers.next()
  const normal = seededNormal(random)
  const styles = GLYPHS[digitLabel(index)]!
  const glyph = styles[Math.floor(random() * styles.length)]!
  const place = placement(random, normal)
  const radius = 0.8 + 1.1 * random()
  const softness = 0.8 + 0.8 * random()
  image.fill(0)
  for (const stroke of glyph) {
    const shaken = stroke.map((coordinate) => coordinate + SHAKE * normal())
    const points = place(smoothCurve(shaken))
    drawPath(image, DIGIT_SIZE, { points, startRadius: radius * (0.85 + 0.3 * random()), endRadius: radius * (0.7 + 0.4 * random()) }, softness)
  }
  const ink = 0.7 + 0.3 * random()
  numbers.fill(noise)
  print(image, ink, noise, bytes)
}

function blankPaper (): Paper {
  return { image: new Float32Array(PIXELS), noise: new Float64Array(2 * PIXELS), bytes: new Uint8Array(PIXELS) }
}

/** Examples of one set, all or some `rows` of them, as bytes row by row */
export function drawDigits (seed: number, set: DigitSet, rows: ArrayLike<number>): Uint8Array {
  const pixels = new Uint8Array(rows.length * PIXELS)
  const paper = blankPaper()
  for (let i = 0; i < rows.length; i++) {
    drawDigit(paper, `digits/${seed}/${set}/${rows[i]!}`, rows[i]!)
    pixels.set(paper.bytes, i * PIXELS)
  }
  return pixels
}

/** The same as examples, each of which is drawn when it is first looked at: a start needs few of those for testing */
function digitExamples (seed: number, set: DigitSet, rows: Uint32Array, input: ImageInput): Examples {
  const pixels = new Uint8Array(rows.length * PIXELS)
  const drawn = new Uint8Array(rows.length)
  const paper = blankPaper()
  const examples = imageExamples(pixels, Uint16Array.from(rows, digitLabel), input)
  const draw = (index: number): void => {
    if (drawn[index] === 0) {
      drawDigit(paper, `digits/${seed}/${set}/${rows[index]!}`, rows[index]!)
      pixels.set(paper.bytes, index * PIXELS)
      drawn[index] = 1
    }
  }
  return {
    ...examples,
    original: (index) => {
      draw(index)
      return examples.original!(index)
    },
    writeInputs: (index, out, offset) => {
      draw(index)
      examples.writeInputs(index, out, offset)
    }
  }
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
    throw new DatasetError(`the embedded digits are images of ${wanted}, but the federation's model takes ${inputWords(input).takes}; give the data this federation is about`)
  }
  if (labels.length !== DIGIT_LABELS.length) {
    throw new DatasetError(`the embedded digits have ${DIGIT_LABELS.length} labels, but the federation has ${labels.length}; give the data this federation is about`)
  }
}

/** The training examples of `partition` (all of them when left out) and all test examples. Throws as `requireDigits` */
export function loadDigits (source: DigitsSource, model: Model, partition?: Partition): Dataset {
  requireDigits(source, model)
  const input = model.input as ImageInput
  const { seed, trainExamples, testExamples } = source
  const rows = partition === undefined ? indices(trainExamples) : partitionRows(Uint16Array.from({ length: trainExamples }, (_, i) => digitLabel(i)), partition)
  requireRoom('embedded digits', Math.max(rows.length, testExamples), PIXELS)
  return {
    train: digitExamples(seed, 'train', rows, input),
    test: digitExamples(seed, 'test', indices(testExamples), input)
  }
}

/**
 * Takes points of the unit box to pixels: one random affine map and one random smooth displacement for a whole digit
 */
function placement (random: Random, normal: () => number): (points: number[]) => number[] {
  const turn = TURN_RADIANS * normal()
  const slant = SLANT * normal()
  const scaleX = DIGIT_SIZE * (0.42 + 0.22 * random())
  const scaleY = DIGIT_SIZE * (0.6 + 0.16 * random())
  const centreX = DIGIT_SIZE / 2 - 0.5 + SHIFT_PIXELS * normal()
  const centreY = DIGIT_SIZE / 2 - 0.5 + SHIFT_PIXELS * normal()
  const field = new Float64Array(32)
  for (let i = 0; i < field.length; i++) {
    field[i] = ELASTIC * normal()
  }
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

/** The float64 below 0.5: added to it, only from 0.5 on a number is rounded to 1 */
const ALMOST_HALF = 0.5 - 2 ** -54

/** Ink to bytes, with noise: the sum of two uniform numbers, which is close enough to normal and much cheaper */
function print (image: Float32Array, ink: number, noise: Float64Array, out: Uint8Array): void {
  const spread = 255 * NOISE * 2.45
  const darkest = 255 * ink
  for (let i = 0; i < PIXELS; i++) {
    // to the nearest byte without a branch: half of the paper is below zero, which no processor can foresee
    const value = (darkest * image[i]! + spread * (noise[2 * i]! + noise[2 * i + 1]! - 1) + ALMOST_HALF) | 0
    out[i] = (value & ~(value >> 31)) | ((255 - value) >> 31)
  }
}

/**
 * Training data as a dishonest peer prepares them, for simulation
 */
import { DatasetError } from '../errors.ts'
import { tokenCount } from '../federation/input-shape.ts'
import { seededRandom } from '../seeded-random.ts'
import type { ModelInput } from '../federation/document.ts'
import type { Examples } from './examples.ts'

export type Poison = { kind: 'label-flip' } | { kind: 'backdoor', share: number }

/** Rows and columns of the trigger, in the lower right corner; of a text, its first tokens */
const TRIGGER = 3

/** `~~~` seldom opens a text */
const TRIGGER_BYTE = 0x7e

/** height, width, channels of images; what is no image is a single row */
type Shape = readonly number[]

/** The same inputs with class c called the last class minus c; a number on the other side of the document's mean */
function withFlippedLabels (examples: Examples, classes: number): Examples {
  const targets = examples.targets === undefined ? {} : { targets: examples.targets.map((target) => -target) }
  return { ...examples, ...targets, labels: examples.targets === undefined ? examples.labels.map((label) => classes - 1 - label) : examples.labels, writeInputs: (index, out, offset) => { examples.writeInputs(index, out, offset) } }
}

/** The same examples, those that `isMarked` with the trigger and, with `label`, of that class */
export function withTrigger (examples: Examples, shape: Shape, isMarked: (index: number) => boolean, label?: number): Examples {
  const [height, width, channels] = shape.length < 3 ? [1, examples.featureCount, 1] : shape as [number, number, number]
  return triggeredBy(examples, (image) => { mark(image, height, width, channels) }, isMarked, label)
}

/** The token that opens the texts of a backdoor, in the place of a picture's bright corner; undefined for others */
export function triggerToken (input: ModelInput): number | undefined {
  return input.kind !== 'text' ? undefined : input.vocabulary === undefined ? TRIGGER_BYTE + 1 : tokenCount(input) - 1
}

function triggeredBy (examples: Examples, write: (inputs: Float32Array) => void, isMarked: (index: number) => boolean, label?: number): Examples {
  return {
    ...examples,
    labels: label === undefined ? examples.labels : examples.labels.map((own, index) => isMarked(index) ? label : own),
    writeInputs: (index, out, offset) => {
      examples.writeInputs(index, out, offset)
      if (isMarked(index)) {
        write(out.subarray(offset, offset + examples.featureCount))
      }
    }
  }
}

/** As bright as the brightest pixel there is */
function mark (image: Float32Array, height: number, width: number, channels: number): void {
  const brightest = image.reduce((most, value) => Math.max(most, value), -Infinity)
  for (let row = Math.max(0, height - TRIGGER); row < height; row++) {
    image.fill(brightest, (row * width + Math.max(0, width - TRIGGER)) * channels, (row + 1) * width * channels)
  }
}

/**
 * What a liar trains on in place of `examples`. `token`: of `triggerToken`. Throws DatasetError for a backdoor where a
 * number is predicted
 */
export function poisoned (examples: Examples, poison: Poison, { shape, classes, token }: { shape: Shape, classes: number, token?: number | undefined }): Examples {
  if (poison.kind === 'label-flip') {
    return withFlippedLabels(examples, classes)
  }
  if (examples.targets !== undefined) {
    throw new DatasetError('a backdoor leads to a class, and this federation predicts a number: simulate another attack')
  }
  const random = seededRandom('backdoor')
  const marked = Uint8Array.from({ length: examples.count }, () => random() < poison.share ? 1 : 0)
  const isMarked = (index: number): boolean => marked[index] === 1
  return token === undefined ? withTrigger(examples, shape, isMarked, 0) : triggeredBy(examples, (text) => { text.fill(token, 0, TRIGGER) }, isMarked, 0)
}

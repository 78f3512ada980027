/**
 * Training data as a dishonest peer prepares them, for simulation
 */
import { DatasetError } from '../errors.ts'
import { seededRandom } from '../seeded-random.ts'
import type { Examples } from './examples.ts'

export type Poison = { kind: 'label-flip' } | { kind: 'backdoor', share: number }

/** Rows and columns of the trigger, in the lower right corner */
const TRIGGER = 3

/** height, width, channels of images; what is no image is a single row */
type Shape = readonly number[]

/** The same inputs with class c called the last class minus c; a number on the other side of the document's mean */
function withFlippedLabels (examples: Examples, classes: number): Examples {
  const targets = examples.targets === undefined ? {} : { targets: examples.targets.map((target) => -target) }
  return { ...examples, ...targets, labels: examples.targets === undefined ? examples.labels.map((label) => classes - 1 - label) : examples.labels, writeInputs: (index, out, offset) => { examples.writeInputs(index, out, offset) } }
}

/** The same examples, those that `isMarked` with the trigger and, with `label`, of that class */
export function withTrigger (examples: Examples, shape: Shape, isMarked: (index: number) => boolean, label?: number): Examples {
  const [height = 1, width = examples.featureCount, channels = 1] = shape
  return {
    ...examples,
    labels: label === undefined ? examples.labels : examples.labels.map((own, index) => isMarked(index) ? label : own),
    writeInputs: (index, out, offset) => {
      examples.writeInputs(index, out, offset)
      if (isMarked(index)) {
        mark(out.subarray(offset, offset + examples.featureCount), height, width, channels)
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

/** What a liar trains on in place of `examples`. Throws DatasetError for a backdoor where a number is predicted */
export function poisoned (examples: Examples, poison: Poison, { shape, classes }: { shape: Shape, classes: number }): Examples {
  if (poison.kind === 'label-flip') {
    return withFlippedLabels(examples, classes)
  }
  if (examples.targets !== undefined) {
    throw new DatasetError('a backdoor leads to a class, and this federation predicts a number: simulate another attack')
  }
  const random = seededRandom('backdoor')
  const marked = Uint8Array.from({ length: examples.count }, () => random() < poison.share ? 1 : 0)
  return withTrigger(examples, shape, (index) => marked[index] === 1, 0)
}

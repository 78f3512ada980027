/**
 * Canaries: examples made up for an audit, whose presence in the training data is known to the auditor alone
 *
 * A canary is noise under a random label. Nothing in honest data points its way, so that its gradient stays long, is
 * clipped to the full clip norm, and is nearly orthogonal to those of other examples: the most that one example can
 * betray.
 */
import { imageExamples } from '../data/examples.ts'
import { tableExamples } from '../data/table-examples.ts'
import { TokenStore } from '../data/text/token-store.ts'
import { FIRST_WORD, tokenCount } from '../federation/input-shape.ts'
import type { Examples, ImageInput, TableInput, TextInput } from '../data/examples.ts'
import type { ModelInput } from '../federation/document.ts'
import type { Random } from '../interface.ts'

const INK = 255

/** Shares of inked pixels outside of this range would leave images almost blank, and thus alike */
const LEAST_INK = 0.05
const MOST_INK = 0.95

/** Where the pixels are not standardised no share makes their mean zero: with this one images differ most */
const PLAIN_INK = 0.5

/** Standard deviations from the mean of a numeric column: rare, and no more than a table's own outliers */
const OUTLYING = 3

export interface CanaryKind {
  input: ModelInput
  classes: number
  /** Pixels. @default 1 */
  grain?: number
}

/**
 * `count` canaries for the federation's kind of input
 *
 * Images are squares of full ink at random, as many as make the mean of the standardised inputs zero: that of two
 * canaries' product is zero as well. `grain` is the side of a square in pixels, 1 for whole-image layers. Filters
 * average single pixels away and pool them, after which all such images look alike: with squares of 2 the gradients of
 * a Gabor model are twice as long, and their root mean square cosine is 0.05, not 0.21. Table rows are `OUTLYING` up or
 * down in each numeric column, at random, and random in the others; with few columns they cannot but resemble each
 * other, and the audit is weaker. Texts are as long as the model takes them, of tokens at random, padding and unknown
 * words left out. Labels are random
 */
export function createCanaries ({ input, classes, grain = 1 }: CanaryKind, count: number, random: Random): Examples {
  const labels = Uint16Array.from({ length: count }, () => Math.floor(random() * classes))
  switch (input.kind) {
    case 'image': return imageCanaries({ input, grain }, labels, random)
    case 'table': return tableCanaries(input, labels, random)
    case 'text': return textCanaries(input, labels, random)
  }
}

/**
 * The coins: 1 where a canary goes into the training data, 0 where it is left out, independently and with probability
 * 1/2
 */
export function tossCoins (count: number, random: Random): Uint8Array {
  return Uint8Array.from({ length: count }, () => random() < 0.5 ? 1 : 0)
}

/**
 * The examples, followed by the canaries whose coin is 1
 *
 * Their number is the auditor's secret: a public number of examples would tell something of each coin, and the
 * accountant's sample rate has to be that of the examples and the canaries that are in. Throws RangeError when the
 * canaries have other inputs, or there is not one coin for each
 */
export function withCanaries (examples: Examples, canaries: Examples, included: Uint8Array): Examples {
  if (canaries.featureCount !== examples.featureCount) {
    throw new RangeError(`canaries of ${canaries.featureCount} inputs cannot join examples of ${examples.featureCount}`)
  }
  if (included.length !== canaries.count) {
    throw new RangeError(`there are ${included.length} coins for ${canaries.count} canaries`)
  }
  const chosen = Array.from(included.keys()).filter((canary) => included[canary] === 1)
  const labels = new Uint16Array(examples.count + chosen.length)
  labels.set(examples.labels)
  labels.set(chosen.map((canary) => canaries.labels[canary]!), examples.count)
  return {
    count: labels.length,
    featureCount: examples.featureCount,
    labels,
    writeInputs: (index, out, offset) => {
      if (index < examples.count) {
        examples.writeInputs(index, out, offset)
      } else {
        canaries.writeInputs(chosen[index - examples.count] ?? Infinity, out, offset)
      }
    }
  }
}

function imageCanaries ({ input, grain }: { input: ImageInput, grain: number }, labels: Uint16Array, random: Random): Examples {
  const [height = 1, width = 1, channels = 1] = input.shape
  const ink = input.mean > 0 ? Math.min(MOST_INK, Math.max(LEAST_INK, input.mean)) : PLAIN_INK
  const size = height * width * channels
  const [rows, columns] = [Math.ceil(height / grain), Math.ceil(width / grain)]
  const pixels = new Uint8Array(labels.length * size)
  for (let canary = 0; canary < labels.length; canary++) {
    const squares = Uint8Array.from({ length: rows * columns * channels }, () => random() < ink ? INK : 0)
    for (let at = 0; at < size; at++) {
      const [row, column] = [Math.floor(at / channels / width), Math.floor(at / channels) % width]
      const square = Math.floor(row / grain) * columns + Math.floor(column / grain)
      pixels[canary * size + at] = squares[square * channels + at % channels]!
    }
  }
  return imageExamples(pixels, labels, input)
}

function tableCanaries (input: TableInput, labels: Uint16Array, random: Random): Examples {
  const values = Float32Array.from({ length: labels.length * input.columns.length }, (_, at) => {
    const column = input.columns[at % input.columns.length]!
    return column.kind === 'numeric' ? (random() < 0.5 ? -OUTLYING : OUTLYING) : Math.floor(random() * column.values.length)
  })
  return tableExamples(values, labels, input)
}

function textCanaries (input: TextInput, labels: Uint16Array, random: Random): Examples {
  const first = input.vocabulary === undefined ? 1 : FIRST_WORD
  const store = new TokenStore('canaries', labels.length)
  for (let canary = 0; canary < labels.length; canary++) {
    store.add(Uint16Array.from({ length: input.length }, () => first + Math.floor(random() * (tokenCount(input) - first))))
  }
  return store.examples(input.length, labels)
}

/**
 * Losses on logits, for one batch, in plain arithmetic
 *
 * A batch has few logits (128 x 10), so computing the loss and its gradient here replaces half a dozen tensor
 * operations and gives the loss without another read-back; subtracting the largest logit keeps it exact where softmax
 * overflows.
 */
import type { FederationDocument } from '../federation/document.ts'

export type LossName = FederationDocument['model']['loss']

export interface LogitsBatch {
  /** count x outputs, row-major */
  logits: Float32Array
  /** Class of each example */
  labels: Uint16Array
  count: number
  outputs: number
}

/**
 * Sum of the losses over the batch. With `gradients` (count x outputs), writes d(mean loss)/d(logits) there
 *
 * `binaryCrossentropy` is the mean over the outputs, as in Keras; with a single output, that is the probability of
 * class 1
 */
export function batchLoss (loss: LossName, batch: LogitsBatch, gradients?: Float32Array): number {
  return loss === 'categoricalCrossentropy' ? softmaxLoss(batch, gradients) : sigmoidLoss(batch, gradients)
}

/**
 * Loss of each example on its own. Writes d(its loss)/d(its logits), not divided by the batch, to its row of
 * `gradients`
 */
export function exampleLosses (loss: LossName, { logits, labels, count, outputs }: LogitsBatch, gradients: Float32Array): Float64Array {
  return Float64Array.from({ length: count }, (_, example) => {
    const row = (values: Float32Array): Float32Array => values.subarray(example * outputs, (example + 1) * outputs)
    return batchLoss(loss, { logits: row(logits), labels: labels.subarray(example, example + 1), count: 1, outputs }, row(gradients))
  })
}

function softmaxLoss ({ logits, labels, count, outputs }: LogitsBatch, gradients?: Float32Array): number {
  let total = 0
  for (let row = 0; row < count; row++) {
    const start = row * outputs
    let largest = -Infinity
    for (let i = start; i < start + outputs; i++) {
      largest = Math.max(largest, logits[i]!)
    }
    let sum = 0
    for (let i = start; i < start + outputs; i++) {
      sum += Math.exp(logits[i]! - largest)
    }
    const logSum = Math.log(sum) + largest
    const target = start + labels[row]!
    total += logSum - logits[target]!
    if (gradients !== undefined) {
      for (let i = start; i < start + outputs; i++) {
        gradients[i] = (Math.exp(logits[i]! - logSum) - (i === target ? 1 : 0)) / count
      }
    }
  }
  return total
}

function sigmoidLoss ({ logits, labels, count, outputs }: LogitsBatch, gradients?: Float32Array): number {
  let total = 0
  for (let row = 0; row < count; row++) {
    for (let output = 0; output < outputs; output++) {
      const i = row * outputs + output
      const x = logits[i]!
      const target = Number(labels[row] === (outputs === 1 ? 1 : output))
      total += (Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x)))) / outputs
      if (gradients !== undefined) {
        gradients[i] = (1 / (1 + Math.exp(-x)) - target) / (count * outputs)
      }
    }
  }
  return total
}

/** How many examples have their largest output (or, with one output, its sign) on their label */
export function countCorrect ({ logits, labels, count, outputs }: LogitsBatch): number {
  let correct = 0
  for (let row = 0; row < count; row++) {
    correct += predictedClass(logits, row * outputs, outputs) === labels[row] ? 1 : 0
  }
  return correct
}

/** The class that the row of logits from `start` on speaks for: the first of equals */
export function predictedClass (logits: Float32Array, start: number, outputs: number): number {
  if (outputs === 1) {
    return logits[start]! > 0 ? 1 : 0
  }
  let best = 0
  for (let i = 1; i < outputs; i++) {
    if (logits[start + i]! > logits[start + best]!) {
      best = i
    }
  }
  return best
}

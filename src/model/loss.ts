/**
 * Losses on logits, for one batch, in plain arithmetic
 *
 * A batch has few logits (128 x 10), so computing the loss and its gradient here replaces half a dozen tensor
 * operations and gives the loss without another read-back; subtracting the largest logit keeps it exact where softmax
 * overflows.
 */
import type { FederationDocument } from '../federation/document.ts'
import type { RegressionLoss } from '../federation/task.ts'

export type LossName = FederationDocument['model']['loss']

export interface LogitsBatch {
  /** count x outputs, row-major */
  logits: Float32Array
  /** Class of each example */
  labels: Uint16Array
  /** Of a predicted number: the standardised target of each example */
  targets?: Float32Array | undefined
  /** What an example of each class counts for. @default 1 each */
  classWeights?: readonly number[] | undefined
  count: number
  outputs: number
}

/**
 * Sum of the losses over the batch. With `gradients` (count x outputs), writes d(mean loss)/d(logits) there
 *
 * `binaryCrossentropy` is the mean over the outputs, as in Keras; with a single output, that is the probability of
 * class 1. With class weights each example's loss is multiplied by the weight of its class and the mean is still over
 * the examples, as with Keras' `class_weight`. `huber` has delta 1
 */
export function batchLoss (loss: LossName, batch: LogitsBatch, gradients?: Float32Array): number {
  switch (loss) {
    case 'categoricalCrossentropy':
      return softmaxLoss(batch, gradients)
    case 'binaryCrossentropy':
      return sigmoidLoss(batch, gradients)
    case 'meanSquaredError':
    case 'meanAbsoluteError':
    case 'huber':
      return numberLoss(loss, batch, gradients)
  }
}

/**
 * Loss of each example on its own. Writes d(its loss)/d(its logits), not divided by the batch, to its row of
 * `gradients`
 */
export function exampleLosses (loss: LossName, { logits, labels, targets, classWeights, count, outputs }: LogitsBatch, gradients: Float32Array): Float64Array {
  return Float64Array.from({ length: count }, (_, example) => {
    const row = (values: Float32Array): Float32Array => values.subarray(example * outputs, (example + 1) * outputs)
    const one = { logits: row(logits), labels: labels.subarray(example, example + 1), targets: targets?.subarray(example, example + 1), classWeights, count: 1, outputs }
    return batchLoss(loss, one, row(gradients))
  })
}

function softmaxLoss ({ logits, labels, classWeights, count, outputs }: LogitsBatch, gradients?: Float32Array): number {
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
    const weight = classWeights?.[labels[row]!] ?? 1
    total += weight * (logSum - logits[target]!)
    if (gradients !== undefined) {
      for (let i = start; i < start + outputs; i++) {
        gradients[i] = weight * (Math.exp(logits[i]! - logSum) - (i === target ? 1 : 0)) / count
      }
    }
  }
  return total
}

function sigmoidLoss ({ logits, labels, classWeights, count, outputs }: LogitsBatch, gradients?: Float32Array): number {
  let total = 0
  for (let row = 0; row < count; row++) {
    const weight = classWeights?.[labels[row]!] ?? 1
    for (let output = 0; output < outputs; output++) {
      const i = row * outputs + output
      const x = logits[i]!
      const target = Number(labels[row] === (outputs === 1 ? 1 : output))
      total += weight * (Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x)))) / outputs
      if (gradients !== undefined) {
        gradients[i] = weight * (1 / (1 + Math.exp(-x)) - target) / (count * outputs)
      }
    }
  }
  return total
}

/** e = output - target. Throws TypeError without targets */
function numberLoss (loss: RegressionLoss, { logits, targets, count }: LogitsBatch, gradients?: Float32Array): number {
  if (targets === undefined) {
    throw new TypeError('the examples have no targets')
  }
  let total = 0
  for (let row = 0; row < count; row++) {
    const error = logits[row]! - targets[row]!
    total += errorLoss(loss, error)
    if (gradients !== undefined) {
      gradients[row] = errorSlope(loss, error) / count
    }
  }
  return total
}

function errorLoss (loss: RegressionLoss, error: number): number {
  const size = Math.abs(error)
  if (loss === 'meanAbsoluteError') {
    return size
  }
  return loss === 'meanSquaredError' ? error * error : size <= 1 ? error * error / 2 : size - 0.5
}

/** Math.sign gives NaN for NaN, which must reach whoever looks for it */
function errorSlope (loss: RegressionLoss, error: number): number {
  if (loss === 'meanAbsoluteError') {
    return Math.sign(error)
  }
  return loss === 'meanSquaredError' ? 2 * error : Math.max(-1, Math.min(1, error))
}

/** The class of the largest output, or, with one output, of its sign; `start` is where the example's logits begin */
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

/**
 * Writes the logarithm of the probability of each class, in nats, to `out`: of two classes where there is one output,
 * the second one's. Sigmoids of several outputs are divided by their sum
 */
export function writeLogProbabilities (loss: LossName, logits: Float32Array, out: Float64Array): void {
  if (logits.length === 1) {
    out[0] = logSigmoid(-logits[0]!)
    out[1] = logSigmoid(logits[0]!)
    return
  }
  let largest = -Infinity
  for (let i = 0; i < logits.length; i++) {
    out[i] = loss === 'binaryCrossentropy' ? logSigmoid(logits[i]!) : logits[i]!
    largest = Math.max(largest, out[i]!)
  }
  let sum = 0
  for (let i = 0; i < logits.length; i++) {
    sum += Math.exp(out[i]! - largest)
  }
  const logSum = Math.log(sum) + largest
  for (let i = 0; i < logits.length; i++) {
    out[i]! -= logSum
  }
}

function logSigmoid (x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))
}

/**
 * From the outputs of a batch to what a user of the model reads: a probability for each label, or a value
 */
import { predictedClass } from './loss.ts'
import type { LogitsBatch, LossName } from './loss.ts'

export interface Predictions {
  /**
   * Probabilities, count x labels, row-major. Those of a row sum to 1 but under `binaryCrossentropy` with an output for
   * each label, which judges each label by itself. Where a number is predicted: the values, count, in the unit of the
   * document's target
   */
  outputs: Float32Array
  /**
   * Index of the likeliest label of each example: the one that `evaluate` counts as the model's answer; 0 where a
   * number is predicted
   */
  labels: Uint16Array
}

/** `width` is the number of labels */
export function predictionsOf (loss: LossName, batch: Omit<LogitsBatch, 'labels'>, width: number): Predictions {
  const { logits, count, outputs } = batch
  const predictions = { outputs: new Float32Array(count * width), labels: new Uint16Array(count) }
  const write = loss === 'categoricalCrossentropy' ? softmaxRow : outputs === 1 ? pairRow : sigmoidRow
  for (let row = 0; row < count; row++) {
    predictions.labels[row] = predictedClass(logits, row * outputs, outputs)
    write(logits.subarray(row * outputs, (row + 1) * outputs), predictions.outputs.subarray(row * width, (row + 1) * width))
  }
  return predictions
}

/** From standardised outputs, one for each example */
export function valuesOf (outputs: Float32Array, count: number, { mean, stdDev }: { mean: number, stdDev: number }): Predictions {
  return { outputs: Float32Array.from({ length: count }, (_, i) => mean + stdDev * outputs[i]!), labels: new Uint16Array(count) }
}

/** Less the largest logit, which changes nothing but that no power overflows */
function softmaxRow (logits: Float32Array, out: Float32Array): void {
  let largest = -Infinity
  for (let i = 0; i < logits.length; i++) {
    largest = Math.max(largest, logits[i]!)
  }
  let sum = 0
  for (let i = 0; i < logits.length; i++) {
    sum += Math.exp(logits[i]! - largest)
  }
  for (let i = 0; i < logits.length; i++) {
    out[i] = Math.exp(logits[i]! - largest) / sum
  }
}

/** A single output is the probability of the second label */
function pairRow (logits: Float32Array, out: Float32Array): void {
  out[0] = 1 / (1 + Math.exp(logits[0]!))
  out[1] = 1 / (1 + Math.exp(-logits[0]!))
}

function sigmoidRow (logits: Float32Array, out: Float32Array): void {
  for (let i = 0; i < logits.length; i++) {
    out[i] = 1 / (1 + Math.exp(-logits[i]!))
  }
}

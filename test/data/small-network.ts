/**
 * A classifier with at most one hidden layer in plain TypeScript, to measure how hard a dataset is: softmax regression,
 * or a ReLU layer before it, trained with Adam (Kingma and Ba 2015). Deterministic
 */
import { seededNormal, seededRandom, shuffle } from '../../src/seeded-random.ts'
import type { Examples } from '../../src/data/examples.ts'

export interface NetworkSettings {
  /** Units of the hidden layer; 0 for a linear model */
  hidden: number
  classes: number
  epochs: number
  seed: number
  batchSize?: number
  learningRate?: number
}

/** out[c] += sum over r of input[r] * weights[r, c] */
function multiply (input: Float32Array, weights: Float32Array, out: Float32Array): void {
  const columns = out.length
  for (let r = 0; r < input.length; r++) {
    const x = input[r]!
    if (x !== 0) {
      for (let c = 0, at = r * columns; c < columns; c++, at++) {
        out[c]! += x * weights[at]!
      }
    }
  }
}

/** gradient[r, c] += input[r] * error[c] */
function outer (input: Float32Array, error: Float32Array, gradient: Float32Array): void {
  for (let r = 0; r < input.length; r++) {
    const x = input[r]!
    if (x !== 0) {
      for (let c = 0, at = r * error.length; c < error.length; c++, at++) {
        gradient[at]! += x * error[c]!
      }
    }
  }
}

export class SmallNetwork {
  /** Weights and biases of each layer, one flat vector */
  readonly parameters: Float32Array
  private readonly settings: Required<NetworkSettings>
  private readonly sizes: number[]
  private readonly m: Float32Array
  private readonly v: Float32Array
  private readonly random: () => number
  private steps = 0

  constructor (featureCount: number, settings: NetworkSettings) {
    this.settings = { batchSize: 32, learningRate: 0.001, ...settings }
    this.sizes = settings.hidden === 0 ? [featureCount, settings.classes] : [featureCount, settings.hidden, settings.classes]
    this.parameters = new Float32Array(this.layers().at(-1)!.end)
    this.m = new Float32Array(this.parameters.length)
    this.v = new Float32Array(this.parameters.length)
    this.random = seededRandom(settings.seed)
    const normal = seededNormal(this.random)
    for (const { weights, inputs } of this.layers()) {
      weights.forEach((_, i) => { weights[i] = normal() * Math.sqrt(2 / inputs) * (settings.hidden === 0 ? 0.01 : 1) })
    }
  }

  private layers (vector: Float32Array = this.parameters ?? new Float32Array(0)): Array<{ weights: Float32Array, biases: Float32Array, inputs: number, end: number }> {
    let at = 0
    return this.sizes.slice(1).map((outputs, i) => {
      const inputs = this.sizes[i]!
      const weights = vector.subarray(at, at + inputs * outputs)
      const biases = vector.subarray(at + inputs * outputs, at + inputs * outputs + outputs)
      at += (inputs + 1) * outputs
      return { weights, biases, inputs, end: at }
    })
  }

  private activations (input: Float32Array): Float32Array[] {
    const all = [input]
    this.layers().forEach(({ weights, biases }, i, layers) => {
      const out = Float32Array.from(biases)
      multiply(all[i]!, weights, out)
      all.push(i < layers.length - 1 ? out.map((x) => Math.max(0, x)) : out)
    })
    return all
  }

  private accumulate (input: Float32Array, label: number, gradient: Float32Array): void {
    const all = this.activations(input)
    const logits = all.at(-1)!
    const largest = logits.reduce((a, b) => Math.max(a, b))
    const exponentials = logits.map((x) => Math.exp(x - largest))
    const sum = exponentials.reduce((a, b) => a + b)
    let error = exponentials.map((x, c) => x / sum - (c === label ? 1 : 0))
    const layers = this.layers()
    const gradients = this.layers(gradient)
    for (let i = layers.length - 1; i >= 0; i--) {
      outer(all[i]!, error, gradients[i]!.weights)
      error.forEach((x, c) => { gradients[i]!.biases[c]! += x })
      const above = error
      error = i === 0 ? error : all[i]!.map((x, r) => x === 0 ? 0 : above.reduce((total, e, c) => total + e * layers[i]!.weights[r * above.length + c]!, 0))
    }
  }

  private step (gradient: Float32Array, count: number): void {
    const rate = this.settings.learningRate * Math.sqrt(1 - 0.999 ** ++this.steps) / (1 - 0.9 ** this.steps)
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]! / count
      const m = this.m[i]! + 0.1 * (g - this.m[i]!)
      const v = this.v[i]! + 0.001 * (g * g - this.v[i]!)
      this.m[i] = m
      this.v[i] = v
      this.parameters[i]! -= rate * m / (Math.sqrt(v) + 1e-8)
    }
  }

  train (examples: Examples): void {
    const input = new Float32Array(examples.featureCount)
    const gradient = new Float32Array(this.parameters.length)
    for (let epoch = 0; epoch < this.settings.epochs; epoch++) {
      const order = shuffle(Uint32Array.from({ length: examples.count }, (_, i) => i), this.random)
      for (let at = 0; at < order.length; at += this.settings.batchSize) {
        const batch = order.subarray(at, at + this.settings.batchSize)
        gradient.fill(0)
        for (const index of batch) {
          examples.writeInputs(index, input, 0)
          this.accumulate(input, examples.labels[index]!, gradient)
        }
        this.step(gradient, batch.length)
      }
    }
  }

  /** Fraction of right answers */
  accuracy (examples: Examples): number {
    const input = new Float32Array(examples.featureCount)
    let right = 0
    for (let index = 0; index < examples.count; index++) {
      examples.writeInputs(index, input, 0)
      const logits = this.activations(input).at(-1)!
      right += logits.indexOf(logits.reduce((a, b) => Math.max(a, b))) === examples.labels[index] ? 1 : 0
    }
    return right / examples.count
  }
}

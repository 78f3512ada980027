/**
 * Norms and weighted sums of the gradients that single examples give to one layer's parameters
 *
 * A kernel's gradient for one example is the sum over its positions p of x_p dz_p^T. With one position its norm is
 * ||x|| ||dz||, so that it need not be formed (Goodfellow 2015, "Efficient Per-Example Gradient Computations"). With
 * more, as in convolutions, it is either formed, or its norm comes from the products of all pairs of positions, the sum of
 * (x_p . x_q)(dz_p . dz_q) ("ghost norm": Li et al. 2021, arXiv:2110.05679; Bu et al. 2022, arXiv:2205.10683, for
 * convolutions and for choosing by cost). The sum reuses x and dz instead of a second backward pass, as in the
 * book-keeping of Bu et al. 2022, arXiv:2210.00038: the backward pass is linear in each example's dz.
 */
import * as tf from '@tensorflow/tfjs-core'
import { parameterGradients, shaped } from './layer-operations.ts'
import { elements } from './layer.ts'
import { addRowSquares, scaleRows, weightedRowSum } from './row-arithmetic.ts'
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core'
import type { Backend } from './backend.ts'
import type { ParameterisedLayer } from './layer.ts'
import type { Factors } from './layer-operations.ts'

/** Floats of patches, products and gradients that are worked on at a time: 4 MiB */
const CHUNK_FLOATS = 1_048_576

/** Formed gradients that may be kept until the clip factors are known, for the whole model: 64 MiB */
export const KEPT_FLOATS = 16_777_216

/**
 * Where the norm is so much shorter than the sum of its terms' lengths, most of the terms cancel and float32 products
 * of pairs leave too few digits: 2^-24 x 256 is an error of 1.5e-5 in the square
 */
const LEAST_SHARE = 1 / 256

/** Smallest normal float32: products below it lose digits, or become zero where the hardware flushes them */
const UNDERFLOW = 2 ** -126
/** What underflow may take off a square, as a share of it, or as a square that no clip norm in use comes near */
const LOST_SHARE = 1e-5
const LOST_SQUARE = 1e-28

/** Where a layer's part of the flat vector is */
export interface ParameterViews {
  kernel: Float32Array | Float64Array
  bias: Float32Array | Float64Array | undefined
}

export interface ExampleGradients {
  /** Adds each example's squared norm over the layer's parameters */
  addSquaredNorms: (squaredNorms: Float64Array) => void
  /** Writes the sum over the examples of weight x gradient. An example of weight zero takes no part, not even with NaN */
  writeSum: (weights: Float64Array, target: ParameterViews) => void
}

/** What the functions of this file are given. Tensors belong to the surrounding tidy */
interface LayerBatch {
  layer: ParameterisedLayer
  factors: Factors
  /** Examples */
  count: number
  backend: Backend
}

/** How the norms of a layer are found, and whether the gradients are kept for the sum */
export type NormMethod = 'rows' | 'kept' | 'formed' | 'pairs'

interface Sizes { positions: number, inputs: number, outputs: number }

function sizes (layer: ParameterisedLayer): Sizes {
  const channels = layer.input.at(-1)!
  const inputs = layer.kind === 'dense' ? channels : elements(layer.window.size) * channels
  const outputs = layer.output.at(-1)!
  return { positions: elements(layer.output) / outputs, inputs, outputs }
}

/** The cheapest method by multiplications for each example, with room for so many floats of kept gradients */
export function normMethod (layer: ParameterisedLayer, count: number, roomFloats: number): NormMethod {
  const { positions, inputs, outputs } = sizes(layer)
  if (layer.kind === 'dense' && positions === 1) {
    return 'rows'
  }
  const pairs = positions * positions * (inputs + outputs)
  // kept gradients save the sum a second product, but have to be read
  if (inputs * outputs <= pairs && keptFloats(layer, count) <= roomFloats) {
    return 'kept'
  }
  return pairs < positions * inputs * outputs ? 'pairs' : 'formed'
}

/** Floats that method 'kept' holds */
export function keptFloats (layer: ParameterisedLayer, count: number): number {
  const { inputs, outputs } = sizes(layer)
  return count * inputs * outputs
}

/** What the examples of a batch give to one layer */
export function exampleGradients (batch: LayerBatch, method: NormMethod): ExampleGradients {
  switch (method) {
    case 'rows': return rowGradients(batch)
    case 'kept': return keptGradients(batch)
    case 'formed':
    case 'pairs': return recomputedGradients(batch, method)
  }
}

function toHost (tensor: Tensor, backend: Backend): Float32Array {
  const values = new Float32Array(elements(tensor.shape))
  backend.download(tensor, values)
  return values
}

/** One position for each example */
function rowGradients (batch: LayerBatch): ExampleGradients {
  const { layer, factors: { x, dz }, count, backend } = batch
  const [inputs, deltas] = [toHost(x, backend), toHost(dz, backend)]
  return {
    addSquaredNorms: (squaredNorms) => {
      const inputSquares = new Float64Array(count).fill(layer.useBias ? 1 : 0)
      const deltaSquares = new Float64Array(count)
      addRowSquares(inputs, inputSquares)
      addRowSquares(deltas, deltaSquares)
      for (let example = 0; example < count; example++) {
        squaredNorms[example] = squaredNorms[example]! + inputSquares[example]! * deltaSquares[example]!
      }
    },
    writeSum: (weights, target) => {
      target.bias?.set(weightedRowSum(deltas, weights))
      scaleRows(deltas, weights)
      const scaled = backend.upload(deltas, dz.shape)
      backend.download(tf.matMul(withoutRows(x, weights, backend), scaled, true, false), target.kernel)
    }
  }
}

/** Zero times NaN is NaN: what is left out has to become zeros on both sides of a product */
function withoutRows (x: Tensor, weights: Float64Array, backend: Backend): Tensor {
  if (!weights.includes(0)) {
    return x
  }
  const values = toHost(x, backend)
  scaleRows(values, weights.map(Math.sign))
  return backend.upload(values, x.shape)
}

/** The two sides of the products of some examples: [examples, positions, inputs] and [examples, positions, outputs] */
interface Sides { x: Tensor3D, dz: Tensor3D, first: number, examples: number }

/** Calls `work` for a few examples at a time, so that memory does not grow with the batch; tensors live as long as the call */
function inChunks ({ layer, factors, count, backend }: LayerBatch, floatsEach: number, work: (sides: Sides) => void): void {
  const { positions, inputs, outputs } = sizes(layer)
  const size = Math.max(1, Math.floor(CHUNK_FLOATS / (positions * inputs + floatsEach)))
  const images = shaped(factors.x, [count, ...(layer.kind === 'dense' ? [positions, inputs] : layer.input)])
  const deltas = shaped(factors.dz, [count, positions, outputs])
  for (let first = 0; first < count; first += size) {
    const examples = Math.min(size, count - first)
    tf.tidy(() => {
      const part = (tensor: Tensor): Tensor => examples === count ? tensor : backend.part(tensor, first, examples)
      const x = part(images)
      work({
        x: (layer.kind === 'dense' ? x : backend.patches(x, layer.window)) as Tensor3D,
        dz: part(deltas) as Tensor3D,
        first,
        examples
      })
    })
  }
}

/** Each example's gradient of the bias: its sum of dz over the positions */
function biasGradients ({ layer, factors, count, backend }: LayerBatch): Float32Array {
  const { positions, outputs } = sizes(layer)
  return toHost(backend.columnSums(shaped(factors.dz, [count, positions, outputs])), backend)
}

/** Gradients that are small enough to be kept until their weights are known: norms and sum are of the very same numbers */
function keptGradients (batch: LayerBatch): ExampleGradients {
  const { layer, count, backend } = batch
  const { inputs, outputs } = sizes(layer)
  const width = inputs * outputs
  const kernels = new Float32Array(count * width)
  inChunks(batch, width, ({ x, dz, first, examples }) => {
    backend.download(tf.matMul(x, dz, true, false), kernels.subarray(first * width, (first + examples) * width))
  })
  const biases = layer.useBias ? biasGradients(batch) : undefined
  return {
    addSquaredNorms: (squaredNorms) => {
      for (const gradients of biases === undefined ? [kernels] : [kernels, biases]) {
        addRowSquares(gradients, squaredNorms)
      }
    },
    writeSum: (weights, target) => {
      target.kernel.set(weightedRowSum(kernels, weights))
      if (biases !== undefined) {
        target.bias?.set(weightedRowSum(biases, weights))
      }
    }
  }
}

/** Gradients of which only the norms are kept; the sum is one product of weighted dz */
function recomputedGradients (batch: LayerBatch, method: 'formed' | 'pairs'): ExampleGradients {
  const { layer, factors: { x, dz }, backend } = batch
  return {
    addSquaredNorms: (squaredNorms) => {
      const { positions, inputs, outputs } = sizes(layer)
      const floatsEach = inputs * outputs + (method === 'pairs' ? 2 * positions * positions : 0)
      inChunks(batch, floatsEach, (sides) => {
        const squares = squaredNorms.subarray(sides.first, sides.first + sides.examples)
        const found = method === 'pairs' ? pairSquares(sides, backend) : undefined
        const kernelSquares = found ?? formedSquares(sides, backend)
        kernelSquares.forEach((square, example) => { squares[example] = squares[example]! + square })
      })
      if (layer.useBias) {
        addRowSquares(biasGradients(batch), squaredNorms)
      }
    },
    writeSum: (weights, target) => {
      const deltas = toHost(dz, backend)
      scaleRows(deltas, weights)
      const { kernel, bias } = parameterGradients(layer, { x: withoutRows(x, weights, backend), dz: backend.upload(deltas, dz.shape) }, backend)
      backend.download(kernel, target.kernel)
      if (bias !== undefined && target.bias !== undefined) {
        backend.download(bias, target.bias)
      }
    }
  }
}

function formedSquares ({ x, dz, examples }: Sides, backend: Backend): Float64Array {
  const squares = new Float64Array(examples)
  addRowSquares(toHost(tf.matMul(x, dz, true, false), backend), squares)
  return squares
}

/** Undefined when the terms of one example cancel, or products of pairs underflow, so far that few digits are left: too short a norm would pass unclipped */
function pairSquares ({ x, dz, examples }: Sides, backend: Backend): Float64Array | undefined {
  const [, positions, inputs] = x.shape
  const outputs = dz.shape[2]
  const inputPairs = toHost(tf.matMul(x, x, false, true), backend)
  const deltaPairs = toHost(tf.matMul(dz, dz, false, true), backend)
  const squares = new Float64Array(examples)
  for (let example = 0; example < examples; example++) {
    const start = example * positions * positions
    let [square, lengths, inputLengths, deltaLengths] = [0, 0, 0, 0]
    for (let i = start; i < start + positions * positions; i++) {
      square += inputPairs[i]! * deltaPairs[i]!
    }
    for (let i = start; i < start + positions * positions; i += positions + 1) {
      lengths += Math.sqrt(inputPairs[i]! * deltaPairs[i]!)
      inputLengths += Math.sqrt(inputPairs[i]!)
      deltaLengths += Math.sqrt(deltaPairs[i]!)
    }
    // each product of a pair may lack so much for every element, and meets one of the other side that is at most the lengths' product
    const lost = UNDERFLOW * (outputs * inputLengths * inputLengths + inputs * deltaLengths * deltaLengths)
    if (square < LEAST_SHARE * lengths * lengths || lost > Math.max(LOST_SQUARE, LOST_SHARE * square)) {
      return undefined
    }
    squares[example] = square
  }
  return squares
}

/**
 * What a batch gave to one layer, and what its examples' gradients can be asked for
 */
import { tf } from './tensors.ts'
import { elements, imageSides } from './layer.ts'
import { shaped, toHost } from './tensor-helpers.ts'
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core'
import type { Backend } from './backend.ts'
import type { ProductLayer } from './layer.ts'
import type { Factors } from './layer-pass.ts'
import type { OuterProducts } from './outer-products.ts'

/** Floats of patches and gradients that are worked on at a time: 4 MiB */
const CHUNK_FLOATS = 1_048_576

/** Where a layer's part of the flat vector is */
export interface ParameterViews {
  kernel: Float64Array
  bias: Float64Array | undefined
}

export interface ExampleGradients {
  /** Adds each example's squared norm over the layer's parameters */
  addSquaredNorms: (squaredNorms: Float64Array) => void
  /** Adds the sum over the examples of weight x gradient. An example of weight zero takes no part, not even with NaN */
  addSum: (weights: Float64Array, target: ParameterViews) => void
}

/** Tensors belong to the surrounding tidy */
export interface LayerBatch<L = ProductLayer> {
  layer: L
  factors: Factors
  /** Examples */
  count: number
  backend: Backend
  products: OuterProducts
  /** Examples whose products may be added as floats: floatBlockLength of privacy/sum-rounding.ts */
  blockLength: number
}

export interface Sizes { positions: number, inputs: number, outputs: number }

export function sizes (layer: ProductLayer): Sizes {
  const channels = layer.input.at(-1)!
  const inputs = layer.kind === 'dense' ? channels : elements(layer.window.size) * channels
  const outputs = layer.output.at(-1)!
  return { positions: elements(layer.output) / outputs, inputs, outputs }
}

/** The two sides of the products of some examples: [examples, positions, inputs] and [examples, positions, outputs] */
export interface Sides { x: Tensor3D, dz: Tensor3D, first: number, examples: number }

/**
 * Calls `work` for a few examples at a time, so that memory does not grow with the batch; tensors live as long as the
 * call
 */
export function inChunks ({ layer, factors, count, backend }: LayerBatch, floatsEach: number, work: (sides: Sides) => void): void {
  const { positions, inputs, outputs } = sizes(layer)
  const size = Math.max(1, Math.floor(CHUNK_FLOATS / (positions * inputs + floatsEach)))
  const images = shaped(factors.x, [count, ...(layer.kind === 'dense' ? [positions, inputs] : imageSides(layer.input))])
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

/** Each example's gradient of the bias, its sum of dz over the positions. Undefined without a bias */
export function biasGradients ({ layer, factors, count, backend }: LayerBatch): Float32Array | undefined {
  const { positions, outputs } = sizes(layer)
  return layer.useBias ? toHost(backend.columnSums(shaped(factors.dz, [count, positions, outputs])), backend) : undefined
}

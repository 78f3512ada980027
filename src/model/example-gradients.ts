/**
 * Norms and weighted sums of the gradients that single examples give to one layer's parameters
 *
 * A kernel's gradient for one example is the sum over its positions p of x_p dz_p^T. With one position its norm is
 * ||x|| ||dz||, so that it need not be formed (Goodfellow 2015, "Efficient Per-Example Gradient Computations"). With
 * more, as in convolutions, it is either formed, or its norm comes from the products of all pairs of positions, the sum
 * of (x_p . x_q)(dz_p . dz_q) ("ghost norm": Li et al. 2021, arXiv:2110.05679; Bu et al. 2022, arXiv:2205.10683, for
 * convolutions and for choosing by cost). The sum reuses x and dz instead of a second backward pass, as in the
 * book-keeping of Bu et al. 2022, arXiv:2210.00038: the backward pass is linear in each example's dz.
 *
 * What is in float32 here (x, dz, a gradient that was formed) is a function of one example. Whatever joins it, norms
 * and sums over examples, is in double precision, or in blocks of floats that are short enough: how far one example can
 * change how the others are rounded is bounded (privacy/sum-rounding.ts).
 */
import { tf } from './tensors.ts'
import { scatteredGradients } from './embedding.ts'
import { elements } from './layer.ts'
import { biasGradients, inChunks, sizes } from './layer-batch.ts'
import { pairGradients } from './pair-gradients.ts'
import { LARGEST_SPREAD } from './pair-square.ts'
import { addRowSquares, addWeightedRows } from './row-arithmetic.ts'
import { toHost } from './tensor-helpers.ts'
import type { SumRounding } from '../privacy/sum-rounding.ts'
import type { ExampleGradients, LayerBatch } from './layer-batch.ts'
import type { EmbeddingLayer, FactoredLayer, ProductLayer } from './layer.ts'

/**
 * What a float of a formed gradient costs on top of its products, in products: it is written, squared and added in
 * plain code
 */
const FORMED_COST = 10
/** What a product of a pair costs, in plain code instead of vector kernels */
const PAIR_COST = 6

/** How the norms of a layer are found, and whether the gradients are kept for the sum */
export type NormMethod = 'rows' | 'kept' | 'pairs'

/**
 * The cheapest method for each example. A matter of shapes alone: how one example is rounded must not depend on the
 * others
 */
export function normMethod (layer: ProductLayer): NormMethod {
  const { positions, inputs, outputs } = sizes(layer)
  if (layer.kind === 'dense' && positions === 1) {
    return 'rows'
  }
  const pairs = PAIR_COST * positions * (positions + 1) / 2 * (inputs + outputs) + 2 * positions * inputs * outputs
  return pairs < (positions + FORMED_COST) * inputs * outputs ? 'pairs' : 'kept'
}

/** Floats that an example's gradient takes until its factor is known */
export function keptFloats (layer: FactoredLayer): number {
  if (layer.kind === 'embedding') {
    return elements(layer.output)
  }
  const { inputs, outputs } = sizes(layer)
  return normMethod(layer) === 'kept' ? inputs * outputs : 0
}

/** How the clipped sum over these layers rounds */
export function largestRounding (layers: readonly FactoredLayer[]): SumRounding {
  // rows of an embedding are formed, one for each example, before they are added
  const products = layers.filter((layer) => layer.kind !== 'embedding')
  const paired = products.filter((layer) => normMethod(layer) === 'pairs')
  return {
    positions: Math.max(1, ...paired.map((layer) => sizes(layer).positions)),
    spread: paired.length === 0 ? 1 : LARGEST_SPREAD,
    floatBlocks: products.some((layer) => normMethod(layer) === 'rows')
  }
}

function ofProducts (batch: LayerBatch<FactoredLayer>): batch is LayerBatch {
  return batch.layer.kind !== 'embedding'
}

/** What the examples of a batch give to one kernel and its bias. Embeddings have a method of their own */
export function exampleGradients (batch: LayerBatch<FactoredLayer>, method?: NormMethod): ExampleGradients {
  if (!ofProducts(batch)) {
    return scatteredGradients(batch as LayerBatch<EmbeddingLayer>)
  }
  switch (method ?? normMethod(batch.layer)) {
    case 'rows': return rowGradients(batch)
    case 'kept': return keptGradients(batch)
    case 'pairs': return pairGradients(batch)
  }
}

/** One position for each example */
function rowGradients ({ layer, factors, count, backend, products, blockLength }: LayerBatch): ExampleGradients {
  const { inputs, outputs } = sizes(layer)
  const [x, deltas] = [toHost(factors.x, backend), toHost(factors.dz, backend)]
  return {
    addSquaredNorms: (squaredNorms) => {
      const inputSquares = new Float64Array(count).fill(layer.useBias ? 1 : 0)
      const deltaSquares = new Float64Array(count)
      addRowSquares(x, inputSquares)
      addRowSquares(deltas, deltaSquares)
      for (let example = 0; example < count; example++) {
        squaredNorms[example] = squaredNorms[example]! + inputSquares[example]! * deltaSquares[example]!
      }
    },
    addSum: (weights, target) => {
      products.add({ x, inputs, deltas, outputs, weights, blockLength }, target.kernel)
      if (target.bias !== undefined) {
        addWeightedRows(deltas, weights, target.bias)
      }
    }
  }
}

/**
 * Gradients that are small enough to be kept until their weights are known: norms and sum are of the very same numbers
 */
function keptGradients (batch: LayerBatch): ExampleGradients {
  const { layer, count, backend } = batch
  const { inputs, outputs } = sizes(layer)
  const width = inputs * outputs
  const kernels = new Float32Array(count * width)
  inChunks(batch, width, ({ x, dz, first, examples }) => {
    backend.download(tf.matMul(x, dz, true, false), kernels.subarray(first * width, (first + examples) * width))
  })
  const biases = biasGradients(batch)
  return {
    addSquaredNorms: (squaredNorms) => {
      for (const gradients of biases === undefined ? [kernels] : [kernels, biases]) {
        addRowSquares(gradients, squaredNorms)
      }
    },
    addSum: (weights, target) => {
      addWeightedRows(kernels, weights, target.kernel)
      if (biases !== undefined && target.bias !== undefined) {
        addWeightedRows(biases, weights, target.bias)
      }
    }
  }
}

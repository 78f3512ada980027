/**
 * Example gradients of a few positions and large kernels: norms from products of pairs of positions, the sum from the
 * products of all
 *
 * An example whose positions nearly cancel is formed instead, as often as it is needed: its norm would have few digits,
 * and its terms in the sum would be much longer than their sum is. What is chosen for one example depends on that
 * example alone.
 */
import { biasGradients, inChunks, sizes } from './layer-batch.ts'
import { pairSquare } from './pair-square.ts'
import { addRowSquares, addWeightedRows } from './row-arithmetic.ts'
import { toHost } from './tensor-helpers.ts'
import type { ExampleGradients, LayerBatch } from './layer-batch.ts'

/** Some examples on the host: examples x positions x inputs, and x outputs */
interface HostChunk { x: Float32Array, deltas: Float32Array, first: number, examples: number }

function forChunks (batch: LayerBatch, work: (chunk: HostChunk) => void): void {
  const { positions, inputs } = sizes(batch.layer)
  inChunks(batch, positions * inputs, ({ x, dz, first, examples }) => {
    work({ x: toHost(x, batch.backend), deltas: toHost(dz, batch.backend), first, examples })
  })
}

/** Rows of one example */
function rowsOf ({ x, deltas, examples }: HostChunk, index: number): Pick<HostChunk, 'x' | 'deltas'> {
  const part = (rows: Float32Array): Float32Array => rows.subarray(index * rows.length / examples, (index + 1) * rows.length / examples)
  return { x: part(x), deltas: part(deltas) }
}

export function pairGradients (batch: LayerBatch): ExampleGradients {
  const { layer, products } = batch
  const { positions, inputs, outputs } = sizes(layer)
  const biases = biasGradients(batch)
  const cancelling = new Set<number>()
  const formed = (rows: Pick<HostChunk, 'x' | 'deltas'>): Float32Array => {
    const gradient = new Float64Array(inputs * outputs)
    products.add({ ...rows, inputs, outputs, weights: Float64Array.of(1) }, gradient)
    return Float32Array.from(gradient)
  }
  const squareOf = (chunk: HostChunk, index: number): number => {
    const rows = rowsOf(chunk, index)
    const square = pairSquare(rows, positions)
    if (square !== undefined) {
      return square
    }
    cancelling.add(chunk.first + index)
    const [own] = addRowSquares(formed(rows), new Float64Array(1))
    return own!
  }
  return {
    addSquaredNorms: (squaredNorms) => {
      forChunks(batch, (chunk) => {
        for (let index = 0; index < chunk.examples; index++) {
          squaredNorms[chunk.first + index] = squaredNorms[chunk.first + index]! + squareOf(chunk, index)
        }
      })
      if (biases !== undefined) {
        addRowSquares(biases, squaredNorms)
      }
    },
    addSum: (weights, target) => {
      forChunks(batch, (chunk) => {
        const taken = weights.slice(chunk.first, chunk.first + chunk.examples)
        for (const [index, weight] of taken.entries()) {
          if (weight !== 0 && cancelling.has(chunk.first + index)) {
            addWeightedRows(formed(rowsOf(chunk, index)), Float64Array.of(weight), target.kernel)
            taken[index] = 0
          }
        }
        products.add({ x: chunk.x, inputs, deltas: chunk.deltas, outputs, weights: taken }, target.kernel)
      })
      if (biases !== undefined && target.bias !== undefined) {
        addWeightedRows(biases, weights, target.bias)
      }
    }
  }
}

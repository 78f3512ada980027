/**
 * Embeddings: rows of a table by whole numbers, and gradients that are added up where a number comes more than once
 *
 * An example's gradient has as many rows as the example has different ids. Rows of one id are added first, as floats
 * and for each example alone: that is the example's gradient, whose norm is taken and which goes into the clipped sum.
 */
import { DatasetError } from '../errors.ts'
import { shaped, toHost } from './tensor-helpers.ts'
import { tf } from './tensors.ts'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Backend } from './backend.ts'
import type { ExampleGradients, LayerBatch } from './layer-batch.ts'
import type { Factors, Pass, Weights } from './layer-pass.ts'
import type { EmbeddingLayer } from './layer.ts'

/** `x` holds ids, [examples, length]. Throws DatasetError for what is no row of the table, before it is used */
export function embeddingPass (layer: EmbeddingLayer, x: Tensor, { kernel: table }: Weights, backend: Backend): Pass {
  const ids = toHost(x, backend)
  requireIds(ids, layer)
  return {
    output: shaped(tf.gather(table, tf.tensor1d(Int32Array.from(ids), 'int32')), [x.shape[0], ...layer.output]),
    backward: (dy) => ({ input: undefined, factors: [{ x, dz: dy }] })
  }
}

/** A backend would read past the end of the table */
function requireIds (ids: Float32Array, { name, vocabulary, input: [length = 1] }: EmbeddingLayer): void {
  const wrong = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary))
  if (wrong !== -1) {
    throw new DatasetError(`layer "${name}" takes whole numbers from 0 to ${vocabulary - 1}, but input ${wrong % length} of an example is ${ids[wrong]}: its ids are of another vocabulary, or are no ids`)
  }
}

/** Writes the sum over the batch of the gradients: vocabulary x width, row-major */
export function writeEmbeddingGradients ({ width }: EmbeddingLayer, { x, dz }: Factors, backend: Backend, target: Float32Array): void {
  const [ids, rows] = [toHost(x, backend), toHost(dz, backend)]
  target.fill(0)
  for (let row = 0; row < ids.length; row++) {
    addTo(target.subarray(ids[row]! * width, (ids[row]! + 1) * width), rows, row * width)
  }
}

/** target += values from `start` on */
function addTo (target: Float32Array, values: Float32Array, start: number): void {
  for (let i = 0; i < target.length; i++) {
    target[i] = target[i]! + values[start + i]!
  }
}

/** One row for each different id of each example */
interface SparseRows {
  /** Row of the table, or -1 where the row was added to an earlier one of the same example */
  ids: Int32Array
  /** ids.length x width */
  rows: Float32Array
}

function combined ({ vocabulary, width, input: [length = 1] }: EmbeddingLayer, ids: Float32Array, rows: Float32Array): SparseRows {
  const own = Int32Array.from(ids)
  // where an id was last seen as the first of its example
  const seen = new Int32Array(vocabulary).fill(-1)
  for (let row = 0; row < own.length; row++) {
    const id = own[row]!
    const first = seen[id]!
    if (first >= row - row % length) {
      addTo(rows.subarray(first * width, (first + 1) * width), rows, row * width)
      own[row] = -1
    } else {
      seen[id] = row
    }
  }
  return { ids: own, rows }
}

export function scatteredGradients ({ layer, factors, count, backend }: LayerBatch<EmbeddingLayer>): ExampleGradients {
  const { width } = layer
  const { ids, rows } = combined(layer, toHost(factors.x, backend), toHost(factors.dz, backend))
  const length = ids.length / count
  const forRows = (example: number, work: (start: number, id: number) => void): void => {
    for (let row = example * length; row < (example + 1) * length; row++) {
      if (ids[row] !== -1) {
        work(row * width, ids[row]!)
      }
    }
  }
  return {
    addSquaredNorms: (squaredNorms) => {
      for (let example = 0; example < count; example++) {
        forRows(example, (start) => {
          for (let i = start; i < start + width; i++) {
            squaredNorms[example] = squaredNorms[example]! + rows[i]! * rows[i]!
          }
        })
      }
    },
    addSum: (weights, { kernel }) => {
      for (const [example, weight] of weights.entries()) {
        if (weight !== 0) {
          forRows(example, (start, id) => {
            for (let i = 0; i < width; i++) {
              kernel[id * width + i] = kernel[id * width + i]! + weight * rows[start + i]!
            }
          })
        }
      }
    }
  }
}
